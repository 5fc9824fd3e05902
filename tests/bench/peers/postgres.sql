-- What the bench does in PostgreSQL, statement by statement. `{logged}` is empty, or UNLOGGED.
-- The staging table has the file's columns as text and `line`.
CREATE {logged} TABLE delivered AS
WITH typed AS (
    SELECT
        line,
        CASE
            WHEN
                dt ~ '^\s*\d{{4}}-\d\d-\d\d[ T]([01]\d|2[0-3]):\d\d:\d\d([.]\d{{1,6}})?Z?\s*$'
                AND pg_input_is_valid(dt, 'timestamp') THEN dt::timestamp
        END AS dt,
        nullif(btrim(callid), '') AS callid,
        CASE
            WHEN coalesce(btrim(branch_idx), '') = '' THEN 0
            WHEN branch_idx ~ '^\s*\d{{1,9}}\s*$' THEN branch_idx::integer
        END AS branch_idx,
        direction, tech_prefix, dest_cli, nullif(btrim(dest_number), '') AS dest_number, lrn_number,
        nullif(btrim(customer_id), '') AS customer_id,
        nullif(btrim(provider_id), '') AS provider_id,
        customer_card_dest_name AS customer_destination,
        provider_card_dest_name AS provider_destination,
        nullif(btrim(customer_card_currency), '') AS customer_currency,
        nullif(btrim(provider_card_currency), '') AS provider_currency,
        CASE WHEN duration ~ '^\s*[+-]?(\d+[.]?\d*|[.]\d+)\s*$' THEN duration::numeric END
            AS duration,
        CASE
            WHEN coalesce(btrim(customer_duration), '') = '' THEN 0
            WHEN customer_duration ~ '^\s*[+-]?(\d+[.]?\d*|[.]\d+)\s*$'
                THEN customer_duration::numeric
        END AS customer_duration,
        CASE
            WHEN coalesce(btrim(provider_duration), '') = '' THEN 0
            WHEN provider_duration ~ '^\s*[+-]?(\d+[.]?\d*|[.]\d+)\s*$'
                THEN provider_duration::numeric
        END AS provider_duration,
        CASE
            WHEN coalesce(btrim(customer_charge), '') = '' THEN 0
            WHEN customer_charge ~ '^\s*[+-]?(\d+[.]?\d{{0,8}}|[.]\d{{1,8}})0*\s*$'
                THEN customer_charge::numeric
        END AS customer_charge,
        CASE
            WHEN coalesce(btrim(provider_charge), '') = '' THEN 0
            WHEN provider_charge ~ '^\s*[+-]?(\d+[.]?\d{{0,8}}|[.]\d{{1,8}})0*\s*$'
                THEN provider_charge::numeric
        END AS provider_charge,
        CASE WHEN pdd_out ~ '^\s*\d+([.]\d*)?\s*$' THEN pdd_out::numeric END AS pdd_out,
        sip_code, release_reason, dtmf
    FROM staging
)
SELECT
    *,
    dt::date AS call_date,
    nullif(concat_ws(
        ',',
        CASE WHEN callid IS NULL THEN 'missing_call_id' END,
        CASE WHEN branch_idx IS NULL THEN 'invalid_branch' END,
        CASE WHEN dt IS NULL OR dt < '2020-01-01' THEN 'invalid_call_time' END,
        CASE WHEN dt > now() AT TIME ZONE 'UTC' + interval '24 hours' THEN 'call_time_in_future' END,
        CASE
            WHEN duration IS NULL OR customer_duration IS NULL OR provider_duration IS NULL
                THEN 'invalid_duration'
        END,
        CASE
            WHEN duration < 0 OR customer_duration < 0 OR provider_duration < 0
                THEN 'negative_duration'
        END,
        CASE WHEN duration > 86400 THEN 'duration_too_long' END,
        CASE WHEN customer_id IS NULL THEN 'missing_customer' END,
        CASE WHEN dest_number IS NULL THEN 'missing_destination' END,
        CASE WHEN customer_charge IS NULL OR provider_charge IS NULL THEN 'invalid_charge' END,
        CASE WHEN customer_charge < 0 OR provider_charge < 0 THEN 'negative_charge' END,
        CASE
            WHEN
                (customer_charge <> 0 AND customer_currency IS NULL)
                OR (provider_charge <> 0 AND provider_currency IS NULL)
                THEN 'missing_currency'
        END,
        CASE
            WHEN
                customer_currency NOT IN (SELECT currency FROM currencies)
                OR provider_currency NOT IN (SELECT currency FROM currencies)
                THEN 'unknown_currency'
        END
    ), '') AS reasons
