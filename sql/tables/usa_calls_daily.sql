-- The day's traffic by USA jurisdiction.
-- grain: one row per customer, provider, currencies, states, LATAs, jurisdictions, reasons, network
-- inputs: attempts
-- parameters: none
SELECT
    customer_id, -- who pays
    provider_id, -- who is paid; NULL when never routed
    customer_currency, -- of the customer's rate card
    provider_currency, -- of the provider's rate card
    orig_state, -- state of the caller, US places only
    term_state, -- state of the number reached, US places only
    orig_lata, -- LATA of the caller
    term_lata, -- LATA of the number reached
    jurisdiction_state, -- intrastate, interstate, indeterminate, international
    jurisdiction_lata, -- intralata, interlata, indeterminate, international
    reason_state, -- why indeterminate by state
    reason_lata, -- why indeterminate by LATA
    network, -- onnet (both numbers are own DIDs), offnet, international
    COUNT(*) AS attempts, -- rows
    COUNT(is_connected) AS connected, -- attempts with talk time
    SUM(duration) AS duration, -- seconds
    SUM(customer_duration) AS customer_duration, -- billed seconds
    SUM(provider_duration) AS provider_duration, -- billed seconds
    SUM(customer_charge) AS customer_charge, -- in its currency; NULL without any
    SUM(provider_charge) AS provider_charge -- in its currency; NULL without any
FROM attempts
GROUP BY
    customer_id,
    provider_id,
    customer_currency,
    provider_currency,
    orig_state,
    term_state,
    orig_lata,
    term_lata,
    jurisdiction_state,
    jurisdiction_lata,
    reason_state,
    reason_lata,
    network
