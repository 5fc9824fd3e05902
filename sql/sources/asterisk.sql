-- The calls of an Asterisk with cdr_csv (Master.csv), as the canonical row.
-- grain: one row per record of the file
-- inputs: raw (accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata,
--     start, answer, end, duration, billsec, disposition, amaflags, uniqueid, userfield,
--     uniqueid_or_userfield as text; file_id, line, raw, refused); the last three texts may be
--     absent, and uniqueid_or_userfield is what one more field may be: a unique id looks like
--     1783256400.17, a systemname and a hyphen before it or not. source_days (of the switch's time
--     zone, UTC with usegmtime=yes, by its local days: see resources/zones.py)
-- An hour that the clock has twice is read as its second turn.
-- A call that was dialled to several parties, at once or one after the other, has a record for
-- each, all with the unique id of the caller's channel, written one behind the other: each is a
-- branch. One that is there twice, as where a file was put together of others, is the same branch.
-- The format has no charges, no post-dial delay, no DTMF and no SIP status: that is made of the
-- disposition.
WITH dispositions (word, code, phrase) AS (
    VALUES
    ('ANSWERED', '200', 'OK'),
    ('BUSY', '486', 'Busy Here'),
    ('NO ANSWER', '480', 'Temporarily Unavailable'),
    ('FAILED', '503', 'Service Unavailable'),
    ('CONGESTION', '503', 'Service Unavailable')
),

identified AS (
    SELECT
        raw.*,
        -- What is behind its last field is no part of it: how its line ends, blank lines that
        -- follow.
        RTRIM(raw.raw, CHR(9) || CHR(10) || CHR(13) || ' ') AS record,
        CASE
            WHEN TRIM(raw.uniqueid) <> '' THEN raw.uniqueid
            WHEN
                REGEXP_FULL_MATCH(raw.uniqueid_or_userfield, '\s*(.+-)?[0-9]+[.][0-9]+\s*')
                THEN raw.uniqueid_or_userfield
        END AS unique_id,
        CASE
            WHEN
                REGEXP_FULL_MATCH(
                    raw.start,
                    '\s*\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):\d\d:\d\d([.]\d{1,6})?\s*'
                )
                THEN COALESCE(
                    TRY_CAST(raw.start AS TIMESTAMP),
                    TRY_CAST(
                        RTRIM(raw.start, CHR(9) || CHR(10) || CHR(12) || CHR(13) || ' ')
                        AS TIMESTAMP
                    )
                )
        END AS local_start
    FROM raw
),

several AS (
    SELECT
        file_id,
        unique_id
    FROM identified
    WHERE unique_id IS NOT NULL
    GROUP BY file_id, unique_id
    HAVING COUNT(*) > 1
),

first_seen AS (
    SELECT
        i.file_id,
        i.line,
        i.unique_id,
        MIN(i.line) OVER (PARTITION BY i.file_id, i.unique_id, i.record) AS first_line
    FROM identified AS i
    INNER JOIN several AS s
        ON i.file_id = s.file_id AND i.unique_id = s.unique_id
),

branches AS (
    SELECT
        file_id,
        line,
        DENSE_RANK() OVER (PARTITION BY file_id, unique_id ORDER BY first_line) - 1 AS branch
    FROM first_seen
)

