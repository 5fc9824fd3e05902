-- The calls of a FreeSWITCH with mod_cdr_csv, template `default`, `example`, `linksys`, `snom` or
-- `sql`, as the canonical row.
-- grain: one row per record of the file
-- inputs: raw (caller_id_name, caller_id_number, destination_number, context, start_stamp,
--     answer_stamp, end_stamp, duration, billsec, hangup_cause, uuid, bleg_uuid, accountcode as
--     text; file_id, line, raw, refused), source_days (of the switch's time zone, by its local
--     days: see resources/zones.py). Before accountcode `default`, `snom` and `sql` write a blank,
--     which makes the quotes around it a part of the text, and `sql` the end of a statement behind
--     it.
-- An hour that the clock has twice is read as its second turn.
-- The format has no charges, no provider, no post-dial delay, no DTMF and no SIP status: that is
-- made of hangup_cause by RFC 3398, section 7.2.4.1; causes that it does not map are 500, as it
-- says. An answered call is 200 whatever ended it.
WITH causes (word, code) AS (
    VALUES
    ('UNALLOCATED_NUMBER', '404'), -- 1
    ('NO_ROUTE_TRANSIT_NET', '404'), -- 2
    ('NO_ROUTE_DESTINATION', '404'), -- 3
    ('NORMAL_CLEARING', '487'), -- 16: before the answer it is the caller's CANCEL
    ('USER_BUSY', '486'), -- 17
    ('NO_USER_RESPONSE', '408'), -- 18
    ('NO_ANSWER', '480'), -- 19
    ('SUBSCRIBER_ABSENT', '480'), -- 20
    ('CALL_REJECTED', '403'), -- 21; 603 when the called user declined, which is not told
    ('NUMBER_CHANGED', '410'), -- 22
    ('REDIRECTION_TO_NEW_DESTINATION', '410'), -- 23
    ('EXCHANGE_ROUTING_ERROR', '483'), -- 25
    ('DESTINATION_OUT_OF_ORDER', '502'), -- 27
    ('INVALID_NUMBER_FORMAT', '484'), -- 28
    ('FACILITY_REJECTED', '501'), -- 29
    ('NORMAL_UNSPECIFIED', '480'), -- 31
    ('NORMAL_CIRCUIT_CONGESTION', '503'), -- 34
    ('NETWORK_OUT_OF_ORDER', '503'), -- 38
    ('NORMAL_TEMPORARY_FAILURE', '503'), -- 41
    ('SWITCH_CONGESTION', '503'), -- 42
    ('REQUESTED_CHAN_UNAVAIL', '503'), -- 44
    ('OUTGOING_CALL_BARRED', '403'), -- 52, 53
    ('INCOMING_CALL_BARRED', '403'), -- 54, 55
    ('BEARERCAPABILITY_NOTAUTH', '403'), -- 57
    ('BEARERCAPABILITY_NOTAVAIL', '503'), -- 58
    ('BEARERCAPABILITY_NOTIMPL', '488'), -- 65
    ('FACILITY_NOT_IMPLEMENTED', '501'), -- 69
    ('SERVICE_NOT_IMPLEMENTED', '501'), -- 79
    ('INCOMPATIBLE_DESTINATION', '503'), -- 88
    ('RECOVERY_ON_TIMER_EXPIRE', '504'), -- 102
    ('INTERWORKING', '500'), -- 127
    -- FreeSWITCH's own, which have no Q.850 number.
    ('ORIGINATOR_CANCEL', '487'),
    ('LOSE_RACE', '487'),
    ('USER_NOT_REGISTERED', '480'),
    ('PROGRESS_TIMEOUT', '504'),
    ('GATEWAY_DOWN', '503')
),

