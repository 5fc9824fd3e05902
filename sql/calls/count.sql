-- How many attempts there are.
-- grain: one row
-- inputs: calls
-- parameters: none
SELECT COUNT(*) AS attempts -- rows
FROM calls
