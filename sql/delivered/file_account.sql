-- What one delivered file brought: good records by call date, refused ones by reasons.
-- grain: one row per call date or list of reasons
-- inputs: delivered (the file's rows)
-- parameters: file_id
SELECT
    CASE WHEN reasons IS NULL THEN call_date END AS call_date,
    reasons,
    COUNT(*) AS records
FROM delivered
WHERE file_id = $file_id
GROUP BY CASE WHEN reasons IS NULL THEN call_date END, reasons
