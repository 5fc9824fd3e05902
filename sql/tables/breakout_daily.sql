-- Money and quality of the day's traffic by everything that Breakout groups by.
-- grain: one row per customer, provider, destinations, currencies, tech prefix, direction,
--   SIP code, release reason, country and carrier; and hour, when a question asks hourly
-- inputs: attempts, hours (quarter: quarter hours since 1970; hour: start of its local hour)
-- parameters: hourly (false for the table)
WITH timed AS (
    SELECT
        a.*,
        h.hour
    FROM attempts AS a
    LEFT JOIN hours AS h ON $hourly AND EPOCH_US(a.dt) // 900000000 = h.quarter
)

SELECT
    CASE WHEN $hourly THEN hour END AS hour, -- start of the local hour; NULL in sums of a day
    customer_id, -- who pays
    provider_id, -- who is paid; NULL when never routed
    customer_destination, -- the customer's rate card's
    provider_destination, -- the provider's rate card's
    customer_currency, -- of the customer's rate card
    provider_currency, -- of the provider's rate card
    tech_prefix, -- as delivered
    direction, -- as delivered
    sip_code, -- final SIP status
    release_reason, -- as delivered
    country, -- ISO 3166 country of the number called
    carrier, -- mobile network of the number called
    COUNT(*) AS attempts, -- rows
    COUNT(is_call) AS calls, -- attempts with branch 0
    COUNT(is_connected) AS connected, -- attempts with talk time
    COUNT(is_short) AS short_calls, -- connected, of at most short_call seconds
    COUNT(is_effective) AS ner_attempts, -- connected, or ended at the far user's side
    SUM(duration) AS duration, -- seconds
    SUM(customer_duration) AS customer_duration, -- billed seconds
    SUM(provider_duration) AS provider_duration, -- billed seconds
    SUM(customer_charge) AS customer_charge, -- in its currency; NULL without any
    SUM(provider_charge) AS provider_charge, -- in its currency; NULL without any
    SUM(pdd_out) AS pdd_sum, -- ms, of the attempts that have one
    COUNT(pdd_out) AS pdd_attempts, -- attempts with a post-dial delay
    COUNT(is_dtmf_call) AS dtmf_calls, -- connected calls with digits
    CAST(SUM(connected_digits) AS BIGINT) AS dtmf_digits -- digits in them
FROM timed
GROUP BY
    CASE WHEN $hourly THEN hour END,
    customer_id,
    provider_id,
    customer_destination,
    provider_destination,
    customer_currency,
    provider_currency,
    tech_prefix,
    direction,
    sip_code,
    release_reason,
    country,
    carrier