FROM typed;

CREATE {logged} TABLE quarantine AS
SELECT s.*, d.reasons
FROM delivered AS d
INNER JOIN staging AS s USING (line)
WHERE d.reasons IS NOT NULL;

CREATE {logged} TABLE verdicts AS
WITH repeated AS (
    SELECT call_date, callid, branch_idx
    FROM delivered
    WHERE reasons IS NULL
    GROUP BY call_date, callid, branch_idx
    HAVING count(*) > 1
),
contents AS (
    SELECT d.call_date, d.callid, d.branch_idx, d.line, (to_jsonb(s) - 'line')::text AS content
    FROM delivered AS d
    INNER JOIN repeated USING (call_date, callid, branch_idx)
    INNER JOIN staging AS s USING (line)
    WHERE d.reasons IS NULL
),
compared AS (
    SELECT
        *,
        content = lag(content) OVER (PARTITION BY call_date, callid, branch_idx ORDER BY line)
            AS again
    FROM contents
)
SELECT
    line,
    CASE WHEN again THEN 'duplicate' ELSE 'superseded' END AS verdict
FROM (
    SELECT
        *,
        count(*) FILTER (WHERE again IS NOT TRUE) OVER w AS nth,
        count(*) FILTER (WHERE again IS NOT TRUE) OVER (
            PARTITION BY call_date, callid, branch_idx
        ) AS last_nth
    FROM compared
    WINDOW w AS (PARTITION BY call_date, callid, branch_idx ORDER BY line)
) AS counted
WHERE again OR nth < last_nth;

ANALYZE delivered;

