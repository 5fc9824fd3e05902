-- How much a staged day holds.
-- grain: one row
-- inputs: cdrs (the staged day)
SELECT
    COUNT(*) AS attempts, -- rows
    COALESCE(SUM(CASE WHEN duration > 0 THEN 1 ELSE 0 END), 0) AS connected, -- with talk time
    COALESCE(SUM(duration), 0) AS talk_time -- seconds
FROM cdrs
