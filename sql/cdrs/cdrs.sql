-- The calls of one day as they count: the newest delivery of each, its numbers judged by the
-- number plan, its jurisdiction, its destination.
-- grain: one row per attempt (source, callid, branch_idx)
-- inputs: delivered, verdicts (of records that do not count), area_codes, exchanges, prefixes_5,
--   prefixes_7, prefixes_9, countries (country, name), release_causes, dids (digits)
--   Lookups have a row for every key, so that the joins are inner ones: a left join with partial
--   matches cuts the engine's batches into pieces, which costs more than the join.
-- parameters: day
WITH counting AS (
    SELECT
        d.*,
        CASE
            WHEN REGEXP_FULL_MATCH(d.dest_cli, '[0-9]*') THEN d.dest_cli
            ELSE LOWER(REGEXP_REPLACE(d.dest_cli, '[ +().-]', '', 'g'))
        END AS cli_text,
        CASE
            WHEN REGEXP_FULL_MATCH(d.dest_number, '[0-9]*') THEN d.dest_number
            ELSE LOWER(REGEXP_REPLACE(d.dest_number, '[ +().-]', '', 'g'))
        END AS dest_text,
        CASE
            WHEN REGEXP_FULL_MATCH(d.lrn_number, '[0-9]*') THEN d.lrn_number
            ELSE LOWER(REGEXP_REPLACE(d.lrn_number, '[ +().-]', '', 'g'))
        END AS lrn_text
    FROM delivered AS d
    LEFT JOIN verdicts AS v
        ON d.file_id = v.file_id AND d.line = v.line AND d.branch_idx = v.branch_idx
    WHERE d.call_date = $day AND d.reasons IS NULL AND v.file_id IS NULL
),

-- `00` is a plus; both are dropped, and remembered for callers: without one, ten digits may be
-- North American.
unprefixed AS (
    SELECT
        c.*,
        CASE WHEN c.cli_text LIKE '00%' THEN SUBSTR(c.cli_text, 3) ELSE c.cli_text END AS cli,
        CASE WHEN c.dest_text LIKE '00%' THEN SUBSTR(c.dest_text, 3) ELSE c.dest_text END AS dest,
        CASE WHEN c.lrn_text LIKE '00%' THEN SUBSTR(c.lrn_text, 3) ELSE c.lrn_text END AS lrn,
        c.cli_text LIKE '00%' OR LTRIM(c.dest_cli, ' -().') LIKE '+%' AS cli_has_plus
    FROM counting AS c
),

shaped AS (
    SELECT
        u.*,
        CASE
            WHEN a.category IS NOT NULL THEN CONCAT('1', u.cli)
            WHEN
                LENGTH(u.cli) = 11
                AND u.cli >= '12'
                AND u.cli < '2'
                AND SUBSTR(u.cli, 5, 1) >= '2'
                AND REGEXP_FULL_MATCH(u.cli, '[0-9]+')
                THEN u.cli
        END AS cli_nanp,
        CASE
            WHEN
                LENGTH(u.lrn) = 11
                AND u.lrn >= '12'
                AND u.lrn < '2'
                AND SUBSTR(u.lrn, 5, 1) >= '2'
                AND REGEXP_FULL_MATCH(u.lrn, '[0-9]+')
                THEN u.lrn
        END AS lrn_nanp,
        CASE
            WHEN
                LENGTH(u.dest) = 11
                AND u.dest >= '12'
                AND u.dest < '2'
                AND SUBSTR(u.dest, 5, 1) >= '2'
                AND REGEXP_FULL_MATCH(u.dest, '[0-9]+')
                THEN u.dest
        END AS dest_nanp,
        LENGTH(u.cli) BETWEEN 7 AND 15 AND u.cli NOT LIKE '1%'
        AND REGEXP_FULL_MATCH(u.cli, '[0-9]+') AS cli_foreign_shape,
        LENGTH(u.dest) BETWEEN 7 AND 15 AND u.dest NOT LIKE '1%'
        AND REGEXP_FULL_MATCH(u.dest, '[0-9]+') AS dest_foreign_shape
    FROM unprefixed AS u
    INNER JOIN area_codes AS a
        ON
            a.npa = CASE
                WHEN
                    LENGTH(u.cli) = 10 AND NOT u.cli_has_plus
                    AND u.cli >= '2' AND SUBSTR(u.cli, 4, 1) >= '2'
                    AND REGEXP_FULL_MATCH(u.cli, '[0-9]+')
                    THEN SUBSTR(u.cli, 1, 3)
                ELSE ''
            END
),

sided AS (
    SELECT
        s.*,
        COALESCE(s.lrn_nanp, s.dest_nanp) AS term_nanp
    FROM shaped AS s
),

