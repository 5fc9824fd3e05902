-- The calls of a ConnexCS CDR download, as the canonical row.
-- grain: one row per record of the file
-- inputs: raw (the file's columns as text, empty and absent fields NULL;
--   file_id, line, raw, refused)
-- A blank charge counts as 0: a ConnexCS file always knows its charges.
SELECT
    dt,
    lrn_number,
    callid,
    dest_cli,
    dest_number,
    duration,
    recording_file,
    recording_cost,
    switch_ip,
    source_ip,
    source_cli,
    source_dest_number,
    tech_prefix,
    jurisdiction,
    customer_id,
    CASE
        WHEN customer_charge IS NULL THEN '0'
        WHEN customer_charge < '!' THEN COALESCE(NULLIF(TRIM(customer_charge), ''), '0')
        ELSE customer_charge
    END AS customer_charge,
    customer_duration,
    pdd_in,
    customer_card_id,
    customer_card_rate,
    customer_card_dest_code,
    customer_card_dest_name,
    customer_card_mcd,
    customer_card_pulse,
    customer_card_connect_rate,
    customer_card_currency,
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
    provider_id,
    CASE
        WHEN provider_charge IS NULL THEN '0'
        WHEN provider_charge < '!' THEN COALESCE(NULLIF(TRIM(provider_charge), ''), '0')
        ELSE provider_charge
    END AS provider_charge,
    provider_duration,
    pdd_out,
    provider_card_id,
    provider_card_rate,
    provider_card_dest_code,
    provider_card_dest_name,
    provider_card_mcd,
    provider_card_pulse,
    provider_card_connect_rate,
    provider_card_currency,
    release_reason,
    ring_duration,
    sip_code,
    sip_reason,
    dtmf,
    callid_b,
    ingress_id,
    billing_id,
    auth_user,
    branch_idx,
    direction,
    meta,
    file_id,
    line,
    raw,
    refused
FROM raw
