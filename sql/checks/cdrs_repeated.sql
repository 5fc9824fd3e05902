-- Keys that stand more than once in a staged day.
-- grain: one row per repeated key (source, callid, branch_idx)
-- inputs: cdrs (the staged day)
SELECT
    source, -- the switch
    callid, -- the call
    branch_idx, -- the routing branch
    COUNT(*) AS attempts -- rows that share the key
FROM cdrs
GROUP BY source, callid, branch_idx
HAVING COUNT(*) > 1
