-- What delivered files brought: good records by call date, refused ones by reasons.
-- grain: one row per file and call date or list of reasons
-- inputs: delivered (with the files' rows), files (file_id)
SELECT
    file_id,
    CASE WHEN reasons IS NULL THEN call_date END AS call_date,
    reasons,
    COUNT(*) AS records
FROM delivered
WHERE file_id IN (SELECT f.file_id FROM files AS f)
GROUP BY file_id, CASE WHEN reasons IS NULL THEN call_date END, reasons
