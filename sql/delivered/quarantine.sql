-- Every refused record of one delivered file, to be mended and delivered again.
-- grain: one row per refused record
-- inputs: delivered (the file's rows)
-- parameters: file_id, file (its name), taken_at
SELECT
    source, -- the switch that delivered it, as its landing folder is named
    file_id, -- the delivered file (ledger)
    $file AS file, -- and its name
    line, -- the record's line in the file, from 1
    reasons, -- all the reasons, in the contract's order, with commas between
    raw, -- the record as it was delivered
    CAST($taken_at AS TIMESTAMPTZ) AS taken_at -- when the file was taken in
FROM delivered
WHERE file_id = $file_id AND reasons IS NOT NULL
