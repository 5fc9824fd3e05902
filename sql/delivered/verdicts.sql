-- Which deliveries of a call do not count, because the newest one says the same or something else.
-- grain: one row per delivered record of the day that is not the one that counts
-- inputs: delivered, repeated
-- parameters: day
-- A record that says what the one before it said is a duplicate; of the others the last counts.
WITH contents AS (
    SELECT
        d.source,
        d.callid,
        d.branch_idx,
        d.file_id,
        d.line,
        CONCAT_WS(
            CHR(31),
            COALESCE(CAST(d.dt AS VARCHAR), ''),
            COALESCE(CAST(d.direction AS VARCHAR), ''),
            COALESCE(CAST(d.dest_cli AS VARCHAR), ''),
            COALESCE(CAST(d.dest_number AS VARCHAR), ''),
            COALESCE(CAST(d.duration AS VARCHAR), ''),
            COALESCE(CAST(d.ring_duration AS VARCHAR), ''),
            COALESCE(CAST(d.pdd_in AS VARCHAR), ''),
            COALESCE(CAST(d.pdd_out AS VARCHAR), ''),
            COALESCE(CAST(d.tech_prefix AS VARCHAR), ''),
            COALESCE(CAST(d.customer_id AS VARCHAR), ''),
            COALESCE(CAST(d.customer_charge AS VARCHAR), ''),
            COALESCE(CAST(d.customer_duration AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_currency AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_dest_name AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_rate AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_connect_rate AS VARCHAR), ''),
            COALESCE(CAST(d.provider_id AS VARCHAR), ''),
            COALESCE(CAST(d.provider_charge AS VARCHAR), ''),
            COALESCE(CAST(d.provider_duration AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_currency AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_dest_name AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_rate AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_connect_rate AS VARCHAR), ''),
            COALESCE(CAST(d.release_reason AS VARCHAR), ''),
            COALESCE(CAST(d.sip_code AS VARCHAR), ''),
            COALESCE(CAST(d.sip_reason AS VARCHAR), ''),
            COALESCE(CAST(d.dtmf AS VARCHAR), ''),
            COALESCE(CAST(d.lrn_number AS VARCHAR), ''),
            COALESCE(CAST(d.recording_file AS VARCHAR), ''),
            COALESCE(CAST(d.recording_cost AS VARCHAR), ''),
            COALESCE(CAST(d.switch_ip AS VARCHAR), ''),
            COALESCE(CAST(d.source_ip AS VARCHAR), ''),
            COALESCE(CAST(d.source_cli AS VARCHAR), ''),
            COALESCE(CAST(d.source_dest_number AS VARCHAR), ''),
            COALESCE(CAST(d.jurisdiction AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_id AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_dest_code AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_mcd AS VARCHAR), ''),
            COALESCE(CAST(d.customer_card_pulse AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_id AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_charge AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_duration AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_currency AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_rate AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_dest_code AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_dest_name AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_mcd AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_pulse AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_connect_rate AS VARCHAR), ''),
            COALESCE(CAST(d.reseller_card_currency AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_id AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_dest_code AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_mcd AS VARCHAR), ''),
            COALESCE(CAST(d.provider_card_pulse AS VARCHAR), ''),
            COALESCE(CAST(d.callid_b AS VARCHAR), ''),
            COALESCE(CAST(d.ingress_id AS VARCHAR), ''),
            COALESCE(CAST(d.billing_id AS VARCHAR), ''),
            COALESCE(CAST(d.auth_user AS VARCHAR), ''),
            COALESCE(CAST(d.meta AS VARCHAR), '')
        ) AS content
    FROM delivered AS d
    INNER JOIN repeated AS r
        ON d.source = r.source AND d.callid = r.callid AND d.branch_idx = r.branch_idx
    WHERE d.call_date = $day AND d.reasons IS NULL
),

compared AS (
    SELECT
        source,
        callid,
        branch_idx,
        file_id,
        line,
        CASE
            WHEN
                content = LAG(content) OVER (
                    PARTITION BY source, callid, branch_idx ORDER BY file_id, line
                )
                THEN 0
            ELSE 1
        END AS news
    FROM contents
),

counted AS (
    SELECT
        file_id,
        line,
        branch_idx,
        news,
        SUM(news) OVER (
            PARTITION BY source, callid, branch_idx ORDER BY file_id, line
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS nth,
        SUM(news) OVER (PARTITION BY source, callid, branch_idx) AS last_nth
    FROM compared
)

SELECT
    file_id,
    line,
    branch_idx,
    CASE WHEN news = 0 THEN 'duplicate' ELSE 'superseded' END AS verdict
FROM counted
WHERE news = 0 OR nth < last_nth
