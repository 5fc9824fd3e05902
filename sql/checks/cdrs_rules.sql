-- Which rules each attempt of a staged day breaks: 1 where it does, else 0.
-- grain: one row per attempt
-- inputs: cdrs (the staged day), currencies (currency)
-- parameters: day_start, day_end (instants, half-open), longest_call (seconds)
-- A comment says when the rule is broken, as the end of `no attempt where ...`. Charges and billed
-- time may be NULL (the source's format has none): what is not known breaks no rule. Which rules
-- are warnings stands in resources/expectations/rules.py.
WITH looked_up AS (
    SELECT
        a.*,
        c.currency AS known_customer_currency,
        p.currency AS known_provider_currency
    FROM cdrs AS a
    LEFT JOIN currencies AS c ON a.customer_currency = c.currency
    LEFT JOIN currencies AS p ON a.provider_currency = p.currency
)

SELECT
    source,
    callid,
    branch_idx,
    CASE
        WHEN source IS NULL OR callid IS NULL OR branch_idx IS NULL OR dt IS NULL THEN 1 ELSE 0
    END AS key_incomplete, -- source, call id, branch or time is missing
    CASE
        WHEN customer_id IS NULL THEN 1 ELSE 0
    END AS customer_missing, -- the customer is missing
    CASE
        WHEN dest_number IS NULL THEN 1 ELSE 0
    END AS destination_missing, -- the number called is missing
    CASE
        WHEN dt >= $day_start AND dt < $day_end THEN 0 ELSE 1
    END AS outside_day, -- the call does not begin on the day
    CASE
        WHEN duration >= 0 AND duration <= $longest_call THEN 0 ELSE 1
    END AS duration_out_of_range, -- talk time is missing, negative or longer than the longest call
    CASE
        WHEN customer_duration < 0 OR provider_duration < 0 THEN 1 ELSE 0
    END AS billed_duration_negative, -- billed time is negative
    CASE
        WHEN customer_charge < 0 OR provider_charge < 0 THEN 1 ELSE 0
    END AS charge_negative, -- a charge is negative
    CASE
        WHEN customer_charge > 1000000 OR provider_charge > 1000000 THEN 1 ELSE 0
    END AS charge_unusually_high, -- a charge is over a million
    CASE
        WHEN branch_idx < 0 THEN 1 ELSE 0
    END AS branch_negative, -- the branch is negative
    CASE
        WHEN branch_idx > 99 THEN 1 ELSE 0
    END AS branch_unusually_high, -- the branch is over 99
    CASE
        WHEN
            (customer_currency IS NOT NULL AND known_customer_currency IS NULL)
            OR (provider_currency IS NOT NULL AND known_provider_currency IS NULL)
            THEN 1
        ELSE 0
    END AS currency_unknown, -- no exchange rate is known for a currency
    CASE
        WHEN
            (customer_charge <> 0 AND customer_currency IS NULL)
            OR (provider_charge <> 0 AND provider_currency IS NULL)
            THEN 1
        ELSE 0
    END AS currency_missing, -- a charge has no currency
    CASE
        WHEN
            jurisdiction_state IN ('intrastate', 'interstate', 'indeterminate', 'international')
            AND jurisdiction_lata IN ('intralata', 'interlata', 'indeterminate', 'international')
            AND network IN ('onnet', 'offnet', 'international')
            THEN 0
        ELSE 1
    END AS jurisdiction_unknown, -- a jurisdiction is none of the known ones
    CASE
        WHEN (jurisdiction_state = 'indeterminate') <> (reason_state IS NOT NULL) THEN 1
        WHEN (jurisdiction_lata = 'indeterminate') <> (reason_lata IS NOT NULL) THEN 1
        ELSE 0
    END AS indeterminate_without_reason, -- it is indeterminate without a reason, or the reverse
    CASE
        WHEN
            release_class IN ('answered', 'user', 'user_if_alerted', 'destination', 'network')
            OR release_class IS NULL
            THEN 0
        ELSE 1
    END AS release_class_unknown, -- the release class is none of the known ones
    CASE
        WHEN dtmf_digits > 1000 THEN 1 ELSE 0
    END AS dtmf_unusually_long, -- over 1000 digits were captured
    CASE
        WHEN customer_card_rate < 0 OR customer_card_rate > 1000000 THEN 1
        WHEN provider_card_rate < 0 OR provider_card_rate > 1000000 THEN 1
        ELSE 0
    END AS card_rate_out_of_range, -- a rate per minute is negative or over a million
    CASE
        WHEN ring_duration < 0 OR ring_duration > 3600 THEN 1
        WHEN pdd_in < 0 OR pdd_in > 3600000 OR pdd_out < 0 OR pdd_out > 3600000 THEN 1
        ELSE 0
    END AS delay_out_of_range, -- ringing or post-dial delay is negative or over an hour
    CASE
        WHEN duration > 0 AND customer_charge > 0 AND customer_duration < duration - 1 THEN 1
        WHEN duration > 0 AND provider_charge > 0 AND provider_duration < duration - 1 THEN 1
        ELSE 0
    END AS billed_less_than_talked, -- it is charged and billed over a second less than talked
    CASE
        WHEN customer_duration > duration + 300 OR provider_duration > duration + 300 THEN 1
        ELSE 0
    END AS billed_more_than_talked, -- it is billed over five minutes more than talked
    CASE
        WHEN duration = 0 AND (customer_charge > 0 OR provider_charge > 0) THEN 1 ELSE 0
    END AS charged_without_connection, -- it is not connected, and charged all the same
    CASE
        WHEN provider_id IS NULL AND provider_charge > 0 THEN 1 ELSE 0
    END AS charged_without_provider -- a provider's charge has no provider
FROM looked_up