CREATE {logged} TABLE cdrs AS
WITH counting AS (
    SELECT
        d.*,
        regexp_replace(d.dest_cli, '[ +().-]', '', 'g') AS cli_text,
        regexp_replace(d.dest_number, '[ +().-]', '', 'g') AS dest_text,
        regexp_replace(d.lrn_number, '[ +().-]', '', 'g') AS lrn_text
    FROM delivered AS d
    WHERE d.reasons IS NULL AND NOT EXISTS (SELECT 1 FROM verdicts AS v WHERE v.line = d.line)
),
unprefixed AS (
    SELECT
        c.*,
        CASE WHEN cli_text LIKE '00%' THEN substr(cli_text, 3) ELSE cli_text END AS cli,
        CASE WHEN dest_text LIKE '00%' THEN substr(dest_text, 3) ELSE dest_text END AS dest,
        CASE WHEN lrn_text LIKE '00%' THEN substr(lrn_text, 3) ELSE lrn_text END AS lrn,
        cli_text LIKE '00%' OR ltrim(dest_cli, ' -().') LIKE '+%' AS cli_has_plus
    FROM counting AS c
),
shaped AS (
    SELECT
        u.*,
        CASE
            WHEN u.cli ~ '^1[2-9]\d\d[2-9]\d{{6}}$' THEN u.cli
            WHEN a.npa IS NOT NULL THEN '1' || u.cli
        END AS cli_nanp,
        CASE
            WHEN u.lrn ~ '^1[2-9]\d\d[2-9]\d{{6}}$' THEN u.lrn
            WHEN u.dest ~ '^1[2-9]\d\d[2-9]\d{{6}}$' THEN u.dest
        END AS term_nanp
    FROM unprefixed AS u
    LEFT JOIN areas AS a
        ON
            u.cli ~ '^[2-9]\d\d[2-9]\d{{6}}$' AND NOT u.cli_has_plus
            AND a.npa = substr(u.cli, 1, 3)
),
placed AS (
    SELECT
        s.*,
        o.country = 'US' AS orig_us,
        t.country = 'US' AS term_us,
        CASE WHEN o.country = 'US' THEN o.region END AS orig_state,
        CASE WHEN t.country = 'US' THEN t.region END AS term_state,
        CASE WHEN o.country = 'US' THEN substr(s.cli_nanp, 2, 6) END AS orig_prefix,
        CASE WHEN t.country = 'US' THEN substr(s.term_nanp, 2, 6) END AS term_prefix,
        CASE
            WHEN s.term_nanp IS NOT NULL THEN coalesce(t.country <> 'US', FALSE)
            ELSE coalesce(s.dest ~ '^[02-9]\d{{6,14}}$', FALSE)
        END AS is_international
    FROM shaped AS s
    LEFT JOIN areas AS o ON o.npa = substr(s.cli_nanp, 2, 3)
    LEFT JOIN areas AS t ON t.npa = substr(s.term_nanp, 2, 3)
)
SELECT
    p.callid, p.branch_idx, p.dt, p.call_date, p.direction, p.customer_id, p.provider_id,
    p.tech_prefix, p.dest_cli, p.dest_number, p.lrn_number, p.customer_destination,
    p.provider_destination, p.customer_currency, p.provider_currency, p.duration,
    p.customer_duration, p.provider_duration, p.customer_charge, p.provider_charge, p.pdd_out,
    p.sip_code, p.release_reason, p.dtmf, p.line, p.orig_state, p.term_state, p.orig_prefix,
    p.term_prefix, oe.lata AS orig_lata, oe.rate_center AS orig_rate_center, te.lata AS term_lata,
    te.rate_center AS term_rate_center,
    CASE
        WHEN p.is_international THEN 'international'
        WHEN p.term_us IS NOT TRUE OR p.orig_us IS NOT TRUE THEN 'indeterminate'
        WHEN p.orig_state = p.term_state THEN 'intrastate'
        ELSE 'interstate'
    END AS jurisdiction_state,
    CASE
        WHEN p.is_international THEN 'international'
        WHEN p.term_us IS NOT TRUE OR p.orig_us IS NOT TRUE THEN 'indeterminate'
        WHEN oe.lata IS NULL OR te.lata IS NULL THEN 'indeterminate'
        WHEN oe.lata = te.lata THEN 'intralata'
        ELSE 'interlata'
    END AS jurisdiction_lata,
    r.kpi_class AS release_class,
    length(p.dtmf) AS dtmf_digits
FROM placed AS p
LEFT JOIN exchanges AS oe ON oe.npanxx = p.orig_prefix
LEFT JOIN exchanges AS te ON te.npanxx = p.term_prefix
LEFT JOIN release_causes AS r ON r.sip = p.sip_code;

ANALYZE cdrs;

CREATE {logged} TABLE breakout_daily AS
SELECT
    call_date, customer_id, provider_id, customer_destination, provider_destination,
    customer_currency, provider_currency, tech_prefix, direction, sip_code, release_reason,
    {measures}
FROM cdrs
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;

CREATE {logged} TABLE dtmf_hourly AS
SELECT
    date_trunc('hour', dt) AS hour, customer_id, provider_id, customer_destination,
    provider_destination, customer_currency, provider_currency, {measures}
FROM cdrs
GROUP BY 1, 2, 3, 4, 5, 6, 7;

CREATE {logged} TABLE usa_calls_daily AS
SELECT
    call_date, customer_id, provider_id, customer_currency, provider_currency, orig_state,
    term_state, orig_lata, term_lata, jurisdiction_state, jurisdiction_lata, {few_measures}
FROM cdrs
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;

CREATE {logged} TABLE usa_rate_center_daily AS
SELECT
    'origin' AS side, call_date, orig_prefix AS prefix, min(orig_rate_center) AS rate_center,
    min(orig_state) AS state, min(orig_lata) AS lata, customer_id, provider_id, customer_currency,
    provider_currency, {few_measures}
FROM cdrs
GROUP BY call_date, orig_prefix, customer_id, provider_id, customer_currency, provider_currency
UNION ALL
SELECT
    'destination', call_date, term_prefix, min(term_rate_center),
    min(term_state), min(term_lata), customer_id, provider_id, customer_currency,
    provider_currency, {few_measures}
FROM cdrs
GROUP BY call_date, term_prefix, customer_id, provider_id, customer_currency, provider_currency
