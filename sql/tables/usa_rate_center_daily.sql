-- The day's traffic by NPA-NXX and rate centre, of the caller and of the number reached.
-- grain: one row per side, prefix, customer, provider and currencies; every attempt counts once on
--   each side
-- inputs: attempts
-- parameters: none
-- The prefix tells rate centre, state and LATA: to group by them too makes no more groups, and is
-- cheaper than to take those of any of its rows.
SELECT
    'destination' AS side,
    term_prefix AS prefix,
    term_rate_center AS rate_center,
    term_state AS state,
    term_lata AS lata,
    customer_id,
    provider_id,
    customer_currency,
    provider_currency,
    COUNT(*) AS attempts,
    COUNT(is_connected) AS connected,
    SUM(duration) AS duration,
    SUM(customer_duration) AS customer_duration,
    SUM(provider_duration) AS provider_duration,
    SUM(customer_charge) AS customer_charge,
    SUM(provider_charge) AS provider_charge
FROM attempts
GROUP BY
    term_prefix,
    term_rate_center,
    term_state,
    term_lata,
    customer_id,
    provider_id,
    customer_currency,
    provider_currency
UNION ALL
SELECT
    'origin' AS side, -- origin or destination
    orig_prefix AS prefix, -- NPA-NXX; NULL when not a US place
    orig_rate_center AS rate_center, -- NULL when unknown
    orig_state AS state, -- US places only
    orig_lata AS lata, -- NULL when unknown
    customer_id, -- who pays
    provider_id, -- who is paid; NULL when never routed
    customer_currency, -- of the customer's rate card
    provider_currency, -- of the provider's rate card
    COUNT(*) AS attempts, -- rows
    COUNT(is_connected) AS connected, -- attempts with talk time
    SUM(duration) AS duration, -- seconds
    SUM(customer_duration) AS customer_duration, -- billed seconds
    SUM(provider_duration) AS provider_duration, -- billed seconds
    SUM(customer_charge) AS customer_charge, -- in its currency; NULL without any
    SUM(provider_charge) AS provider_charge -- in its currency; NULL without any
FROM attempts
GROUP BY
    orig_prefix,
    orig_rate_center,
    orig_state,
    orig_lata,
    customer_id,
    provider_id,
    customer_currency,
    provider_currency
