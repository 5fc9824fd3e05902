-- Every record of delivered files, typed and judged: the contract's reasons for refusing it, all
--   at once.
-- grain: one row per record, in the order of the files unless the source's SQL joins them;
--   refused ones have `reasons`
-- inputs: mapped (canonical columns as text, NULL when empty, by sql/sources/<source>.sql),
--   currencies (currency), frozen_days (call_date: their calls have left the lake), zone_days (of
--   the reporting time zone, by days of UTC: see resources/zones.py; none where that is UTC)
-- parameters: source, taken_at (UTC), first_day, longest_call (seconds)
-- Durations are kept to the millisecond and judged as they were delivered.
-- Texts are trimmed only when they begin below '!' (white space) or end with white space, and
-- numbers of at most two characters need no regular expression to tell that they are plain: doing
-- either for all of them would cost more than anything else here. One that begins below '.' has a
-- sign or white space in front: a sign alone is no number, though not every engine says so.
-- A time far away has no `dt` and no `call_date`, only its reason: not every reader knows the year
-- 0 or 10000, and in another time zone the first and the last day that one knows are others.
WITH typed AS (
    SELECT
        CASE
            WHEN REGEXP_FULL_MATCH(
                dt,
                '\s*\d{4}-\d{2}-\d{2}[ T]([01]\d|2[0-3]):\d{2}:\d{2}([.]\d{1,6})?Z?\s*'
            ) THEN COALESCE(
                TRY_CAST(dt AS TIMESTAMP),
                -- not every engine reads a time with other white space than blanks behind it
                TRY_CAST(RTRIM(dt, CHR(9) || CHR(10) || CHR(12) || CHR(13) || ' ') AS TIMESTAMP)
            )
        END AS utc,
        CASE
            WHEN
                callid < '!'
                OR ENDS_WITH(callid, ' ')
                OR ENDS_WITH(callid, CHR(9))
                OR ENDS_WITH(callid, CHR(10))
                OR ENDS_WITH(callid, CHR(13))
                THEN NULLIF(TRIM(callid, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE callid
        END AS callid,
        CASE
            WHEN
                customer_id < '!'
                OR ENDS_WITH(customer_id, ' ')
                OR ENDS_WITH(customer_id, CHR(9))
                OR ENDS_WITH(customer_id, CHR(10))
                OR ENDS_WITH(customer_id, CHR(13))
                THEN NULLIF(TRIM(customer_id, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE customer_id
        END AS customer_id,
        CASE
            WHEN
                provider_id < '!'
                OR ENDS_WITH(provider_id, ' ')
                OR ENDS_WITH(provider_id, CHR(9))
                OR ENDS_WITH(provider_id, CHR(10))
                OR ENDS_WITH(provider_id, CHR(13))
                THEN NULLIF(TRIM(provider_id, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE provider_id
        END AS provider_id,
        CASE
            WHEN
                dest_number < '!'
                OR ENDS_WITH(dest_number, ' ')
                OR ENDS_WITH(dest_number, CHR(9))
                OR ENDS_WITH(dest_number, CHR(10))
                OR ENDS_WITH(dest_number, CHR(13))
                THEN NULLIF(TRIM(dest_number, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE dest_number
        END AS dest_number,
        CASE
            WHEN
                customer_card_currency < '!'
                OR ENDS_WITH(customer_card_currency, ' ')
                OR ENDS_WITH(customer_card_currency, CHR(9))
                OR ENDS_WITH(customer_card_currency, CHR(10))
                OR ENDS_WITH(customer_card_currency, CHR(13))
                THEN NULLIF(TRIM(customer_card_currency, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE customer_card_currency
        END AS customer_card_currency,
        CASE
            WHEN
                provider_card_currency < '!'
                OR ENDS_WITH(provider_card_currency, ' ')
                OR ENDS_WITH(provider_card_currency, CHR(9))
                OR ENDS_WITH(provider_card_currency, CHR(10))
                OR ENDS_WITH(provider_card_currency, CHR(13))
                THEN NULLIF(TRIM(provider_card_currency, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE provider_card_currency
        END AS provider_card_currency,
        CASE
            WHEN
                (LENGTH(duration) <= 2 AND duration >= '.')
                OR REGEXP_FULL_MATCH(duration, '\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)\s*')
                THEN TRY_CAST(duration AS DECIMAL(18, 3))
        END AS duration,
        CASE
            WHEN
                (LENGTH(customer_duration) <= 2 AND customer_duration >= '.')
                OR REGEXP_FULL_MATCH(customer_duration, '\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)\s*')
                THEN TRY_CAST(customer_duration AS DECIMAL(18, 3))
        END AS customer_duration,
        CASE
            WHEN
                (LENGTH(provider_duration) <= 2 AND provider_duration >= '.')
                OR REGEXP_FULL_MATCH(provider_duration, '\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)\s*')
                THEN TRY_CAST(provider_duration AS DECIMAL(18, 3))
        END AS provider_duration,
        CASE
            WHEN
                (LENGTH(customer_charge) <= 2 AND customer_charge >= '.')
                OR REGEXP_FULL_MATCH(
                    customer_charge, '\s*[+-]?([0-9]+[.]?[0-9]{0,8}|[.][0-9]{1,8})0*\s*'
                )
                THEN TRY_CAST(customer_charge AS DECIMAL(18, 8))
        END AS customer_charge,
        CASE
            WHEN
                (LENGTH(provider_charge) <= 2 AND provider_charge >= '.')
                OR REGEXP_FULL_MATCH(
                    provider_charge, '\s*[+-]?([0-9]+[.]?[0-9]{0,8}|[.][0-9]{1,8})0*\s*'
                )
                THEN TRY_CAST(provider_charge AS DECIMAL(18, 8))
        END AS provider_charge,
        duration AS duration_text,
        customer_duration AS customer_duration_text,
        provider_duration AS provider_duration_text,
        CASE
            WHEN pdd_in < '.' AND NOT REGEXP_MATCHES(pdd_in, '[0-9]') THEN NULL
            ELSE TRY_CAST(pdd_in AS DECIMAL(18, 3))
        END AS pdd_in,
        CASE
            WHEN pdd_out < '.' AND NOT REGEXP_MATCHES(pdd_out, '[0-9]') THEN NULL
            ELSE TRY_CAST(pdd_out AS DECIMAL(18, 3))
        END AS pdd_out,
        CASE
            WHEN ring_duration < '.' AND NOT REGEXP_MATCHES(ring_duration, '[0-9]') THEN NULL
            ELSE TRY_CAST(ring_duration AS DECIMAL(18, 3))
        END AS ring_duration,
        CASE
            WHEN
                customer_card_rate < '.'
                AND NOT REGEXP_MATCHES(customer_card_rate, '[0-9]')
                THEN NULL
            ELSE TRY_CAST(customer_card_rate AS DECIMAL(18, 8))
        END AS customer_card_rate,
        CASE
            WHEN
                customer_card_connect_rate < '.'
                AND NOT REGEXP_MATCHES(customer_card_connect_rate, '[0-9]')
                THEN NULL
            ELSE TRY_CAST(customer_card_connect_rate AS DECIMAL(18, 8))
        END AS customer_card_connect_rate,
        CASE
            WHEN
                provider_card_rate < '.'
                AND NOT REGEXP_MATCHES(provider_card_rate, '[0-9]')
                THEN NULL
            ELSE TRY_CAST(provider_card_rate AS DECIMAL(18, 8))
        END AS provider_card_rate,
        CASE
            WHEN
                provider_card_connect_rate < '.'
                AND NOT REGEXP_MATCHES(provider_card_connect_rate, '[0-9]')
                THEN NULL
            ELSE TRY_CAST(provider_card_connect_rate AS DECIMAL(18, 8))
        END AS provider_card_connect_rate,
        CASE
            WHEN branch_idx IS NULL OR branch_idx = '0' THEN 0
            WHEN branch_idx < '!' AND TRIM(branch_idx) = '' THEN 0
            WHEN REGEXP_FULL_MATCH(branch_idx, '\s*[0-9]+\s*')
                THEN TRY_CAST(branch_idx AS INTEGER)
        END AS branch_idx,
        recording_file,
        recording_cost,
        switch_ip,
        source_ip,
        source_cli,
        source_dest_number,
        jurisdiction,
        customer_card_id,
        customer_card_dest_code,
        CASE
            WHEN
                customer_card_dest_name < '!'
                OR ENDS_WITH(customer_card_dest_name, ' ')
                OR ENDS_WITH(customer_card_dest_name, CHR(9))
                OR ENDS_WITH(customer_card_dest_name, CHR(10))
                OR ENDS_WITH(customer_card_dest_name, CHR(13))
                THEN NULLIF(TRIM(customer_card_dest_name, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE customer_card_dest_name
        END AS customer_card_dest_name,
        customer_card_mcd,
        customer_card_pulse,
        reseller_id,
        reseller_charge,
        reseller_duration,
        reseller_currency,
        reseller_card_rate,
        reseller_card_dest_code,
        reseller_card_dest_name,
        reseller_card_mcd,
        reseller_card_pulse,
        reseller_card_connect_rate,
        reseller_card_currency,
        provider_card_id,
        provider_card_dest_code,
        CASE
            WHEN
                provider_card_dest_name < '!'
                OR ENDS_WITH(provider_card_dest_name, ' ')
                OR ENDS_WITH(provider_card_dest_name, CHR(9))
                OR ENDS_WITH(provider_card_dest_name, CHR(10))
                OR ENDS_WITH(provider_card_dest_name, CHR(13))
                THEN NULLIF(TRIM(provider_card_dest_name, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE provider_card_dest_name
        END AS provider_card_dest_name,
        provider_card_mcd,
        provider_card_pulse,
        CASE
            WHEN
                release_reason < '!'
                OR ENDS_WITH(release_reason, ' ')
                OR ENDS_WITH(release_reason, CHR(9))
                OR ENDS_WITH(release_reason, CHR(10))
                OR ENDS_WITH(release_reason, CHR(13))
                THEN NULLIF(TRIM(release_reason, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE release_reason
        END AS release_reason,
        sip_reason,
        callid_b,
        ingress_id,
        billing_id,
        auth_user,
        CASE
            WHEN
                direction < '!'
                OR ENDS_WITH(direction, ' ')
                OR ENDS_WITH(direction, CHR(9))
                OR ENDS_WITH(direction, CHR(10))
                OR ENDS_WITH(direction, CHR(13))
                THEN NULLIF(TRIM(direction, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE direction
        END AS direction,
        meta,
        CASE
            WHEN
                tech_prefix < '!'
                OR ENDS_WITH(tech_prefix, ' ')
                OR ENDS_WITH(tech_prefix, CHR(9))
                OR ENDS_WITH(tech_prefix, CHR(10))
                OR ENDS_WITH(tech_prefix, CHR(13))
                THEN NULLIF(TRIM(tech_prefix, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE tech_prefix
        END AS tech_prefix,
        CASE
            WHEN
                sip_code < '!'
                OR ENDS_WITH(sip_code, ' ')
                OR ENDS_WITH(sip_code, CHR(9))
                OR ENDS_WITH(sip_code, CHR(10))
                OR ENDS_WITH(sip_code, CHR(13))
                THEN NULLIF(TRIM(sip_code, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE sip_code
        END AS sip_code,
        CASE
            WHEN
                dtmf < '!'
                OR ENDS_WITH(dtmf, ' ')
                OR ENDS_WITH(dtmf, CHR(9))
                OR ENDS_WITH(dtmf, CHR(10))
                OR ENDS_WITH(dtmf, CHR(13))
                THEN NULLIF(TRIM(dtmf, CHR(9) || CHR(10) || CHR(13) || ' '), '')
            ELSE dtmf
        END AS dtmf,
        dest_cli,
        lrn_number,
        CASE
            WHEN customer_charge >= '!' THEN TRUE
            ELSE COALESCE(TRIM(customer_charge) <> '', FALSE)
        END AS has_customer_charge,
        CASE
            WHEN provider_charge >= '!' THEN TRUE
            ELSE COALESCE(TRIM(provider_charge) <> '', FALSE)
        END AS has_provider_charge,
        CASE
            WHEN customer_duration >= '!' THEN TRUE
            ELSE COALESCE(TRIM(customer_duration) <> '', FALSE)
        END AS has_customer_duration,
        CASE
            WHEN provider_duration >= '!' THEN TRUE
            ELSE COALESCE(TRIM(provider_duration) <> '', FALSE)
        END AS has_provider_duration,
        file_id,
        line,
        raw,
        refused
    FROM mapped
),

judged AS (
    SELECT
        t.*,
        CASE
            WHEN
                t.utc < CAST($first_day AS TIMESTAMP) - INTERVAL 48 HOUR
                OR t.utc > CAST($taken_at AS TIMESTAMP) + INTERVAL 72 HOUR
                THEN NULL
            WHEN z.day IS NULL THEN CAST(t.utc AS DATE)
            ELSE
                CAST(
                    MAKE_TIMESTAMP(
                        EPOCH_US(TIMEZONE('UTC', t.utc))
                        + 1000000
                        * CASE WHEN t.utc >= z.later_from THEN z.later_seconds ELSE z.seconds END
                    ) AS DATE
                )
        END AS call_date,
        t.customer_card_currency IS NOT NULL AND c.currency IS NULL AS odd_customer_currency,
        t.provider_card_currency IS NOT NULL AND p.currency IS NULL AS odd_provider_currency
    FROM typed AS t
    LEFT JOIN zone_days AS z ON CAST(t.utc AS DATE) = z.day
    LEFT JOIN currencies AS c ON t.customer_card_currency = c.currency
    LEFT JOIN currencies AS p ON t.provider_card_currency = p.currency
),

dated AS (
    SELECT
        j.*,
        f.call_date AS frozen
    FROM judged AS j
    LEFT JOIN frozen_days AS f ON j.call_date = f.call_date
),

reasoned AS (
    SELECT
        *,
        CASE
            WHEN refused IS NOT NULL THEN refused
            WHEN
                callid IS NOT NULL
                AND branch_idx >= 0
                AND call_date >= $first_day
                AND utc <= CAST($taken_at AS TIMESTAMP) + INTERVAL 24 HOUR
                -- a text below '.' has a sign or a space in front, and is looked at below
                AND duration >= 0
                AND duration_text >= '.'
                AND duration < $longest_call
                AND (
                    (customer_duration >= 0 AND customer_duration_text >= '.')
                    OR NOT has_customer_duration
                )
                AND (
                    (provider_duration >= 0 AND provider_duration_text >= '.')
                    OR NOT has_provider_duration
                )
                AND customer_id IS NOT NULL
                AND dest_number IS NOT NULL
                AND (
                    customer_charge = 0
                    OR (customer_charge > 0 AND customer_card_currency IS NOT NULL)
                    OR NOT has_customer_charge
                )
                AND (
                    provider_charge = 0
                    OR (provider_charge > 0 AND provider_card_currency IS NOT NULL)
                    OR NOT has_provider_charge
                )
                AND NOT odd_customer_currency
                AND NOT odd_provider_currency
                AND frozen IS NULL
                THEN NULL
            ELSE NULLIF(CONCAT_WS(
                ',',
                CASE WHEN callid IS NULL THEN 'missing_call_id' END,
                CASE WHEN branch_idx IS NULL OR branch_idx < 0 THEN 'invalid_branch' END,
                CASE
                    WHEN
                        utc IS NULL
                        OR call_date < $first_day
                        OR (call_date IS NULL AND utc < CAST($taken_at AS TIMESTAMP))
                        THEN 'invalid_call_time'
                END,
                CASE
                    WHEN utc > CAST($taken_at AS TIMESTAMP) + INTERVAL 24 HOUR
                        THEN 'call_time_in_future'
                END,
                CASE
                    WHEN
                        (
                            duration IS NULL
                            AND NOT COALESCE(
                                REGEXP_FULL_MATCH(
                                    duration_text, '\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)\s*'
                                ),
                                FALSE
                            )
                        )
                        OR (customer_duration IS NULL AND has_customer_duration)
                        OR (provider_duration IS NULL AND has_provider_duration)
                        THEN 'invalid_duration'
                END,
                -- by the text: -0.0004 is negative, though it is kept as 0.000, and so is a number
                -- that has too many digits to be kept
                CASE
                    WHEN
                        (duration <= 0 AND REGEXP_MATCHES(duration_text, '^\s*-.*[1-9]'))
                        OR (
                            duration IS NULL
                            AND REGEXP_FULL_MATCH(duration_text, '\s*-[0-9]+[.]?[0-9]*\s*')
                        )
                        OR (
                            customer_duration <= 0
                            AND REGEXP_MATCHES(customer_duration_text, '^\s*-.*[1-9]')
                        )
                        OR (
                            provider_duration <= 0
                            AND REGEXP_MATCHES(provider_duration_text, '^\s*-.*[1-9]')
                        )
                        THEN 'negative_duration'
                END,
                CASE
                    WHEN
                        duration > $longest_call
                        OR TRY_CAST(duration_text AS DECIMAL(38, 18)) > $longest_call
                        OR (
                            duration IS NULL
                            AND REGEXP_FULL_MATCH(duration_text, '\s*[+]?[0-9]+[.]?[0-9]*\s*')
                        )
                        THEN 'duration_too_long'
                END,
                CASE WHEN customer_id IS NULL THEN 'missing_customer' END,
                CASE WHEN dest_number IS NULL THEN 'missing_destination' END,
                CASE
                    WHEN
                        (customer_charge IS NULL AND has_customer_charge)
                        OR (provider_charge IS NULL AND has_provider_charge)
                        THEN 'invalid_charge'
                END,
                CASE WHEN customer_charge < 0 OR provider_charge < 0 THEN 'negative_charge' END,
                CASE
                    WHEN
                        (customer_charge <> 0 AND customer_card_currency IS NULL)
                        OR (provider_charge <> 0 AND provider_card_currency IS NULL)
                        THEN 'missing_currency'
                END,
                CASE
                    WHEN odd_customer_currency OR odd_provider_currency THEN 'unknown_currency'
                END,
                CASE WHEN frozen IS NOT NULL THEN 'day_in_cold_storage' END
            ), '')
        END AS reasons
    FROM dated
)

SELECT
    $source AS source, -- the switch that delivered it, as its landing folder is named
    file_id, -- the delivered file (ledger)
    line, -- and its line, from 1
    call_date, -- the day of the call in the reporting time zone
    CASE WHEN call_date IS NOT NULL THEN TIMEZONE('UTC', utc) END AS dt, -- when the attempt began
    lrn_number, -- the number after portability lookup
    callid, -- the call
    branch_idx, -- which routing branch (failover) of the call, from 0
    direction, -- as delivered
    dest_cli, -- the caller's number as sent out
    dest_number, -- the number called as sent out
    duration, -- talk time in seconds; 0 = not connected
    ring_duration, -- seconds
    pdd_in, -- post-dial delay of the caller's side in ms
    pdd_out, -- post-dial delay of the provider's side in ms
    tech_prefix, -- as delivered
    customer_id, -- who pays
    customer_charge, -- in customer_card_currency; NULL when the format has none
    customer_duration, -- billed to the customer, seconds
    customer_card_currency, -- ISO 4217
    customer_card_dest_name, -- the rate card's destination
    customer_card_rate, -- per minute
    customer_card_connect_rate, -- once per connected call
    provider_id, -- who is paid; NULL when never routed
    provider_charge, -- in provider_card_currency; NULL when the format has none
    provider_duration, -- billed by the provider, seconds
    provider_card_currency, -- ISO 4217
    provider_card_dest_name, -- the rate card's destination
    provider_card_rate, -- per minute
    provider_card_connect_rate, -- once per connected call
    release_reason, -- as delivered
    sip_code, -- final SIP status
    sip_reason, -- its words
    dtmf, -- the digits captured
    recording_file, -- as delivered
    recording_cost, -- as delivered
    switch_ip, -- as delivered
    source_ip, -- as delivered
    source_cli, -- the caller's number as it came in
    source_dest_number, -- the number called as it came in
    jurisdiction, -- as delivered
    customer_card_id, -- the customer's rate card
    customer_card_dest_code, -- the rate card's prefix
    customer_card_mcd, -- minimum billed duration, as delivered
    customer_card_pulse, -- billing increment, as delivered
    reseller_id, -- as delivered
    reseller_charge, -- as delivered
    reseller_duration, -- as delivered
    reseller_currency, -- as delivered
    reseller_card_rate, -- as delivered
    reseller_card_dest_code, -- as delivered
    reseller_card_dest_name, -- as delivered
    reseller_card_mcd, -- as delivered
    reseller_card_pulse, -- as delivered
    reseller_card_connect_rate, -- as delivered
    reseller_card_currency, -- as delivered
    provider_card_id, -- the provider's rate card
    provider_card_dest_code, -- the rate card's prefix
    provider_card_mcd, -- minimum billed duration, as delivered
    provider_card_pulse, -- billing increment, as delivered
    callid_b, -- the call's id on the provider's side
    ingress_id, -- as delivered
    billing_id, -- as delivered
    auth_user, -- as delivered
    meta, -- as delivered
    reasons, -- all the reasons for refusing the record, with commas between; NULL: it is good
    CASE WHEN reasons IS NOT NULL THEN RTRIM(raw, CHR(10) || CHR(13)) END
        AS raw -- a refused record as it was delivered
FROM reasoned
