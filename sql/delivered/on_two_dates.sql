-- Calls of a day that another day has as well, under the same call id and branch.
-- grain: one row per record of the day
-- inputs: delivered (of both days)
-- parameters: day, other
-- Compared by hash, which takes a third of the time and can only ever warn of too many.
SELECT callid
FROM delivered
WHERE
    call_date = $day
    AND reasons IS NULL
    AND HASH(source, callid, branch_idx) IN (
        SELECT HASH(source, callid, branch_idx) FROM delivered
        WHERE call_date = $other AND reasons IS NULL
    )
