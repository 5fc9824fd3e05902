-- Calls of a day that another day has as well, under the same call id and branch.
-- grain: one row per call id
-- inputs: delivered (of both days)
-- parameters: day, other
-- Compared by hash, which takes a third of the time and can only ever warn of too many.
SELECT d.callid
FROM delivered AS d
WHERE
    d.call_date = $day
    AND d.reasons IS NULL
    AND HASH(d.source, d.callid, d.branch_idx) IN (
        SELECT HASH(o.source, o.callid, o.branch_idx)
        FROM delivered AS o
        WHERE o.call_date = $other AND o.reasons IS NULL
    )
GROUP BY d.callid
