-- Every three digits as an area code, assigned or not, so that each number finds exactly one row.
-- grain: one row per three digits as a number, and one for no number (-1)
-- inputs: npa (nanp_npa.csv), countries (country, name of each)
SELECT
    CAST(r.range AS INTEGER) AS npa,
    n.category, -- NULL: not assigned
    n.country, -- NULL: not a place
    n.region,
    -- of a US place: which thousand of `exchanges` is its own
    CASE
        WHEN n.country = 'US'
            THEN CAST(
                COUNT(CASE WHEN n.country = 'US' THEN 1 END) OVER (
                    ORDER BY r.range ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS INTEGER
            )
    END AS block,
    -- what a call there is called when no rate card and no longer prefix names it
    CASE
        WHEN n.category = 'tollfree' THEN 'North America Toll-Free'
        WHEN n.country IS NULL THEN 'North America Non-Geographic'
        ELSE COALESCE(c.name, n.country)
    END AS destination
FROM RANGE(-1, 1000) AS r
LEFT JOIN npa AS n ON n.npa = LPAD(CAST(r.range AS VARCHAR), 3, '0')
LEFT JOIN countries AS c ON n.country = c.country
