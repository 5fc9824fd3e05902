-- The calls of an Asterisk with cdr_csv (Master.csv), as the canonical row.
-- grain: one row per record of the file
-- inputs: raw (accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata,
--     start, answer, end, duration, billsec, disposition, amaflags, uniqueid, userfield as text;
--     file_id, line, raw, refused); uniqueid and userfield may be absent
-- parameters: $source_timezone, the IANA name of the switch's local time ('UTC' with
--     usegmtime=yes). An hour that the clock has twice is read as its second turn.
-- The format has no charges, no post-dial delay, no DTMF and no SIP status: that is made of the
-- disposition.
WITH dispositions (word, code, phrase) AS (
    VALUES
    ('ANSWERED', '200', 'OK'),
    ('BUSY', '486', 'Busy Here'),
    ('NO ANSWER', '480', 'Temporarily Unavailable'),
    ('FAILED', '503', 'Service Unavailable'),
    ('CONGESTION', '503', 'Service Unavailable')
)

SELECT
    CASE
        -- Anything that is no local date and time goes on as it stands, for the judge.
        WHEN
            REGEXP_FULL_MATCH(
                raw.start,
                '\s*\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):\d\d:\d\d([.]\d{1,6})?\s*'
            )
            THEN COALESCE(
                STRFTIME(
                    TIMEZONE(
                        'UTC',
                        TIMEZONE(
                            $source_timezone,
                            COALESCE(
                                TRY_CAST(raw.start AS TIMESTAMP),
                                TRY_CAST(
                                    RTRIM(raw.start, CHR(9) || CHR(10) || CHR(12) || CHR(13) || ' ')
                                    AS TIMESTAMP
                                )
                            )
                        )
                    ),
                    '%Y-%m-%d %H:%M:%S.%g'
                ),
                raw.start
            )
        ELSE raw.start
    END AS dt, -- start, turned from local time into UTC
    CAST(NULL AS VARCHAR) AS lrn_number,
    CASE
        -- Without a unique id the record's own text is its identity: delivered twice, it is
        -- recognised; told apart from another call it is by any field that differs. What is
        -- behind its last field is no part of it: how its line ends, blank lines that follow. It
        -- is hashed with a line feed, as it was when its line end did count.
        WHEN COALESCE(TRIM(raw.uniqueid), '') = ''
            THEN MD5(CONCAT(RTRIM(raw.raw, CHR(9) || CHR(10) || CHR(13) || ' '), CHR(10)))
        ELSE raw.uniqueid
    END AS callid, -- uniqueid, or else the MD5 of the record's text
    raw.src AS dest_cli, -- src
    raw.dst AS dest_number, -- dst
    CASE
        WHEN
            dispositions.code <> '200'
            AND TRY_CAST(raw.billsec AS DECIMAL(38, 3)) IS NOT NULL
            THEN '0'
        ELSE raw.billsec
    END AS duration, -- billsec; 0 of a call that was not answered
    CAST(NULL AS VARCHAR) AS recording_file,
    CAST(NULL AS VARCHAR) AS recording_cost,
    CAST(NULL AS VARCHAR) AS switch_ip,
    CAST(NULL AS VARCHAR) AS source_ip,
    raw.src AS source_cli, -- src
    raw.dst AS source_dest_number, -- dst
    CAST(NULL AS VARCHAR) AS tech_prefix,
    CAST(NULL AS VARCHAR) AS jurisdiction,
    raw.accountcode AS customer_id, -- accountcode
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
        REGEXP_EXTRACT(raw.dstchannel, '^(?:SIP|PJSIP|IAX2)/(.+)-[0-9A-Fa-f]+$', 1), ''
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
    raw.disposition AS release_reason, -- disposition
    CAST(
        TRY_CAST(raw.duration AS DECIMAL(17, 3)) - TRY_CAST(raw.billsec AS DECIMAL(17, 3))
        AS VARCHAR
    ) AS ring_duration, -- duration - billsec, seconds
    dispositions.code AS sip_code, -- of the disposition
    dispositions.phrase AS sip_reason, -- its phrase
    CAST(NULL AS VARCHAR) AS dtmf,
    CAST(NULL AS VARCHAR) AS callid_b,
    raw.channel AS ingress_id, -- the channel of the caller
    CAST(NULL AS VARCHAR) AS billing_id,
    CAST(NULL AS VARCHAR) AS auth_user,
    CAST(NULL AS VARCHAR) AS branch_idx,
    CAST(NULL AS VARCHAR) AS direction,
    raw.userfield AS meta, -- userfield
    raw.file_id,
    raw.line,
    raw.raw,
    raw.refused
FROM raw
LEFT JOIN dispositions
    ON UPPER(TRIM(raw.disposition)) = dispositions.word