judged AS (
    SELECT
        s.*,
        dest_area.country AS dest_area_country,
        dest_area.category AS dest_area_category,
        orig_area.country AS orig_country,
        CASE WHEN orig_area.country = 'US' THEN orig_area.region END AS orig_state,
        term_area.country AS term_country,
        CASE WHEN term_area.country = 'US' THEN term_area.region END AS term_state,
        CASE
            WHEN orig_area.country = 'US' THEN 'us'
            WHEN orig_area.country IS NOT NULL THEN 'foreign'
            WHEN orig_area.category IS NOT NULL THEN 'non_geographic'
            WHEN s.cli_nanp IS NOT NULL THEN 'invalid'
            WHEN s.cli_foreign_shape THEN 'foreign'
            WHEN COALESCE(s.cli, '') = '' THEN 'missing'
            WHEN
                s.cli IN (
                    'anonymous', 'anonymousinvalid', 'blocked', 'hidden',
                    'nocallerid', 'nonumber', 'notavailable', 'numberwithheld',
                    'private', 'privatenumber', 'restricted', 'suppressed',
                    'unavailable', 'unknown', 'withheld'
                )
                THEN 'withheld'
            ELSE 'invalid'
        END AS orig_kind,
        CASE
            WHEN term_area.country = 'US' THEN 'us'
            WHEN term_area.country IS NOT NULL THEN 'foreign'
            WHEN term_area.category IS NOT NULL THEN 'non_geographic'
            WHEN s.term_nanp IS NOT NULL THEN 'unassigned'
            WHEN s.dest_foreign_shape THEN 'foreign'
            ELSE 'invalid'
        END AS term_kind,
        -- The United States and Canada have no networks by prefix: their numbers skip the search.
        CASE
            WHEN s.dest_nanp IS NULL AND s.dest_foreign_shape THEN s.dest
            WHEN dest_area.category = 'geo_other_nanp' THEN s.dest_nanp
        END AS prefix_digits
    FROM sided AS s
    INNER JOIN area_codes AS orig_area ON COALESCE(SUBSTR(s.cli_nanp, 2, 3), '') = orig_area.npa
    INNER JOIN area_codes AS term_area ON COALESCE(SUBSTR(s.term_nanp, 2, 3), '') = term_area.npa
    INNER JOIN area_codes AS dest_area ON COALESCE(SUBSTR(s.dest_nanp, 2, 3), '') = dest_area.npa
),

placed AS (
    SELECT
        n.*,
        orig_place.lata AS orig_lata,
        orig_place.rate_center AS orig_rate_center,
        term_place.lata AS term_lata,
        term_place.rate_center AS term_rate_center,
        CASE
            WHEN n.dest_nanp IS NOT NULL THEN n.dest_area_country
            WHEN p9.prefix <> '' THEN p9.country
            WHEN p7.prefix <> '' THEN p7.country
            ELSE p5.country
        END AS country,
        CASE
            WHEN p9.prefix <> '' THEN p9.carrier
            WHEN p7.prefix <> '' THEN p7.carrier
            ELSE p5.carrier
        END AS carrier,
        CASE
            WHEN n.dest_nanp IS NULL OR n.prefix_digits IS NOT NULL
                THEN CASE
                    WHEN p9.prefix <> '' THEN p9.destination
                    WHEN p7.prefix <> '' THEN p7.destination
                    ELSE p5.destination
                END
            WHEN n.dest_area_category = 'tollfree' THEN 'North America Toll-Free'
            WHEN n.dest_area_country IS NULL THEN 'North America Non-Geographic'
        END AS network_destination
    FROM judged AS n
    INNER JOIN exchanges AS orig_place
        ON
            orig_place.npanxx
            = CASE WHEN n.orig_kind = 'us' THEN SUBSTR(n.cli_nanp, 2, 6) ELSE '' END
    INNER JOIN exchanges AS term_place
        ON
            term_place.npanxx
            = CASE WHEN n.term_kind = 'us' THEN SUBSTR(n.term_nanp, 2, 6) ELSE '' END
    INNER JOIN prefixes_5 AS p5 ON p5.prefix = COALESCE(SUBSTR(n.prefix_digits, 1, 5), '')
    INNER JOIN prefixes_7 AS p7
        ON p7.prefix = CASE WHEN p5.has_longer THEN SUBSTR(n.prefix_digits, 1, 7) ELSE '' END
    INNER JOIN prefixes_9 AS p9
        ON p9.prefix = CASE WHEN p7.has_longer THEN SUBSTR(n.prefix_digits, 1, 9) ELSE '' END
)

