-- The calls of one day as they count: the newest delivery of each, its numbers judged by the
-- number plan, its jurisdiction, its destination.
-- grain: one row per attempt (source, callid, branch_idx)
-- inputs: delivered, verdicts (of records that do not count), area_codes, exchanges, prefixes_5,
--   prefixes_7, prefixes_9, known_prefixes, release_causes (sip, kpi_class), dids (digits)
--   Lookups have a row for every key, -1 for none, and keys are numbers without gaps: the engine
--   then takes a row by its place, and its batches stay whole. A left join with partial matches
--   cuts them into pieces, which costs more than the join.
-- parameters: day, after (the number of a delivered file: those of later ones only; 0 for all)
WITH counting AS (
    SELECT
        d.*,
        REGEXP_FULL_MATCH(d.dest_cli, '[0-9]*') AS cli_is_plain,
        REGEXP_FULL_MATCH(d.dest_number, '[0-9]*') AS dest_is_plain,
        REGEXP_FULL_MATCH(d.lrn_number, '[0-9]*') AS lrn_is_plain
    FROM delivered AS d
    LEFT JOIN verdicts AS v
        ON d.file_id = v.file_id AND d.line = v.line AND d.branch_idx = v.branch_idx
    WHERE
        d.call_date = $day AND d.reasons IS NULL AND d.file_id > $after AND v.file_id IS NULL
),

stripped AS (
    SELECT
        c.*,
        CASE
            WHEN c.cli_is_plain THEN c.dest_cli
            ELSE LOWER(REGEXP_REPLACE(c.dest_cli, '[ +().-]', '', 'g'))
        END AS cli_text,
        CASE
            WHEN c.dest_is_plain THEN c.dest_number
            ELSE LOWER(REGEXP_REPLACE(c.dest_number, '[ +().-]', '', 'g'))
        END AS dest_text,
        CASE
            WHEN c.lrn_is_plain THEN c.lrn_number
            ELSE LOWER(REGEXP_REPLACE(c.lrn_number, '[ +().-]', '', 'g'))
        END AS lrn_text
    FROM counting AS c
),

