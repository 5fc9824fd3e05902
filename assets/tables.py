"""The third layer: the tables of sums, each one SQL file over `cdrs`, reconciled with it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.cdrs import CDRS_KEY
from assets.cold import refuse_cold_days
from assets.describe import KINDS, OWNERS, code_version, day_metadata, table_metadata
from assets.step import step
from pipelines.assembly import Workplace
from pipelines.partitions import days_of
from resources.held import TABLES

DESCRIPTIONS = {
    "breakout_daily": "Sums for Breakout: money and quality by customer, provider, destinations, "
    "currencies, tech prefix, direction, SIP code, release reason, country and carrier.",
    "dtmf_hourly": "Sums for DTMF: money, quality and digits by hour, customer, provider and "
    "destinations.",
    "usa_calls_daily": "Sums for USA Calls: attempts, durations and money by state, LATA and "
    "jurisdiction.",
    "usa_rate_center_daily": "Sums for USA Rate Center: by NPA-NXX and rate centre of the caller "
    "and of the number reached.",
}

RECONCILES = "reconciles_with_cdrs"


def table_assets(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """One asset a table, one partition a call date."""
    return [_table_asset(name, partitions) for name in TABLES]


def _table_asset(name: str, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    models = (f"tables/{name}", "tables/converted", "tables/attempts")

    @dg.asset(
        name=name,
        partitions_def=partitions,
        deps=[CDRS_KEY],
        description=DESCRIPTIONS[name],
        group_name="reports",
        kinds=KINDS,
        owners=OWNERS,
        code_version=code_version(*models),
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"workplace"},
        pool="lake",
        check_specs=[
            dg.AssetCheckSpec(
                RECONCILES,
                asset=name,
                description="error: attempts, durations and charges equal those of cdrs, day by "
                "day, per currency, exactly",
            )
        ],
    )
    @step
    def table(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workplace: Workplace = context.resources.workplace
        differences: list[str] = []
        days = days_of(context.partition_keys)
        refuse_cold_days(workplace, days)
        for day in days:
            result = workplace.builder.build_table(name, day)
            differences += workplace.builder.held.reconcile(name, day)
            workplace.tell(f"{name} {day}")
            context.add_asset_metadata(day_metadata(result), partition_key=str(day))
        yield dg.MaterializeResult(metadata=table_metadata(workplace.lake, name, *models))
        yield dg.AssetCheckResult(
            check_name=RECONCILES,
            passed=not differences,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(differences[:5]) or f"{len(days)} days equal cdrs exactly",
            metadata={"differences": len(differences)},
        )

    return table
