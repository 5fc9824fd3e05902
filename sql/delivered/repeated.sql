-- The keys that were delivered more than once for a day.
-- grain: one row per key (source, callid, branch_idx)
-- inputs: delivered
-- parameters: day
SELECT
    source,
    callid,
    branch_idx
FROM delivered
WHERE call_date = $day AND reasons IS NULL
GROUP BY source, callid, branch_idx
HAVING COUNT(*) > 1
