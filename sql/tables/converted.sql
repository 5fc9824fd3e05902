-- A table of sums with its charges in US dollars and pounds too.
-- grain: that of the sums
-- inputs: sums (with attempts, customer_charge, customer_currency and the provider's), rates (of
--   the day: currency, rate_usd, rate_gbp, stale)
-- parameters: none
-- No currency and no charge is no money in any currency; no charges at all stay NULL. The product
-- keeps its 21 places: cutting a wide decimal to 12 costs the engine 30 times the product itself.
-- It holds 10^17: a switch that notes 9999999999 for a charge that it does not know stops no night.
-- Every column adds up, over the files of a day too: one that is late has sums of its own. So an
-- attempt without a charge counts as converted.
SELECT
    s.*,
    CASE
        WHEN s.customer_charge = 0 THEN 0
        ELSE s.customer_charge * c.rate_usd
    END AS customer_charge_usd, -- by the rates of the call's date
    CASE
        WHEN s.customer_charge = 0 THEN 0
        ELSE s.customer_charge * c.rate_gbp
    END AS customer_charge_gbp, -- by the rates of the call's date
    CASE
        WHEN s.provider_charge = 0 THEN 0
        ELSE s.provider_charge * p.rate_usd
    END AS provider_charge_usd, -- by the rates of the call's date
    CASE
        WHEN s.provider_charge = 0 THEN 0
        ELSE s.provider_charge * p.rate_gbp
    END AS provider_charge_gbp, -- by the rates of the call's date
    CASE WHEN c.stale OR p.stale THEN s.attempts ELSE 0 END
        AS stale_rate_attempts -- attempts converted by a rate older than 7 days
FROM sums AS s
LEFT JOIN rates AS c ON s.customer_currency = c.currency
LEFT JOIN rates AS p ON s.provider_currency = p.currency
