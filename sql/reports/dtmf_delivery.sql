-- The traffic of a period, what DTMF each provider should have delivered in it, and what the same
-- traffic would have cost elsewhere. Every measure is additive: ratios, z and the flag are made
-- from its sums.
-- grain: one row per day, provider, customer, destinations and currencies; what is expected and
--   what would have been cheapest is that of the whole period
-- inputs: dtmf_hourly (all days of the period)
-- parameters: none
--
-- Delivery: a cell is a customer's traffic to a destination. Of a provider's connected calls in a
-- cell, as large a share is expected to have digits as all other providers of that cell had. A
-- cell in which no other provider has connected calls is not checked: it counts on no side. A
-- provider is flagged when, over its checked cells, (actual - expected) / sqrt(variance) < -3 and
-- at least 20 calls were expected; where the variance is 0, any lack is beyond -3.
--
-- Saving: provider charge, less the talk time at the cost per second of the cheapest provider that
-- delivers. The cheapest is, for a customer's destination, the lowest charge in USD per second of
-- talk time over the period, among providers that are not flagged and charge for talk time there;
-- its own traffic saves nothing. It is negative where a flagged provider is cheaper than every one
-- that delivers, and NULL where none delivers or the provider has no charges; talk time of which no
-- charge is known stays out of it.
--
-- Whole quotients, as a division would be a float: rates have 18 places, costs per second 15.
-- HUGEINT stands for any integer of 38 digits; the quotients themselves fit into 18. Products keep
-- their places, as cutting wide decimals is what takes the engine time; but sums of rates are
-- rounded to 12 before they are judged, so that three thirds are one.
WITH traffic AS (
    SELECT
        call_date,
        provider_id,
        customer_id,
        customer_destination,
        provider_destination,
        customer_currency,
        provider_currency,
        CAST(SUM(attempts) AS BIGINT) AS attempts,
        CAST(SUM(calls) AS BIGINT) AS calls,
        CAST(SUM(connected) AS BIGINT) AS connected,
        CAST(SUM(short_calls) AS BIGINT) AS short_calls,
        CAST(SUM(ner_attempts) AS BIGINT) AS ner_attempts,
        SUM(duration) AS duration,
        SUM(customer_duration) AS customer_duration,
        SUM(provider_duration) AS provider_duration,
        SUM(customer_charge) AS customer_charge,
        SUM(provider_charge) AS provider_charge,
        SUM(customer_charge_usd) AS customer_charge_usd,
        SUM(customer_charge_gbp) AS customer_charge_gbp,
        SUM(provider_charge_usd) AS provider_charge_usd,
        SUM(provider_charge_gbp) AS provider_charge_gbp,
        SUM(pdd_sum) AS pdd_sum,
        CAST(SUM(pdd_attempts) AS BIGINT) AS pdd_attempts,
        CAST(SUM(dtmf_calls) AS BIGINT) AS dtmf_calls,
        CAST(SUM(dtmf_digits) AS BIGINT) AS dtmf_digits,
        CAST(SUM(stale_rate_attempts) AS BIGINT) AS stale_rate_attempts,
        SUM(CASE WHEN provider_charge_usd IS NOT NULL THEN duration END) AS charged_duration
    FROM dtmf_hourly
    GROUP BY
        call_date,
        provider_id,
        customer_id,
        customer_destination,
        provider_destination,
        customer_currency,
        provider_currency
),

carried AS (
    SELECT
        provider_id,
        customer_id,
        customer_destination,
        CAST(SUM(connected) AS BIGINT) AS connected,
        CAST(SUM(dtmf_calls) AS BIGINT) AS dtmf_calls
    FROM traffic
    WHERE provider_id IS NOT NULL
    GROUP BY provider_id, customer_id, customer_destination
),

others AS (
    SELECT
        provider_id,
        customer_id,
        customer_destination,
        connected,
        dtmf_calls,
        SUM(connected)
            OVER (PARTITION BY customer_id, customer_destination)
        - connected AS others_connected,
        SUM(dtmf_calls)
            OVER (PARTITION BY customer_id, customer_destination)
        - dtmf_calls AS others_dtmf_calls
    FROM carried
),

checked AS (
    SELECT
        provider_id,
        customer_id,
        customer_destination,
        connected,
        dtmf_calls,
        CAST(
            CAST(
                CAST(others_dtmf_calls AS HUGEINT) * 1000000000000000000
                // CAST(others_connected AS HUGEINT) AS DECIMAL(20, 0)
            ) * 0.000000000000000001 AS DECIMAL(19, 18)
        ) AS rate,
        CAST(
            CAST(
                CAST(others_dtmf_calls AS HUGEINT) * (others_connected - others_dtmf_calls)
                * 1000000000000000000
                // (CAST(others_connected AS HUGEINT) * others_connected) AS DECIMAL(20, 0)
            ) * 0.000000000000000001 AS DECIMAL(19, 18)
        ) AS spread
    FROM others
    WHERE others_connected > 0
),