SELECT
    COALESCE(
        STRFTIME(
            MAKE_TIMESTAMP(
                EPOCH_US(TIMEZONE('UTC', calls.local_start))
                - 1000000
                * CASE
                    WHEN calls.local_start >= zone.later_from THEN zone.later_seconds
                    ELSE zone.seconds
                END
            ),
            '%Y-%m-%d %H:%M:%S.%g'
        ),
        -- Anything that is no local date and time goes on as it stands, for the judge.
        calls.start
    ) AS dt, -- start, turned from local time into UTC
    CAST(NULL AS VARCHAR) AS lrn_number,
    -- Without a unique id the record's own text is its identity: delivered twice, it is
    -- recognised; told apart from another call it is by any field that differs. It is hashed with
    -- a line feed, as it was when its line end did count.
    COALESCE(calls.unique_id, MD5(CONCAT(calls.record, CHR(10))))
        AS callid, -- uniqueid, or else the MD5 of the record's text
    calls.src AS dest_cli, -- src
    calls.dst AS dest_number, -- dst
    CASE
        WHEN
            dispositions.code <> '200'
            AND TRY_CAST(calls.billsec AS DECIMAL(38, 3)) IS NOT NULL
            THEN '0'
        ELSE calls.billsec
    END AS duration, -- billsec; 0 of a call that was not answered
    CAST(NULL AS VARCHAR) AS recording_file,
    CAST(NULL AS VARCHAR) AS recording_cost,
    CAST(NULL AS VARCHAR) AS switch_ip,
    CAST(NULL AS VARCHAR) AS source_ip,
    calls.src AS source_cli, -- src
    calls.dst AS source_dest_number, -- dst
    CAST(NULL AS VARCHAR) AS tech_prefix,
    CAST(NULL AS VARCHAR) AS jurisdiction,
    calls.accountcode AS customer_id, -- accountcode
    CAST(NULL AS VARCHAR) AS customer_charge,
    CAST(NULL AS VARCHAR) AS customer_duration,
    CAST(NULL AS VARCHAR) AS pdd_in,
    CAST(NULL AS VARCHAR) AS customer_card_id,
    CAST(NULL AS VARCHAR) AS customer_card_rate,
    CAST(NULL AS VARCHAR) AS customer_card_dest_code,
    CAST(NULL AS VARCHAR) AS customer_card_dest_name,
    CAST(NULL AS VARCHAR) AS customer_card_mcd,
    CAST(NULL AS VARCHAR) AS customer_card_pulse,
    CAST(NULL AS VARCHAR) AS customer_card_connect_rate,
    CAST(NULL AS VARCHAR) AS customer_card_currency,
    CAST(NULL AS VARCHAR) AS reseller_id,
    CAST(NULL AS VARCHAR) AS reseller_charge,
    CAST(NULL AS VARCHAR) AS reseller_duration,
    CAST(NULL AS VARCHAR) AS reseller_currency,
    CAST(NULL AS VARCHAR) AS reseller_card_rate,
    CAST(NULL AS VARCHAR) AS reseller_card_dest_code,
    CAST(NULL AS VARCHAR) AS reseller_card_dest_name,
    CAST(NULL AS VARCHAR) AS reseller_card_mcd,
    CAST(NULL AS VARCHAR) AS reseller_card_pulse,
    CAST(NULL AS VARCHAR) AS reseller_card_connect_rate,
    CAST(NULL AS VARCHAR) AS reseller_card_currency,
    NULLIF(
        REGEXP_EXTRACT(calls.dstchannel, '^(?:SIP|PJSIP|IAX2)/(.+)-[0-9A-Fa-f]+$', 1), ''
    ) AS provider_id, -- the peer in dstchannel: carrier of PJSIP/carrier-000012ab
    CAST(NULL AS VARCHAR) AS provider_charge,
    CAST(NULL AS VARCHAR) AS provider_duration,
    CAST(NULL AS VARCHAR) AS pdd_out,
    CAST(NULL AS VARCHAR) AS provider_card_id,
    CAST(NULL AS VARCHAR) AS provider_card_rate,
    CAST(NULL AS VARCHAR) AS provider_card_dest_code,
    CAST(NULL AS VARCHAR) AS provider_card_dest_name,
    CAST(NULL AS VARCHAR) AS provider_card_mcd,
    CAST(NULL AS VARCHAR) AS provider_card_pulse,
    CAST(NULL AS VARCHAR) AS provider_card_connect_rate,
    CAST(NULL AS VARCHAR) AS provider_card_currency,
    calls.disposition AS release_reason, -- disposition
    CAST(
        TRY_CAST(calls.duration AS DECIMAL(17, 3)) - TRY_CAST(calls.billsec AS DECIMAL(17, 3))
        AS VARCHAR
    ) AS ring_duration, -- duration - billsec, seconds
    dispositions.code AS sip_code, -- of the disposition
    dispositions.phrase AS sip_reason, -- its phrase
    CAST(NULL AS VARCHAR) AS dtmf,
    CAST(NULL AS VARCHAR) AS callid_b,
    calls.channel AS ingress_id, -- the channel of the caller
    CAST(NULL AS VARCHAR) AS billing_id,
    CAST(NULL AS VARCHAR) AS auth_user,
    CAST(COALESCE(branches.branch, 0) AS VARCHAR)
        AS branch_idx, -- of the records with the same uniqueid the first is 0
    CAST(NULL AS VARCHAR) AS direction,
    CASE
        WHEN calls.unique_id = calls.uniqueid_or_userfield THEN NULL
        ELSE COALESCE(calls.userfield, calls.uniqueid_or_userfield)
    END AS meta, -- userfield
    calls.file_id,
    calls.line,
    calls.raw,
    calls.refused
FROM identified AS calls
LEFT JOIN branches
    ON calls.file_id = branches.file_id AND calls.line = branches.line
LEFT JOIN source_days AS zone ON CAST(calls.local_start AS DATE) = zone.day
LEFT JOIN dispositions
    ON UPPER(TRIM(calls.disposition)) = dispositions.word
