-- Every NPA-NXX of a US place, assigned or not, so that each number finds exactly one row.
-- grain: one row per NPA-NXX, and one for no US place ('')
-- inputs: npa (nanp_npa.csv), npanxx (nanp_npanxx.parquet)
SELECT
    c.code AS npanxx,
    x.rate_center, -- NULL: unknown
    x.lata -- NULL: unknown
FROM (
    SELECT n.npa || LPAD(CAST(r.range AS VARCHAR), 3, '0') AS code
    FROM npa AS n
    CROSS JOIN RANGE(1000) AS r
    WHERE n.country = 'US'
    UNION ALL
    SELECT '' AS code
) AS c
LEFT JOIN npanxx AS x ON c.code = x.npanxx
