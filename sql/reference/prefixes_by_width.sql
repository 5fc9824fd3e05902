-- What the longest prefix says of every number that begins with these digits.
-- Three such tables (5, 7 and 9 digits wide) take the place of one search per length of prefix:
-- each number finds exactly one row in each, and the last one that it comes to tells.
-- grain: one row per digits: each stem followed by every number of $added digits, and, for numbers
--   that end before, of one digit less; and one for no number, or one that needs no look here (-1)
-- inputs: known_prefixes, stems (block, stem, prefix: the longest so far)
-- parameters: added, width (digits of a stem and those added)
-- A block has 110 codes for two more digits: 00 to 99, then 0 to 9 as 100 to 109.
WITH codes AS (
    SELECT
        CAST(s.block * CAST(11 * POWER(10, $added - 1) AS BIGINT) + r.range AS INTEGER) AS code,
        CONCAT(
            s.stem,
            CASE
                WHEN r.range < POWER(10, $added) THEN LPAD(CAST(r.range AS VARCHAR), $added, '0')
                ELSE LPAD(
                    CAST(r.range - CAST(POWER(10, $added) AS BIGINT) AS VARCHAR), $added - 1, '0'
                )
            END
        ) AS digits,
        s.prefix AS so_far
    FROM stems AS s
    CROSS JOIN RANGE(CAST(11 * POWER(10, $added - 1) AS BIGINT)) AS r
    UNION ALL
    SELECT
        -1 AS code,
        '' AS digits,
        NULL AS so_far
),

longer AS (
    SELECT DISTINCT SUBSTR(prefix, 1, $width) AS digits
    FROM known_prefixes
    WHERE LENGTH(prefix) > $width
)

SELECT
    c.code,
    c.digits,
    p.prefix, -- the longest prefix of up to this width; NULL: none
    COALESCE(p.id, -1) AS prefix_id,
    -- where some prefix is longer and begins so: which block of the next table goes on
    CASE
        WHEN d.digits IS NOT NULL
            THEN CAST(
                COUNT(d.digits) OVER (
                    ORDER BY c.code ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS INTEGER
            )
    END AS block
FROM codes AS c
LEFT JOIN known_prefixes AS p4 ON p4.prefix = SUBSTR(c.digits, 1, $width - 4) AND $added > 4
LEFT JOIN known_prefixes AS p3 ON p3.prefix = SUBSTR(c.digits, 1, $width - 3) AND $added > 3
LEFT JOIN known_prefixes AS p2 ON p2.prefix = SUBSTR(c.digits, 1, $width - 2) AND $added > 2
LEFT JOIN known_prefixes AS p1 ON p1.prefix = SUBSTR(c.digits, 1, $width - 1)
LEFT JOIN known_prefixes AS p0 ON c.digits = p0.prefix
LEFT JOIN known_prefixes AS p
    ON
        p.prefix = COALESCE(
            p0.prefix, p1.prefix, p2.prefix, p3.prefix, p4.prefix, c.so_far
        )
LEFT JOIN longer AS d ON c.digits = d.digits
