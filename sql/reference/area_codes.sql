-- Every three digits as an area code, assigned or not, so that each number finds exactly one row.
-- grain: one row per three digits, and one for no number ('')
-- inputs: npa (nanp_npa.csv)
SELECT
    c.code AS npa,
    n.category, -- NULL: not assigned
    n.country, -- NULL: not a place
    n.region
FROM (
    SELECT LPAD(CAST(r.range AS VARCHAR), 3, '0') AS code FROM RANGE(1000) AS r
    UNION ALL
    SELECT '' AS code
) AS c
LEFT JOIN npa AS n ON c.code = n.npa
