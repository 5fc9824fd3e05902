-- Calls of a day that another day has as well, under the same call id and branch.
-- grain: one row per source, call id and branch
-- inputs: delivered (of both days)
-- parameters: day, other
SELECT
    d.source,
    d.callid,
    d.branch_idx
FROM delivered AS d
INNER JOIN delivered AS o
    ON d.callid = o.callid AND d.branch_idx = o.branch_idx AND d.source = o.source
WHERE d.call_date = $day AND d.reasons IS NULL AND o.call_date = $other AND o.reasons IS NULL
GROUP BY d.source, d.callid, d.branch_idx
