-- What the longest prefix says of every number that begins with these digits.
-- Three such tables (5, 7 and 9 digits wide) take the place of one search per length of prefix:
-- each number finds exactly one row in each, and the widest that knows something tells.
-- grain: one row per digits: each stem followed by every number of $added digits, and one for none
-- inputs: prefixes (destination_prefixes.csv), stems (stem)
-- parameters: added, width (digits of a stem and those added)
WITH codes AS (
    SELECT CONCAT(s.stem, LPAD(CAST(r.range AS VARCHAR), $added, '0')) AS code
    FROM stems AS s
    CROSS JOIN RANGE(CAST(POWER(10, $added) AS BIGINT)) AS r
    UNION ALL
    SELECT '' AS code
),

longer AS (
    SELECT DISTINCT SUBSTR(prefix, 1, $width) AS code
    FROM prefixes
    WHERE LENGTH(prefix) > $width
)

SELECT
    c.code AS prefix,
    p.country,
    p.carrier,
    p.destination,
    d.code IS NOT NULL AS has_longer -- some prefix is longer and begins so
FROM codes AS c
LEFT JOIN prefixes AS p9 ON p9.prefix = SUBSTR(c.code, 1, 9)
LEFT JOIN prefixes AS p8 ON p8.prefix = SUBSTR(c.code, 1, 8)
LEFT JOIN prefixes AS p7 ON p7.prefix = SUBSTR(c.code, 1, 7)
LEFT JOIN prefixes AS p6 ON p6.prefix = SUBSTR(c.code, 1, 6)
LEFT JOIN prefixes AS p5 ON p5.prefix = SUBSTR(c.code, 1, 5)
LEFT JOIN prefixes AS p4 ON p4.prefix = SUBSTR(c.code, 1, 4)
LEFT JOIN prefixes AS p3 ON p3.prefix = SUBSTR(c.code, 1, 3)
LEFT JOIN prefixes AS p2 ON p2.prefix = SUBSTR(c.code, 1, 2)
LEFT JOIN prefixes AS p1 ON p1.prefix = SUBSTR(c.code, 1, 1)
LEFT JOIN prefixes AS p
    ON
        p.prefix = COALESCE(
            p9.prefix, p8.prefix, p7.prefix, p6.prefix, p5.prefix, p4.prefix, p3.prefix,
            p2.prefix, p1.prefix
        )
LEFT JOIN longer AS d ON c.code = d.code
