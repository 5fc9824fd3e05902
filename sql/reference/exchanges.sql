-- Every NPA-NXX of a US place, assigned or not, so that each number finds exactly one row.
-- grain: one row per NPA-NXX, and one for no US place (-1)
-- inputs: area_codes, npanxx (nanp_npanxx.parquet)
SELECT
    c.exchange, -- the area code's block, and NXX as its last three digits
    x.rate_center, -- NULL: unknown
    x.lata -- NULL: unknown
FROM (
    SELECT
        CAST(a.block * 1000 + r.range AS INTEGER) AS exchange,
        CONCAT(a.npa, LPAD(CAST(r.range AS VARCHAR), 3, '0')) AS npanxx
    FROM area_codes AS a
    CROSS JOIN RANGE(1000) AS r
    WHERE a.block IS NOT NULL
    UNION ALL
    SELECT
        -1 AS exchange,
        '' AS npanxx
) AS c
LEFT JOIN npanxx AS x ON c.npanxx = x.npanxx
