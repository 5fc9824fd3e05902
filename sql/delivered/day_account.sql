-- How many records of each delivered file do not count on a day, and why.
-- grain: one row per delivered file that has any
-- inputs: verdicts
SELECT
    file_id,
    SUM(CASE WHEN verdict = 'duplicate' THEN 1 ELSE 0 END) AS duplicates,
    SUM(CASE WHEN verdict = 'superseded' THEN 1 ELSE 0 END) AS superseded
FROM verdicts
GROUP BY file_id
