-- What every attempt counts for: the additive measures before they are counted and summed.
-- grain: one row per attempt
-- inputs: cdrs (one day)
-- parameters: short_call (seconds)
-- What is or is not stands as 1 or NULL: to count is cheaper than to sum ones and zeros.
SELECT
    c.*,
    CASE WHEN c.branch_idx = 0 THEN 1 END AS is_call,
    CASE WHEN c.duration > 0 THEN 1 END AS is_connected,
    CASE WHEN c.duration > 0 AND c.duration <= $short_call THEN 1 END AS is_short,
    -- after ITU-T E.425: what ended at the far user's side was the network's success
    CASE
        WHEN c.duration > 0 OR c.release_class IN ('user', 'user_if_alerted') THEN 1
    END AS is_effective,
    CASE WHEN c.duration > 0 AND c.dtmf_digits > 0 THEN 1 END AS is_dtmf_call,
    CASE WHEN c.duration > 0 THEN COALESCE(c.dtmf_digits, 0) ELSE 0 END AS connected_digits
FROM cdrs AS c
