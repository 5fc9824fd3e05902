-- The day's traffic by NPA-NXX and rate centre, of the caller and of the number reached.
-- grain: one row per side, prefix, rate centre, state, LATA, customer, provider and currencies;
--   every attempt counts once on each side
-- inputs: attempts
-- parameters: none
WITH sides AS (
    SELECT
        'origin' AS side,
        orig_prefix AS prefix,
        orig_rate_center AS rate_center,
        orig_state AS state,
        orig_lata AS lata,
        customer_id,
        provider_id,
        customer_currency,
        provider_currency,
        is_connected,
        duration,
        customer_duration,
        provider_duration,
        customer_charge,
        provider_charge
    FROM attempts
    UNION ALL
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
        is_connected,
        duration,
        customer_duration,
        provider_duration,
        customer_charge,
        provider_charge
    FROM attempts
)

SELECT
    side, -- origin or destination
    prefix, -- NPA-NXX; NULL when not a US place
    rate_center, -- NULL when unknown
    state, -- US places only
    lata, -- NULL when unknown
    customer_id, -- who pays
    provider_id, -- who is paid; NULL when never routed
    customer_currency, -- of the customer's rate card
    provider_currency, -- of the provider's rate card
    COUNT(*) AS attempts, -- rows
    CAST(SUM(is_connected) AS BIGINT) AS connected, -- attempts with talk time
    SUM(duration) AS duration, -- seconds
    SUM(customer_duration) AS customer_duration, -- billed seconds
    SUM(provider_duration) AS provider_duration, -- billed seconds
    SUM(customer_charge) AS customer_charge, -- in its currency; NULL without any
    SUM(provider_charge) AS provider_charge -- in its currency; NULL without any
FROM sides
GROUP BY
    side,
    prefix,
    rate_center,
    state,
    lata,
    customer_id,
    provider_id,
    customer_currency,
    provider_currency