SELECT
    p.source, -- the switch that delivered it, as its landing folder is named
    p.callid, -- the call
    p.branch_idx, -- which routing branch (failover) of the call, from 0
    p.dt, -- when the attempt began
    p.direction, -- as delivered
    p.customer_id, -- who pays
    p.provider_id, -- who is paid; blank when the call was never routed
    p.tech_prefix, -- as delivered
    p.dest_cli, -- the caller's number as sent out
    p.dest_number, -- the number called as sent out
    p.lrn_number, -- the number after portability lookup
    COALESCE(
        p.cli_nanp,
        CASE WHEN p.cli_foreign_shape OR REGEXP_FULL_MATCH(p.cli, '[0-9]+') THEN p.cli END
    )
        AS cli_digits, -- E.164 without plus; of an invalid number its digits
    COALESCE(
        p.dest_nanp,
        CASE WHEN p.dest_foreign_shape OR REGEXP_FULL_MATCH(p.dest, '[0-9]+') THEN p.dest END
    )
        AS dest_digits, -- E.164 without plus; of an invalid number its digits
    p.orig_state, -- state of the caller, US places only
    p.orig_lata, -- LATA of the caller
    CASE WHEN p.orig_kind = 'us' THEN SUBSTR(p.cli_nanp, 2, 6) END
        AS orig_prefix, -- NPA-NXX of the caller
    p.orig_rate_center, -- rate centre of the caller
    p.term_state, -- state of the number reached, US places only
    p.term_lata, -- LATA of the number reached
    CASE WHEN p.term_kind = 'us' THEN SUBSTR(p.term_nanp, 2, 6) END
        AS term_prefix, -- NPA-NXX of the number reached
    p.term_rate_center, -- rate centre of the number reached
    CASE
        WHEN p.term_kind = 'foreign' THEN 'international'
        WHEN p.term_kind <> 'us' OR p.orig_kind <> 'us' THEN 'indeterminate'
        WHEN p.orig_state = p.term_state THEN 'intrastate'
        ELSE 'interstate'
    END AS jurisdiction_state, -- intrastate, interstate, indeterminate, international
    CASE
        WHEN p.term_kind = 'foreign' THEN 'international'
        WHEN p.term_kind <> 'us' OR p.orig_kind <> 'us' THEN 'indeterminate'
        WHEN p.orig_lata IS NULL OR p.term_lata IS NULL THEN 'indeterminate'
        WHEN p.orig_lata = p.term_lata THEN 'intralata'
        ELSE 'interlata'
    END AS jurisdiction_lata, -- intralata, interlata, indeterminate, international
    CASE
        WHEN p.term_kind = 'foreign' THEN NULL
        WHEN p.term_kind <> 'us' THEN CONCAT('destination_', p.term_kind)
        WHEN p.orig_kind <> 'us' THEN CONCAT('cli_', p.orig_kind)
    END AS reason_state, -- why indeterminate by state
    CASE
        WHEN p.term_kind = 'foreign' THEN NULL
        WHEN p.term_kind <> 'us' THEN CONCAT('destination_', p.term_kind)
        WHEN p.orig_kind <> 'us' THEN CONCAT('cli_', p.orig_kind)
        WHEN p.orig_lata IS NULL OR p.term_lata IS NULL THEN 'lata_unknown'
    END AS reason_lata, -- why indeterminate by LATA
    CASE
        WHEN own_cli.digits IS NOT NULL AND own_dest.digits IS NOT NULL THEN 'onnet'
        WHEN p.term_kind = 'foreign' THEN 'international'
        ELSE 'offnet'
    END AS network, -- onnet (both numbers are own DIDs), offnet, international
    p.country, -- ISO 3166 country of the number called
    p.carrier, -- mobile network of the number called, where its prefix tells
    COALESCE(p.customer_card_dest_name, p.network_destination, c.name, p.country)
        AS customer_destination, -- the customer's rate card's, else by the longest prefix
    CASE
        WHEN p.provider_id IS NOT NULL
            THEN COALESCE(p.provider_card_dest_name, p.network_destination, c.name, p.country)
        ELSE p.provider_card_dest_name
    END AS provider_destination, -- the provider's rate card's, else by the longest prefix
    p.duration, -- talk time in seconds; 0 = not connected
    p.ring_duration, -- seconds
    p.pdd_in, -- post-dial delay of the caller's side in ms
    p.pdd_out, -- post-dial delay of the provider's side in ms
    p.customer_duration, -- billed to the customer, seconds
    p.customer_charge, -- in customer_currency
    p.customer_card_currency AS customer_currency, -- of the customer's rate card
    p.customer_card_rate, -- per minute
    p.provider_duration, -- billed by the provider, seconds
    p.provider_charge, -- in provider_currency
    p.provider_card_currency AS provider_currency, -- of the provider's rate card
    p.provider_card_rate, -- per minute
    p.sip_code, -- final SIP status
    p.sip_reason, -- its words
    p.release_reason, -- as delivered
    r.kpi_class AS release_class, -- whose side ended it, by the SIP status (release_causes.csv)
    p.dtmf, -- the digits captured
    LENGTH(p.dtmf) AS dtmf_digits, -- how many
    p.file_id, -- the delivered file (ledger)
    p.line -- and its line
FROM placed AS p
LEFT JOIN countries AS c ON p.country = c.country
LEFT JOIN release_causes AS r ON p.sip_code = r.sip
LEFT JOIN dids AS own_cli
    ON own_cli.digits = COALESCE(p.cli_nanp, CASE WHEN p.cli_foreign_shape THEN p.cli END)
LEFT JOIN dids AS own_dest
    ON own_dest.digits = COALESCE(p.dest_nanp, CASE WHEN p.dest_foreign_shape THEN p.dest END)