delivered AS (
    SELECT
        provider_id,
        CAST(SUM(dtmf_calls) AS BIGINT) AS actual,
        CAST(SUM(connected * rate) AS DECIMAL(38, 12)) AS expected,
        CAST(SUM(connected * spread) AS DECIMAL(38, 12)) AS variance
    FROM checked
    GROUP BY provider_id
),

-- Squared instead of the root taken, which would be a float.
flagged AS (
    SELECT provider_id
    FROM delivered
    WHERE
        expected >= 20
        AND actual < expected
        AND CAST(expected - actual AS DECIMAL(19, 9)) * CAST(expected - actual AS DECIMAL(19, 9))
        > 9 * variance
),

offers AS (
    SELECT
        provider_id,
        customer_destination,
        CAST(
            CAST(CAST(SUM(provider_charge_usd) AS DECIMAL(38, 12)) * 1000000000000 AS HUGEINT)
            * 1000000 // CAST(SUM(charged_duration) * 1000 AS HUGEINT) AS DECIMAL(38, 0)
        ) * 0.000000000000001 AS usd_per_second,
        CAST(
            CAST(CAST(SUM(provider_charge_gbp) AS DECIMAL(38, 12)) * 1000000000000 AS HUGEINT)
            * 1000000 // CAST(SUM(charged_duration) * 1000 AS HUGEINT) AS DECIMAL(38, 0)
        ) * 0.000000000000001 AS gbp_per_second
    FROM traffic
    WHERE provider_id IS NOT NULL
    GROUP BY provider_id, customer_destination
    HAVING SUM(provider_charge_usd) > 0 AND SUM(charged_duration) > 0
),

ranked AS (
    SELECT
        o.provider_id,
        o.customer_destination,
        o.usd_per_second,
        o.gbp_per_second,
        ROW_NUMBER() OVER (
            PARTITION BY o.customer_destination
            ORDER BY o.usd_per_second ASC, o.provider_id ASC
        ) AS place
    FROM offers AS o
    LEFT JOIN flagged AS f ON o.provider_id = f.provider_id
    WHERE f.provider_id IS NULL
),

cheapest AS (
    SELECT
        provider_id,
        customer_destination,
        usd_per_second,
        gbp_per_second
    FROM ranked
    WHERE place = 1
)

SELECT
    t.call_date, -- the day
    t.provider_id, -- who is paid; NULL when never routed
    t.customer_id, -- who pays
    t.customer_destination, -- the customer's rate card's
    t.provider_destination, -- the provider's rate card's
    t.customer_currency, -- of the customer's rate card
    t.provider_currency, -- of the provider's rate card
    t.attempts, -- rows
    t.calls, -- attempts with branch 0
    t.connected, -- attempts with talk time
    t.short_calls, -- connected, of at most short_call seconds
    t.ner_attempts, -- connected, or ended at the far user's side
    t.duration, -- seconds
    t.customer_duration, -- billed seconds
    t.provider_duration, -- billed seconds
    t.customer_charge, -- in its currency; NULL without any
    t.provider_charge, -- in its currency; NULL without any
    t.customer_charge_usd, -- by the rates of the calls' dates
    t.customer_charge_gbp, -- by the rates of the calls' dates
    t.provider_charge_usd, -- by the rates of the calls' dates
    t.provider_charge_gbp, -- by the rates of the calls' dates
    t.pdd_sum, -- ms, of the attempts that have one
    t.pdd_attempts, -- attempts with a post-dial delay
    t.dtmf_calls, -- connected calls with digits
    t.dtmf_digits, -- digits in them
    t.stale_rate_attempts, -- attempts converted by a rate older than 7 days
    CASE WHEN c.rate IS NULL THEN 0 ELSE t.connected END AS checked_connected, -- in checked cells
    CASE WHEN c.rate IS NULL THEN 0 ELSE t.dtmf_calls END AS checked_dtmf_calls, -- in checked cells
    COALESCE(t.connected * c.rate, 0) AS expected_dtmf_calls, -- at the other providers' rate
    COALESCE(t.connected * c.spread, 0) AS dtmf_variance, -- of them: n p (1 - p)
    CASE
        WHEN own.provider_id = best.provider_id THEN 0
        WHEN own.provider_id IS NOT NULL
            THEN t.provider_charge_usd - t.charged_duration * best.usd_per_second
    END AS saving_usd, -- against the cheapest provider that delivers
    CASE
        WHEN own.provider_id = best.provider_id THEN 0
        WHEN own.provider_id IS NOT NULL
            THEN t.provider_charge_gbp - t.charged_duration * best.gbp_per_second
    END AS saving_gbp -- the same provider, in pounds
FROM traffic AS t
LEFT JOIN checked AS c
    ON
        t.provider_id = c.provider_id
        AND t.customer_id = c.customer_id
        AND t.customer_destination IS NOT DISTINCT FROM c.customer_destination
LEFT JOIN offers AS own
    ON
        t.provider_id = own.provider_id
        AND t.customer_destination IS NOT DISTINCT FROM own.customer_destination
LEFT JOIN cheapest AS best ON t.customer_destination IS NOT DISTINCT FROM best.customer_destination
