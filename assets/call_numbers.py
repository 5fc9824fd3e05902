"""Beside the tables of sums: the index of numbers over `cdrs` and the copy of its calls by row,
reconciled with it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.cdrs import CDRS_KEY
from assets.cold import refuse_cold_days
from assets.describe import KINDS, OWNERS, code_version, table_metadata
from assets.step import step
from assets.tables import RECONCILES
from pipelines.assembly import Workplace
from pipelines.partitions import days_of
from resources.calls.index import CALL_NUMBERS, MODEL


def call_numbers_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset, one partition a call date."""

    @dg.asset(
        name=CALL_NUMBERS,
        partitions_def=partitions,
        deps=[CDRS_KEY],
        description="Where each number's calls stand in cdrs, so that the calls of a number are "
        "found without reading all of its days. With it goes a copy of the day, in the folder "
        "calls of the home, out of which single calls are read.",
        group_name="calls",
        kinds=KINDS,
        owners=OWNERS,
        code_version=code_version(MODEL),
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"workplace"},
        pool="lake",
        op_tags={"dagster/priority": "-1"},  # last: the copy is written beside the tables of sums
        check_specs=[
            dg.AssetCheckSpec(
                RECONCILES,
                asset=CALL_NUMBERS,
                description="error: it is of the day's file of cdrs and has all of its numbers; "
                "the copy in the folder calls has all of its rows",
            )
        ],
    )
    @step
    def call_numbers(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workplace: Workplace = context.resources.workplace
        differences: list[str] = []
        days = days_of(context.partition_keys)
        refuse_cold_days(workplace, days)
        for day in days:
            built = workplace.builder.build_call_numbers(day)
            differences += workplace.builder.held.reconcile(CALL_NUMBERS, day)
            workplace.tell(f"{CALL_NUMBERS} {day}")
            context.add_asset_metadata(
                {
                    "dagster/partition_row_count": built.rows,
                    "seconds": round(built.seconds, 2),
                    "lake version": built.lake_version,
                },
                partition_key=str(day),
            )
        yield dg.MaterializeResult(metadata=table_metadata(workplace.lake, CALL_NUMBERS, MODEL))
        yield dg.AssetCheckResult(
            check_name=RECONCILES,
            passed=not differences,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(differences[:5]) or f"{len(days)} days have all their numbers",
            metadata={"differences": len(differences)},
        )

    return call_numbers
