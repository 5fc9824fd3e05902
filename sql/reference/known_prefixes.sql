-- The prefixes of destinations, numbered without gaps: tables that have a row for every number
-- that may be called then hold one number and no texts.
-- grain: one row per prefix, and one for none (-1)
-- inputs: prefixes (destination_prefixes.csv)
SELECT
    CAST(ROW_NUMBER() OVER (ORDER BY prefix) AS INTEGER) AS id,
    prefix,
    country,
    carrier,
    -- the country code 1 is shared by many countries: there the area code tells
    CASE WHEN prefix <> '1' THEN destination END AS destination,
    COALESCE(country_name, country) AS country_name
FROM prefixes
UNION ALL
SELECT
    -1 AS id,
    NULL AS prefix,
    NULL AS country,
    NULL AS carrier,
    NULL AS destination,
    NULL AS country_name
