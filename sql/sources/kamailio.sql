-- The calls of a Kamailio with the modules acc and dialog, as the canonical row.
-- grain: one row per routing branch: the calls of acc_cdrs.csv, and before each one the branches
--     that failed on its way, out of missed_calls.csv
-- inputs: raw (acc_cdrs.csv as text: start_time, end_time, duration, caller, callee, customer,
--     vendor, callid; file_id, line, raw, refused), acc (acc.csv as text), missed_calls
--     (missed_calls.csv as text); the last two may be empty. source_days (of the server's time
--     zone, UTC with acc's time_mode=4, by its local days: see resources/zones.py)
-- An hour that the clock has twice is read as its second turn.
-- Times are dates in local time, as MySQL and PostgreSQL keep them, or, of SQLite, Julian day
-- numbers in UTC, turned by exact decimals and rounded to the millisecond.
-- \N and NULL are what MySQL's exports write where there is nothing.
-- Of a call that failed for good the last row of missed_calls is the last attempt itself: its
-- reply is the one that acc has (the same to_tag), or acc has a reply that Kamailio made itself
-- (no to_tag; it relays an upstream 503 as 500). Then the status of that row counts, which is the
-- provider's own, and no further attempt is made of it.
-- The format has no charges, no DTMF, and no provider of the branches before the last.
WITH calls AS (
    SELECT
        start_time,
        duration,
        COALESCE(TRY_CAST(duration AS DECIMAL(38, 9)) > 0, FALSE) AS connected,
        CASE WHEN TRIM(caller) NOT IN ('\N', 'NULL') THEN caller END AS caller,
        CASE WHEN TRIM(callee) NOT IN ('\N', 'NULL') THEN callee END AS callee,
        CASE WHEN TRIM(customer) NOT IN ('\N', 'NULL') THEN customer END AS customer,
        CASE WHEN TRIM(vendor) NOT IN ('\N', 'NULL') THEN vendor END AS vendor,
        CASE WHEN TRIM(callid) NOT IN ('\N', 'NULL') THEN callid END AS callid,
        file_id,
        line,
        raw,
        refused
    FROM raw
),

invites AS (
    SELECT
        callid,
        to_tag,
        sip_code,
        sip_reason,
        src_ip,
        dst_ouser,
        -- The reply that settled the call: its 200 if there is one (later INVITEs are re-INVITEs),
        -- else the last (earlier ones were challenges).
        ROW_NUMBER() OVER (
            PARTITION BY callid
            ORDER BY
                CASE WHEN sip_code = '200' THEN 0 ELSE 1 END,
                TRY_CAST(time AS DECIMAL(28, 16)) DESC NULLS LAST,
                TRY_CAST(id AS BIGINT) DESC NULLS LAST
        ) AS place
    FROM acc
    WHERE method = 'INVITE' AND callid <> ''
),

failures AS (
    SELECT
        callid,
        to_tag,
        sip_code,
        sip_reason,
        time,
        ROW_NUMBER() OVER (
            PARTITION BY callid
            ORDER BY
                TRY_CAST(time AS DECIMAL(28, 16)) ASC NULLS LAST,
                TRY_CAST(id AS BIGINT) ASC NULLS LAST
        ) - 1 AS branch,
        COUNT(*) OVER (PARTITION BY callid) AS failed
    FROM missed_calls
    WHERE method = 'INVITE' AND callid <> ''
),

final_attempts AS (
    SELECT
        calls.*,
        invites.src_ip,
        invites.dst_ouser,
        invites.sip_code AS reply_code,
        invites.sip_reason AS reply_reason,
        COALESCE(failures.failed, 0) AS failed,
        failures.sip_code AS failure_code,
        failures.sip_reason AS failure_reason,
        failures.callid IS NOT NULL
        AND NOT calls.connected
        AND (COALESCE(invites.to_tag, '') = '' OR invites.to_tag = COALESCE(failures.to_tag, ''))
            AS ended_by_failure
    FROM calls
    LEFT JOIN invites
        ON calls.callid = invites.callid AND invites.place = 1
    LEFT JOIN failures
        ON calls.callid = failures.callid AND failures.branch = failures.failed - 1
),

attempts AS (
    SELECT
        start_time AS began,
        callid,
        caller,
        callee,
        customer,
        vendor,
        duration,
        src_ip,
        dst_ouser,
        CASE
            WHEN ended_by_failure THEN failure_code
            WHEN connected THEN COALESCE(NULLIF(reply_code, ''), '200')
            ELSE reply_code
        END AS sip_code,
        CASE
            WHEN ended_by_failure THEN failure_reason
            WHEN connected THEN COALESCE(NULLIF(reply_reason, ''), 'OK')
            ELSE reply_reason
        END AS sip_reason,
        CASE WHEN ended_by_failure THEN failed - 1 ELSE failed END AS branch,
        file_id,
        line,
        raw,
        refused
    FROM final_attempts
    UNION ALL
    SELECT
        failures.time AS began,
        final_attempts.callid,
        final_attempts.caller,
        final_attempts.callee,
        final_attempts.customer,
        CAST(NULL AS VARCHAR) AS vendor,
        '0' AS duration,
        final_attempts.src_ip,
        final_attempts.dst_ouser,
        failures.sip_code,
        failures.sip_reason,
        failures.branch,
        final_attempts.file_id,
        final_attempts.line,
        final_attempts.raw,
        final_attempts.refused
    FROM final_attempts
    INNER JOIN failures
        ON
            final_attempts.callid = failures.callid
            AND (NOT final_attempts.ended_by_failure OR failures.branch < failures.failed - 1)
),

timed AS (
    SELECT
        *,
        -- Milliseconds since 1970: the Julian day 2440587.5 is 1970-01-01 00:00. Of the years 1 to
        -- 9999 alone: of some numbers that a record may hold instead they are too many.
        CASE
            WHEN TRY_CAST(began AS DECIMAL(28, 16)) BETWEEN 1721425.5 AND 5373484.5
                THEN CAST(
                    ROUND((TRY_CAST(began AS DECIMAL(28, 16)) - 2440587.5) * 86400000, 0) AS BIGINT
                )
        END AS began_ms,
        CASE
            WHEN
                REGEXP_FULL_MATCH(
                    began,
                    '\s*\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):\d\d:\d\d([.]\d{1,6})?\s*'
                )
                THEN COALESCE(
                    TRY_CAST(began AS TIMESTAMP),
                    TRY_CAST(
                        RTRIM(began, CHR(9) || CHR(10) || CHR(12) || CHR(13) || ' ') AS TIMESTAMP
                    )
                )
        END AS local_began
    FROM attempts
),

placed AS (
    SELECT
        timed.*,
        CASE
            WHEN timed.local_began >= zone.later_from THEN zone.later_seconds
            ELSE zone.seconds
        END AS ahead_of_utc -- seconds
    FROM timed
    LEFT JOIN source_days AS zone ON CAST(timed.local_began AS DATE) = zone.day
)

SELECT
    CASE
        -- Within the years 1 to 9999; anything else goes on as it stands, for the judge.
        WHEN began_ms BETWEEN -62135596800000 AND 253402300799999
            THEN STRFTIME(MAKE_TIMESTAMP(began_ms * 1000), '%Y-%m-%d %H:%M:%S.%g')
        ELSE COALESCE(
            STRFTIME(
                MAKE_TIMESTAMP(
                    EPOCH_US(TIMEZONE('UTC', local_began)) - 1000000 * ahead_of_utc
                ),
                '%Y-%m-%d %H:%M:%S.%g'
            ),
            began
        )
    END AS dt, -- start_time; of a branch that failed on the way, when it failed; UTC
    CAST(NULL AS VARCHAR) AS lrn_number,
    callid,
    caller AS dest_cli, -- caller
    callee AS dest_number, -- callee
    duration, -- talk time, seconds; 0 of a failed branch
    CAST(NULL AS VARCHAR) AS recording_file,
    CAST(NULL AS VARCHAR) AS recording_cost,
    CAST(NULL AS VARCHAR) AS switch_ip,
    src_ip AS source_ip, -- src_ip of the INVITE in acc
    caller AS source_cli, -- caller
    dst_ouser AS source_dest_number, -- the number as dialled, before routing changed it
    CAST(NULL AS VARCHAR) AS tech_prefix,
    CAST(NULL AS VARCHAR) AS jurisdiction,
    customer AS customer_id, -- customer
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
    vendor AS provider_id, -- vendor, the last one tried; NULL of the branches before
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
    CAST(NULL AS VARCHAR) AS release_reason,
    CAST(NULL AS VARCHAR) AS ring_duration,
    sip_code, -- final status of the attempt
    sip_reason, -- its phrase
    CAST(NULL AS VARCHAR) AS dtmf,
    CAST(NULL AS VARCHAR) AS callid_b,
    CAST(NULL AS VARCHAR) AS ingress_id,
    CAST(NULL AS VARCHAR) AS billing_id,
    CAST(NULL AS VARCHAR) AS auth_user,
    CAST(branch AS VARCHAR) AS branch_idx, -- 0 for the first attempt, in order of failure
    CAST(NULL AS VARCHAR) AS direction,
    CAST(NULL AS VARCHAR) AS meta,
    file_id,
    line,
    raw,
    refused
FROM placed
