-- Made-up CDRs of one day in the columns of a ConnexCS file, for the demo and the benchmark.
-- grain: one row per row number; in the order of row_number the calls are in order of time
-- inputs: numbers (row_number from 0), and the lookup tables of resources/generator/tables.py:
--     patterns, clock, customers, customer_slots, destination_slots, destinations, prefixes,
--     callers, customer_cards, provider_cards, routes, failures
-- parameters: $seed (of the day), $day (date), $dozens (dozens of rows in the day)
-- Everything is drawn from hashes of the call's or the row's number, so that a seed gives the same
-- file however many threads write it. Whole numbers do the money: a rate is ten-thousandths per
-- minute, a charge hundred-millionths.
WITH numbered AS (
    SELECT
        row_number,
        row_number // 12 AS dozen,
        CAST(row_number % 12 AS BIGINT) AS position,
        CAST(HASH(row_number // 12, $seed, 0) % 8 AS BIGINT) AS pattern
    FROM numbers
),

placed AS (
    SELECT
        numbered.row_number,
        numbered.dozen,
        numbered.position,
        patterns.branch,
        patterns.is_last,
        patterns.is_alone,
        numbered.dozen * 12 + patterns.call_in_dozen AS call_number
    FROM numbered
    INNER JOIN patterns
        ON numbered.pattern = patterns.pattern AND numbered.position = patterns.position
),

drawn AS (
    SELECT
        *,
        HASH(call_number, $seed, 1) AS c1,
        HASH(call_number, $seed, 2) AS c2,
        HASH(call_number, $seed, 3) AS c3,
        HASH(row_number, $seed, 4) AS r1,
        HASH(row_number, $seed, 5) AS r2,
        HASH(row_number, $seed, 6) AS r3,
        -- Where in the day the call lies, 0 to 1: its place in the file, a little shaken.
        (dozen + 0.5) / $dozens AS share
    FROM placed
),

of_customers AS (
    SELECT
        drawn.*,
        customers.customer_id,
        customers.profile,
        customers.is_ivr,
        customers.source_ip,
        CASE WHEN (drawn.c1 >> 52) & 7 < 6 THEN customers.tech_prefix END AS tech_prefix,
        clock.begin_ms
        + CAST(clock.span_ms * (drawn.share * 4096 - FLOOR(drawn.share * 4096)) AS BIGINT)
        + CAST((drawn.c3 >> 50) % 2000 AS BIGINT)
        + drawn.branch * 2600 AS at_ms
    FROM drawn
    INNER JOIN customer_slots
        ON CAST(drawn.c1 & 1023 AS BIGINT) = customer_slots.slot
    INNER JOIN customers
        ON customer_slots.customer_id = customers.customer_id
    INNER JOIN clock
        ON CAST(FLOOR(drawn.share * 4096) AS BIGINT) = clock.slot
),

routed AS (
    SELECT
        of_customers.*,
        destinations.destination_id,
        CAST((of_customers.c2 & 1048575) % destinations.prefix_count AS BIGINT) AS prefix_place,
        -- A quarter of the calls has been looked up for portability: where they would go.
        CASE
            WHEN (of_customers.c2 >> 40) & 3 = 0
                THEN CAST(((of_customers.c2 >> 20) & 1048575) % destinations.prefix_count AS BIGINT)
        END AS ported_place,
        CASE
            -- No route: the provider stays blank.
            WHEN of_customers.is_alone AND (of_customers.c1 >> 30) % 1000 < 12 THEN NULL
            WHEN of_customers.branch = 0 THEN routes.first
            WHEN of_customers.branch = 1 THEN routes.second
            ELSE routes.third
        END AS provider_id
    FROM of_customers
    INNER JOIN destination_slots
        ON
            of_customers.profile = destination_slots.profile
            AND CAST((of_customers.c1 >> 10) & 1023 AS BIGINT) = destination_slots.slot
    INNER JOIN destinations
        ON destination_slots.destination_id = destinations.destination_id
    INNER JOIN routes
        ON
            destinations.destination_id = routes.destination_id
            AND CAST((of_customers.c1 >> 20) & 63 AS BIGINT) = routes.slot
),

numbered_calls AS (
    SELECT
        routed.*,
        callers.cli AS clean_cli,
        prefixes.prefix
        || CASE
            WHEN prefixes.missing > 0
                THEN LPAD(
                    CAST(
                        (routed.c3 & 1099511627775)
                        % CAST(POWER(10, prefixes.missing) AS UBIGINT) AS VARCHAR
                    ),
                    CAST(prefixes.missing AS INTEGER),
                    '0'
                )
            ELSE ''
        END AS number,
        CASE
            WHEN LENGTH(ported.prefix) = 7 AND ported.prefix LIKE '1%'
                THEN ported.prefix || '0000'
        END AS lrn_number,
        -- How the caller's number is written.
        CAST((routed.c3 >> 40) % 1000 AS BIGINT) AS writing
    FROM routed
    INNER JOIN prefixes
        ON
            routed.destination_id = prefixes.destination_id
            AND routed.prefix_place = prefixes.place
    INNER JOIN callers
        ON
            routed.customer_id = callers.customer_id
            AND CAST((routed.c2 >> 44) % 240 AS BIGINT) = callers.place
    LEFT JOIN prefixes AS ported
        ON routed.destination_id = ported.destination_id AND routed.ported_place = ported.place
),

outcomes AS (
    SELECT
        numbered_calls.*,
        provider_cards.card_id AS provider_card,
        provider_cards.code AS provider_code,
        provider_cards.name AS provider_name,
        provider_cards.rate AS provider_rate,
        provider_cards.rate_text AS provider_rate_text,
        provider_cards.currency AS provider_currency,
        provider_cards.minimum AS provider_minimum,
        provider_cards.increment AS provider_increment,
        CASE
            WHEN numbered_calls.clean_cli IS NULL THEN NULL
            WHEN numbered_calls.writing < 800 THEN numbered_calls.clean_cli
            WHEN numbered_calls.writing < 880 THEN '+' || numbered_calls.clean_cli
            WHEN numbered_calls.writing < 910 THEN '00' || numbered_calls.clean_cli
            WHEN numbered_calls.writing < 950 AND numbered_calls.clean_cli LIKE '1%'
                THEN
                    '('
                    || SUBSTR(numbered_calls.clean_cli, 2, 3)
                    || ') '
                    || SUBSTR(numbered_calls.clean_cli, 5, 3)
                    || '-'
                    || SUBSTR(numbered_calls.clean_cli, 8)
            WHEN numbered_calls.writing < 970 THEN 'anonymous'
            WHEN numbered_calls.writing < 978 THEN 'Restricted'
            WHEN numbered_calls.writing < 990 THEN CAST(1000 + numbered_calls.writing AS VARCHAR)
        END AS cli,
        numbered_calls.is_last
        AND numbered_calls.provider_id IS NOT NULL
        AND (numbered_calls.r1 >> 40) % 1000 < provider_cards.answered * 1000 AS is_answered,
        CASE
            -- A fifth of the talks is a wrong number or a machine: some seconds.
            WHEN (numbered_calls.r1 & 1023) < 190
                THEN 900 + CAST((numbered_calls.r2 & 8191) * 0.9 AS BIGINT)
            -- The others are log-normal about two minutes (Box and Muller), two hours at most.
            ELSE LEAST(
                7200000,
                CAST(
                    1000 * EXP(
                        4.7 + 1.05
                        * SQRT(-2 * LN(((numbered_calls.r2 >> 11) + 1) / 9007199254740993.0))
                        * COS(6.283185307179586 * (numbered_calls.r3 >> 11) / 9007199254740992.0)
                    ) AS BIGINT
                )
            )
        END AS talk_ms,
        provider_cards.delay_ms
        + CAST((numbered_calls.r1 >> 20) % 2400 AS BIGINT) AS delay_ms,
        2000 + CAST((numbered_calls.r3 & 32767) AS BIGINT) AS ring_ms,
        CAST((numbered_calls.r3 >> 20) % 100 AS BIGINT) AS failure_slot,
        numbered_calls.is_ivr
        AND (numbered_calls.r3 >> 30) % 1000 < 420 * provider_cards.dtmf AS has_digits
    FROM numbered_calls
    LEFT JOIN provider_cards
        ON
            numbered_calls.provider_id = provider_cards.provider_id
            AND numbered_calls.destination_id = provider_cards.destination_id
),

billed AS (
    SELECT
        outcomes.*,
        customer_cards.card_id AS customer_card,
        customer_cards.code AS customer_code,
        customer_cards.name AS customer_name,
        customer_cards.rate AS customer_rate,
        customer_cards.rate_text AS customer_rate_text,
        customer_cards.currency AS customer_currency,
        customer_cards.minimum AS customer_minimum,
        customer_cards.increment AS customer_increment,
        CASE WHEN outcomes.is_answered THEN outcomes.talk_ms ELSE 0 END AS duration_ms,
        CASE
            WHEN outcomes.is_answered
                THEN
                    (
                        GREATEST(outcomes.talk_ms, customer_cards.minimum * 1000)
                        + customer_cards.increment * 1000 - 1
                    ) // (customer_cards.increment * 1000) * customer_cards.increment
            ELSE 0
        END AS customer_seconds,
        CASE
            WHEN outcomes.is_answered
                THEN
                    (
                        GREATEST(outcomes.talk_ms, outcomes.provider_minimum * 1000)
                        + outcomes.provider_increment * 1000 - 1
                    ) // (outcomes.provider_increment * 1000) * outcomes.provider_increment
            WHEN outcomes.provider_id IS NOT NULL THEN 0
        END AS provider_seconds
    FROM outcomes
    INNER JOIN customer_cards
        ON
            outcomes.customer_id = customer_cards.customer_id
            AND outcomes.destination_id = customer_cards.destination_id
),

charged AS (
    SELECT
        *,
        (customer_seconds * customer_rate * 20000 + 60) // 120 AS customer_units,
        (provider_seconds * provider_rate * 20000 + 60) // 120 AS provider_units
    FROM billed
)

SELECT
    STRFTIME(
        CAST($day AS TIMESTAMP) + TO_MILLISECONDS(charged.at_ms), '%Y-%m-%d %H:%M:%S.%g'
    ) AS dt,
    charged.lrn_number,
    LOWER(HEX(charged.c1)) || '@sbc' || CAST(1 + charged.c2 % 3 AS VARCHAR) AS callid,
    charged.cli AS dest_cli,
    charged.number AS dest_number,
    CASE
        WHEN charged.duration_ms = 0 THEN '0'
        ELSE
            CAST(charged.duration_ms // 1000 AS VARCHAR)
            || '.'
            || LPAD(CAST(charged.duration_ms % 1000 AS VARCHAR), 3, '0')
    END AS duration,
    CAST(NULL AS VARCHAR) AS recording_file,
    CAST(NULL AS VARCHAR) AS recording_cost,
    '10.0.0.' || CAST(1 + charged.c2 % 3 AS VARCHAR) AS switch_ip,
    charged.source_ip,
    charged.cli AS source_cli,
    charged.number AS source_dest_number,
    charged.tech_prefix,
    CAST(NULL AS VARCHAR) AS jurisdiction,
    charged.customer_id,
    CASE
        WHEN charged.customer_units = 0 THEN '0'
        ELSE
            CAST(charged.customer_units // 100000000 AS VARCHAR)
            || '.'
            || LPAD(CAST(charged.customer_units % 100000000 AS VARCHAR), 8, '0')
    END AS customer_charge,
    charged.customer_seconds AS customer_duration,
    charged.delay_ms + 40 AS pdd_in,
    charged.customer_card AS customer_card_id,
    charged.customer_rate_text AS customer_card_rate,
    charged.customer_code AS customer_card_dest_code,
    charged.customer_name AS customer_card_dest_name,
    charged.customer_minimum AS customer_card_mcd,
    charged.customer_increment AS customer_card_pulse,
    '0' AS customer_card_connect_rate,
    charged.customer_currency AS customer_card_currency,
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
    charged.provider_id,
    CASE
        WHEN charged.provider_units = 0 THEN '0'
        ELSE
            CAST(charged.provider_units // 100000000 AS VARCHAR)
            || '.'
            || LPAD(CAST(charged.provider_units % 100000000 AS VARCHAR), 8, '0')
    END AS provider_charge,
    charged.provider_seconds AS provider_duration,
    charged.delay_ms AS pdd_out,
    charged.provider_card AS provider_card_id,
    charged.provider_rate_text AS provider_card_rate,
    charged.provider_code AS provider_card_dest_code,
    charged.provider_name AS provider_card_dest_name,
    charged.provider_minimum AS provider_card_mcd,
    charged.provider_increment AS provider_card_pulse,
    CASE WHEN charged.provider_id IS NOT NULL THEN '0' END AS provider_card_connect_rate,
    charged.provider_currency AS provider_card_currency,
    CASE
        WHEN charged.is_answered AND (charged.r1 >> 50) & 3 = 0 THEN 'Upstream BYE'
        WHEN charged.is_answered THEN 'Downstream BYE'
        WHEN charged.provider_id IS NULL THEN 'No Route'
        WHEN NOT charged.is_last THEN 'Congestion'
        ELSE failures.release_reason
    END AS release_reason,
    CAST(charged.ring_ms // 1000 AS VARCHAR)
    || '.'
    || LPAD(CAST(charged.ring_ms % 1000 AS VARCHAR), 3, '0') AS ring_duration,
    CASE
        WHEN charged.is_answered THEN '200'
        WHEN charged.provider_id IS NULL OR NOT charged.is_last THEN '503'
        ELSE failures.sip_code
    END AS sip_code,
    CASE
        WHEN charged.is_answered THEN 'OK'
        WHEN charged.provider_id IS NULL OR NOT charged.is_last THEN 'Service Unavailable'
        ELSE failures.sip_reason
    END AS sip_reason,
    CASE
        WHEN charged.is_answered AND charged.has_digits
            THEN
                SUBSTR(
                    LPAD(CAST(charged.r2 % 1000000 AS VARCHAR), 6, '1'),
                    1,
                    CAST(1 + (charged.r1 >> 45) % 6 AS BIGINT)
                )
                || CASE WHEN (charged.r1 >> 55) & 1 = 1 THEN '#' ELSE '' END
    END AS dtmf,
    CASE WHEN charged.is_answered THEN LOWER(HEX(charged.r1)) END AS callid_b,
    charged.customer_id - 100 AS ingress_id,
    CAST(NULL AS VARCHAR) AS billing_id,
    CAST(NULL AS VARCHAR) AS auth_user,
    charged.branch AS branch_idx,
    CAST(NULL AS VARCHAR) AS direction
FROM charged
INNER JOIN failures
    ON charged.failure_slot = failures.slot