phrases (code, phrase) AS (
    VALUES
    ('200', 'OK'),
    ('403', 'Forbidden'),
    ('404', 'Not Found'),
    ('408', 'Request Timeout'),
    ('410', 'Gone'),
    ('480', 'Temporarily Unavailable'),
    ('483', 'Too Many Hops'),
    ('484', 'Address Incomplete'),
    ('486', 'Busy Here'),
    ('487', 'Request Terminated'),
    ('488', 'Not Acceptable Here'),
    ('500', 'Server Internal Error'),
    ('501', 'Not Implemented'),
    ('502', 'Bad Gateway'),
    ('503', 'Service Unavailable'),
    ('504', 'Server Time-out')
),

calls AS (
    SELECT
        raw.*,
        CASE
            WHEN
                REGEXP_FULL_MATCH(
                    raw.start_stamp,
                    '\s*\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):\d\d:\d\d([.]\d{1,6})?\s*'
                )
                THEN COALESCE(
                    TRY_CAST(raw.start_stamp AS TIMESTAMP),
                    TRY_CAST(
                        RTRIM(raw.start_stamp, CHR(9) || CHR(10) || CHR(12) || CHR(13) || ' ')
                        AS TIMESTAMP
                    )
                )
        END AS local_start,
        CASE
            WHEN
                COALESCE(TRIM(raw.answer_stamp), '') <> ''
                OR COALESCE(TRY_CAST(raw.billsec AS DECIMAL(38, 3)) > 0, FALSE)
                THEN '200'
            WHEN COALESCE(TRIM(raw.hangup_cause), '') = '' THEN NULL
            ELSE COALESCE(causes.code, '500')
        END AS sip_code
    FROM raw
    LEFT JOIN causes
        ON UPPER(TRIM(raw.hangup_cause)) = causes.word
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
        calls.start_stamp
    ) AS dt, -- start_stamp, turned from local time into UTC
    CAST(NULL AS VARCHAR) AS lrn_number,
    calls.uuid AS callid, -- uuid
    calls.caller_id_number AS dest_cli, -- caller_id_number
    calls.destination_number AS dest_number, -- destination_number
    calls.billsec AS duration, -- billsec; FreeSWITCH writes 0 when nobody answered
    CAST(NULL AS VARCHAR) AS recording_file,
    CAST(NULL AS VARCHAR) AS recording_cost,
    CAST(NULL AS VARCHAR) AS switch_ip,
    CAST(NULL AS VARCHAR) AS source_ip,
    calls.caller_id_number AS source_cli, -- caller_id_number
    calls.destination_number AS source_dest_number, -- destination_number
    CAST(NULL AS VARCHAR) AS tech_prefix,
    CAST(NULL AS VARCHAR) AS jurisdiction,
    CASE
        WHEN REGEXP_FULL_MATCH(calls.accountcode, '\s+".*"([)];)?\s*')
            THEN REGEXP_EXTRACT(calls.accountcode, '^\s+"(.*)"([)];)?\s*$', 1)
        ELSE calls.accountcode
    END AS customer_id, -- accountcode
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
    CAST(NULL AS VARCHAR) AS provider_id,
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
    calls.hangup_cause AS release_reason, -- hangup_cause
    CAST(
        TRY_CAST(calls.duration AS DECIMAL(17, 3)) - TRY_CAST(calls.billsec AS DECIMAL(17, 3))
        AS VARCHAR
    ) AS ring_duration, -- duration - billsec, seconds
    calls.sip_code, -- of answer_stamp and hangup_cause
    phrases.phrase AS sip_reason, -- its phrase
    CAST(NULL AS VARCHAR) AS dtmf,
    calls.bleg_uuid AS callid_b, -- bleg_uuid
    CAST(NULL AS VARCHAR) AS ingress_id,
    CAST(NULL AS VARCHAR) AS billing_id,
    CAST(NULL AS VARCHAR) AS auth_user,
    CAST(NULL AS VARCHAR) AS branch_idx,
    CAST(NULL AS VARCHAR) AS direction,
    CAST(NULL AS VARCHAR) AS meta,
    calls.file_id,
    calls.line,
    calls.raw,
    calls.refused
FROM calls
LEFT JOIN source_days AS zone ON CAST(calls.local_start AS DATE) = zone.day
LEFT JOIN phrases
    ON calls.sip_code = phrases.code
