-- The day's traffic whose caller's number is one of the own numbers (DIDs).
-- grain: one row per customer, provider, currencies and caller's number
-- inputs: attempts, dids (digits, each once)
-- parameters: none
SELECT
    a.customer_id, -- who pays
    a.provider_id, -- who is paid; NULL when never routed
    a.customer_currency, -- of the customer's rate card
    a.provider_currency, -- of the provider's rate card
    a.cli_digits AS cli, -- the own number that called, E.164 without plus
    COUNT(*) AS attempts, -- rows
    COUNT(a.is_call) AS calls, -- attempts with branch 0
    COUNT(a.is_connected) AS connected, -- attempts with talk time
    COUNT(a.is_short) AS short_calls, -- connected, of at most short_call seconds
    COUNT(a.is_effective) AS ner_attempts, -- connected, or ended at the far side
    SUM(a.duration) AS duration, -- seconds
    SUM(a.customer_duration) AS customer_duration, -- billed seconds
    SUM(a.provider_duration) AS provider_duration, -- billed seconds
    SUM(a.customer_charge) AS customer_charge, -- in its currency; NULL without any
    SUM(a.provider_charge) AS provider_charge, -- in its currency; NULL without any
    SUM(a.pdd_out) AS pdd_sum, -- ms, of the attempts that have one
    COUNT(a.pdd_out) AS pdd_attempts, -- attempts with a post-dial delay
    COUNT(a.is_dtmf_call) AS dtmf_calls, -- connected calls with digits
    CAST(SUM(a.connected_digits) AS BIGINT) AS dtmf_digits -- digits in them
FROM attempts AS a
INNER JOIN dids AS d ON a.cli_digits = d.digits
GROUP BY
    a.customer_id,
    a.provider_id,
    a.customer_currency,
    a.provider_currency,
    a.cli_digits
