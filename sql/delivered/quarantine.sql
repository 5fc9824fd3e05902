-- Every refused record of delivered files, to be mended and delivered again.
-- grain: one row per refused record
-- inputs: delivered (with the files' rows), files (file_id, file)
-- parameters: taken_at
SELECT
    d.source, -- the switch that delivered it, as its landing folder is named
    d.file_id, -- the delivered file (ledger)
    f.file, -- and its name
    d.line, -- the record's line in the file, from 1
    d.reasons, -- all the reasons, in the contract's order, with commas between
    d.raw, -- the record as it was delivered
    CAST($taken_at AS TIMESTAMPTZ) AS taken_at -- when the file was taken in
FROM delivered AS d
INNER JOIN files AS f ON d.file_id = f.file_id
WHERE d.reasons IS NOT NULL
