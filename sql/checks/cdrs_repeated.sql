-- Keys that stand more than once in a staged day.
-- grain: one row per repeated key (source, callid, branch_idx)
-- inputs: cdrs (the staged day)
-- First by hash, which takes less memory and time; then by the keys themselves, those few.
SELECT
    source, -- the switch
    callid, -- the call
    branch_idx, -- the routing branch
    COUNT(*) AS attempts -- rows that share the key
FROM cdrs
WHERE
    HASH(source, callid, branch_idx) IN (
        SELECT HASH(c.source, c.callid, c.branch_idx)
        FROM cdrs AS c
        GROUP BY HASH(c.source, c.callid, c.branch_idx)
        HAVING COUNT(*) > 1
    )
GROUP BY source, callid, branch_idx
HAVING COUNT(*) > 1
