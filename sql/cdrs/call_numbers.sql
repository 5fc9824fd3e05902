-- Where each number's calls stand in the day's file of `cdrs`, in order of the number, so that a
-- question about one number reads some kilobytes a day, and of `cdrs` only those rows.
-- grain: one row per attempt and side (caller, destination) that has digits
-- inputs: cdrs (the day's one file, with file_row_number)
-- parameters: none
--   The key is a whole number because that sorts and packs at a fraction of what text costs; what
--   two texts of digits may share (leading zeros, over 18 digits) is told apart in `cdrs`.
SELECT
    n.key, -- the last 18 digits as a whole number n; of a caller -1 - n
    n.call_row -- the row in the file of cdrs whose name this file's name begins with, from 0
FROM (
    SELECT
        -1 - CAST(RIGHT(c.cli_digits, 18) AS BIGINT) AS key,
        CAST(c.file_row_number AS INTEGER) AS call_row
    FROM cdrs AS c
    WHERE c.cli_digits IS NOT NULL
    UNION ALL
    SELECT
        CAST(RIGHT(c.dest_digits, 18) AS BIGINT) AS key,
        CAST(c.file_row_number AS INTEGER) AS call_row
    FROM cdrs AS c
    WHERE c.dest_digits IS NOT NULL
) AS n
ORDER BY n.key, n.call_row
