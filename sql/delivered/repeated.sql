-- The keys that were delivered more than once for a day.
-- grain: one row per key (source, callid, branch_idx)
-- inputs: delivered
-- parameters: day
-- First by hash, which takes less memory and time; then by the keys themselves, those few.
SELECT
    source,
    callid,
    branch_idx
FROM delivered
WHERE
    call_date = $day
    AND reasons IS NULL
    AND HASH(source, callid, branch_idx) IN (
        SELECT HASH(d.source, d.callid, d.branch_idx)
        FROM delivered AS d
        WHERE d.call_date = $day AND d.reasons IS NULL
        GROUP BY HASH(d.source, d.callid, d.branch_idx)
        HAVING COUNT(*) > 1
    )
GROUP BY source, callid, branch_idx
HAVING COUNT(*) > 1
