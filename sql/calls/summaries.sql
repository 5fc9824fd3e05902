-- What the calls of each number sum up to: as a whole, and by release reason, by hour of the day
-- and by the currency of either side.
-- grain: one row per number and per group of one kind of grouping (`kind`)
-- inputs: calls
-- parameters: timezone (IANA name: whose hours they are)
--   A number on both sides of a call has it once. A number is counted under one pass over the
--   calls, for they may be many.
WITH sided AS (
    SELECT
        c.*,
        CAST(EXTRACT(HOUR FROM c.dt AT TIME ZONE $timezone) AS INTEGER) AS hour,
        UNNEST(
            CASE
                WHEN c.asked_cli IS NULL THEN [c.asked_destination]
                WHEN c.asked_destination IS NULL THEN [c.asked_cli]
                WHEN c.asked_cli = c.asked_destination THEN [c.asked_cli]
                ELSE [c.asked_cli, c.asked_destination]
            END
        ) AS number
    FROM calls AS c
)

SELECT
    s.number, -- the number asked for
    s.release_reason, -- of groups by reason
    s.hour, -- of groups by hour: 0 to 23, local
    s.customer_currency, -- of groups by the customer's currency
    s.provider_currency, -- of groups by the provider's currency
    GROUPING(s.release_reason, s.hour, s.customer_currency, s.provider_currency)
        AS kind, -- 15 the number, 7 by reason, 11 by hour, 13 and 14 by currency
    COUNT(*) AS attempts, -- rows
    CAST(SUM(CASE WHEN s.branch_idx = 0 THEN 1 ELSE 0 END) AS BIGINT) AS calls, -- branch 0
    CAST(SUM(CASE WHEN s.duration > 0 THEN 1 ELSE 0 END) AS BIGINT)
        AS connected, -- attempts with talk time
    SUM(s.duration) AS duration, -- talk time, seconds
    MIN(s.dt) AS first_call, -- when the first attempt began
    MAX(s.dt) AS last_call, -- when the last attempt began
    CAST(SUM(CASE WHEN s.asked_cli = s.number THEN 1 ELSE 0 END) AS BIGINT)
        AS as_cli, -- attempts whose caller it is
    CAST(SUM(CASE WHEN s.asked_destination = s.number THEN 1 ELSE 0 END) AS BIGINT)
        AS as_destination, -- attempts that called it
    SUM(s.customer_charge) AS customer_charge, -- exact, of groups by the customer's currency
    SUM(s.provider_charge) AS provider_charge -- exact, of groups by the provider's currency
FROM sided AS s
GROUP BY
    GROUPING SETS (
        (s.number),
        (s.number, s.release_reason),
        (s.number, s.hour),
        (s.number, s.customer_currency),
        (s.number, s.provider_currency)
    )