-- `00` is a plus; both are dropped, and remembered for callers: without one, ten digits may be
-- North American.
unprefixed AS (
    SELECT
        s.*,
        CASE WHEN s.cli_text LIKE '00%' THEN SUBSTR(s.cli_text, 3) ELSE s.cli_text END AS cli,
        CASE WHEN s.dest_text LIKE '00%' THEN SUBSTR(s.dest_text, 3) ELSE s.dest_text END AS dest,
        CASE WHEN s.lrn_text LIKE '00%' THEN SUBSTR(s.lrn_text, 3) ELSE s.lrn_text END AS lrn,
        s.cli_text LIKE '00%'
        OR CASE WHEN s.cli_is_plain THEN FALSE ELSE LTRIM(s.dest_cli, ' -().') LIKE '+%' END
            AS cli_has_plus,
        CASE
            WHEN s.cli_is_plain THEN TRUE ELSE REGEXP_FULL_MATCH(s.cli_text, '[0-9]*')
        END AS cli_is_digits,
        CASE
            WHEN s.dest_is_plain THEN TRUE ELSE REGEXP_FULL_MATCH(s.dest_text, '[0-9]*')
        END AS dest_is_digits,
        CASE
            WHEN s.lrn_is_plain THEN TRUE ELSE REGEXP_FULL_MATCH(s.lrn_text, '[0-9]*')
        END AS lrn_is_digits
    FROM stripped AS s
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
                AND u.cli_is_digits
                THEN u.cli
        END AS cli_nanp,
        CASE
            WHEN
                LENGTH(u.lrn) = 11
                AND u.lrn >= '12'
                AND u.lrn < '2'
                AND SUBSTR(u.lrn, 5, 1) >= '2'
                AND u.lrn_is_digits
                THEN u.lrn
        END AS lrn_nanp,
        CASE
            WHEN
                LENGTH(u.dest) = 11
                AND u.dest >= '12'
                AND u.dest < '2'
                AND SUBSTR(u.dest, 5, 1) >= '2'
                AND u.dest_is_digits
                THEN u.dest
        END AS dest_nanp,
        u.cli_is_digits AND LENGTH(u.cli) BETWEEN 7 AND 15 AND u.cli NOT LIKE '1%'
            AS cli_foreign_shape,
        u.dest_is_digits AND LENGTH(u.dest) BETWEEN 7 AND 15 AND u.dest NOT LIKE '1%'
            AS dest_foreign_shape
    FROM unprefixed AS u
    INNER JOIN area_codes AS a
        ON
            a.npa = CASE
                WHEN
                    LENGTH(u.cli) = 10 AND NOT u.cli_has_plus
                    AND u.cli >= '2' AND SUBSTR(u.cli, 4, 1) >= '2'
                    AND u.cli_is_digits
                    THEN CAST(SUBSTR(u.cli, 1, 3) AS INTEGER)
                ELSE -1
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
        dest_area.destination AS dest_area_destination,
        orig_area.country AS orig_country,
        orig_area.block AS orig_block,
        CASE WHEN orig_area.country = 'US' THEN orig_area.region END AS orig_state,
        term_area.country AS term_country,
        term_area.block AS term_block,
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
        COALESCE(s.dest_nanp, CASE WHEN s.dest_foreign_shape THEN s.dest END) AS prefix_digits
    FROM sided AS s
    INNER JOIN area_codes AS orig_area
        ON orig_area.npa = COALESCE(CAST(SUBSTR(s.cli_nanp, 2, 3) AS INTEGER), -1)
    INNER JOIN area_codes AS term_area
        ON term_area.npa = COALESCE(CAST(SUBSTR(s.term_nanp, 2, 3) AS INTEGER), -1)
    INNER JOIN area_codes AS dest_area
        ON dest_area.npa = COALESCE(CAST(SUBSTR(s.dest_nanp, 2, 3) AS INTEGER), -1)
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
            ELSE longest.country
        END AS country,
        longest.carrier,
        COALESCE(
            longest.destination,
            CASE
                WHEN n.dest_nanp IS NOT NULL THEN n.dest_area_destination
                ELSE longest.country_name
            END
        ) AS network_destination
    FROM judged AS n
    INNER JOIN exchanges AS orig_place
        ON
            orig_place.exchange
            = COALESCE(n.orig_block * 1000 + CAST(SUBSTR(n.cli_nanp, 5, 3) AS INTEGER), -1)
    INNER JOIN exchanges AS term_place
        ON
            term_place.exchange
            = COALESCE(n.term_block * 1000 + CAST(SUBSTR(n.term_nanp, 5, 3) AS INTEGER), -1)
    INNER JOIN prefixes_5 AS p5
        ON p5.code = COALESCE(CAST(SUBSTR(n.prefix_digits, 1, 5) AS INTEGER), -1)
    INNER JOIN prefixes_7 AS p7
        ON p7.code = COALESCE(p5.block * 110 + CAST(SUBSTR(n.prefix_digits, 6, 2) AS INTEGER), -1)
    INNER JOIN prefixes_9 AS p9
        ON
            p9.code = CASE
                WHEN p7.block IS NULL OR LENGTH(n.prefix_digits) = 7 THEN -1
                WHEN LENGTH(n.prefix_digits) = 8
                    THEN p7.block * 110 + 100 + CAST(SUBSTR(n.prefix_digits, 8, 1) AS INTEGER)
                ELSE p7.block * 110 + CAST(SUBSTR(n.prefix_digits, 8, 2) AS INTEGER)
            END
    INNER JOIN known_prefixes AS longest
        ON
            longest.id = CASE
                WHEN p9.code >= 0 THEN p9.prefix_id
                WHEN p7.code >= 0 THEN p7.prefix_id
                ELSE p5.prefix_id
            END
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
    COALESCE(p.cli_nanp, CASE WHEN p.cli_is_digits AND p.cli <> '' THEN p.cli END)
        AS cli_digits, -- E.164 without plus; of an invalid number its digits
    COALESCE(p.dest_nanp, CASE WHEN p.dest_is_digits AND p.dest <> '' THEN p.dest END)
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
        WHEN
            COALESCE(p.cli_nanp, CASE WHEN p.cli_foreign_shape THEN p.cli END)
            IN (SELECT o.digits FROM dids AS o)
            AND COALESCE(p.dest_nanp, CASE WHEN p.dest_foreign_shape THEN p.dest END)
            IN (SELECT o.digits FROM dids AS o)
            THEN 'onnet'
        WHEN p.term_kind = 'foreign' THEN 'international'
        ELSE 'offnet'
    END AS network, -- onnet (both numbers are own DIDs), offnet, international
    p.country, -- ISO 3166 country of the number called
    p.carrier, -- mobile network of the number called, where its prefix tells
    COALESCE(p.customer_card_dest_name, p.network_destination)
        AS customer_destination, -- the customer's rate card's, else by the longest prefix
    CASE
        WHEN p.provider_id IS NOT NULL
            THEN COALESCE(p.provider_card_dest_name, p.network_destination)
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
LEFT JOIN release_causes AS r ON p.sip_code = r.sip
