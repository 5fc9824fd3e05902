-- The attempts of the numbers asked for, with all their details.
-- grain: one row per attempt
-- inputs: picked (rows of cdrs among which all of them are), asked_clis and asked_destinations
--   (digits: as in cdrs; number: the number asked for)
-- parameters: customers, providers (ids; an empty list lets all pass)
SELECT
    p.call_date, -- the call date, in the reporting time zone
    p.dt, -- when the attempt began
    asked_clis.number AS asked_cli, -- the number asked for that is the caller's
    asked_destinations.number AS asked_destination, -- the number asked for that was called
    p.source, -- the switch that delivered it, as its landing folder is named
    p.callid, -- the call
    p.branch_idx, -- which routing branch (failover) of the call, from 0
    p.direction, -- as delivered
    p.customer_id, -- who pays
    p.provider_id, -- who is paid; NULL when never routed
    p.tech_prefix, -- as delivered
    p.dest_cli, -- the caller's number as sent out
    p.dest_number, -- the number called as sent out
    p.lrn_number, -- the number after portability lookup
    p.cli_digits, -- the caller's number, E.164 without plus
    p.dest_digits, -- the number called, E.164 without plus
    p.country, -- ISO 3166 country of the number called
    p.carrier, -- mobile network of the number called, where its prefix tells
    p.customer_destination, -- the customer's rate card's, else the number plan's
    p.provider_destination, -- the provider's rate card's, else the number plan's
    p.orig_state, -- state of the caller, US places only
    p.orig_lata, -- LATA of the caller
    p.orig_rate_center, -- rate centre of the caller
    p.term_state, -- state of the number reached, US places only
    p.term_lata, -- LATA of the number reached
    p.term_rate_center, -- rate centre of the number reached
    p.jurisdiction_state, -- intrastate, interstate, indeterminate, international
    p.jurisdiction_lata, -- intralata, interlata, indeterminate, international
    p.reason_state, -- why indeterminate by state
    p.reason_lata, -- why indeterminate by LATA
    p.network, -- onnet, offnet, international
    p.duration, -- talk time in seconds; 0 = not connected
    p.ring_duration, -- seconds
    p.pdd_in, -- post-dial delay of the caller's side in ms
    p.pdd_out, -- post-dial delay of the provider's side in ms
    p.customer_duration, -- billed to the customer, seconds
    p.customer_charge, -- charged to the customer, in the rate card's currency
    p.customer_currency, -- of the customer's rate card
    p.customer_card_rate, -- per minute
    p.provider_duration, -- billed by the provider, seconds
    p.provider_charge, -- charged by the provider, in the rate card's currency
    p.provider_currency, -- of the provider's rate card
    p.provider_card_rate, -- per minute
    p.sip_code, -- final SIP status
    p.sip_reason, -- its words
    p.release_reason, -- as delivered
    p.dtmf, -- the digits captured
    p.file_id, -- the delivered file (ledger)
    p.line -- and its line
FROM picked AS p
LEFT JOIN asked_clis ON p.cli_digits = asked_clis.digits
LEFT JOIN asked_destinations ON p.dest_digits = asked_destinations.digits
WHERE
    (asked_clis.number IS NOT NULL OR asked_destinations.number IS NOT NULL)
    AND (
        LEN(CAST($customers AS VARCHAR[])) = 0
        OR LIST_CONTAINS(CAST($customers AS VARCHAR[]), p.customer_id)
    )
    AND (
        LEN(CAST($providers AS VARCHAR[])) = 0
        OR LIST_CONTAINS(CAST($providers AS VARCHAR[]), p.provider_id)
    )
