"""The second layer: `cdrs`, one row per attempt, judged before it is published."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.cold import refuse_cold_days
from assets.describe import KINDS, OWNERS, code_version, day_metadata, table_metadata
from assets.intake import DELIVERED
from assets.step import step
from pipelines.assembly import Workplace
from pipelines.partitions import days_of
from resources.calls.index import CALL_NUMBERS
from resources.days import BuiltDay
from resources.expectations import expectations
from resources.held import CDRS

CDRS_KEY = dg.AssetKey(CDRS)
CALL_NUMBERS_KEY = dg.AssetKey(CALL_NUMBERS)

# Dagster calls them non-blocking: not the check stops what comes after, but the step that fails.
_MEANINGS = {"error": "error, the day is not published", "warning": "warning"}
_SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def cdrs_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The asset, one partition a call date."""

    @dg.asset(
        key=CDRS_KEY,
        partitions_def=partitions,
        deps=[DELIVERED],
        description="One row per attempt: the newest delivery of each call, its numbers judged by "
        "the number plan, its jurisdiction and destination. A day is published only when it meets "
        "its expectations.",
        group_name="calls",
        kinds=KINDS,
        owners=OWNERS,
        code_version=code_version(
            "cdrs/cdrs",
            "delivered/verdicts",
            "checks/cdrs_rules",
            "checks/cdrs_size",
            "checks/cdrs_repeated",
        ),
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"workplace"},
        pool="lake",
        check_specs=[
            dg.AssetCheckSpec(name, asset=CDRS_KEY, description=f"{_MEANINGS[severity]}: {text}")
            for name, (severity, text) in expectations().items()
        ],
    )
    @step
    def cdrs(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workplace: Workplace = context.resources.workplace
        built = []
        copied = CALL_NUMBERS_KEY in context.job_def.asset_layer.selected_asset_keys
        refuse_cold_days(workplace, days_of(context.partition_keys))
        for day in days_of(context.partition_keys):
            result = workplace.builder.build_cdrs(day)
            if copied and result.published:
                workplace.builder.begin_copy(day)
            workplace.tell(f"{CDRS} {day}")
            context.log.info(f"{day}: {result.rows:,} attempts in {result.seconds:.1f} s")
            context.add_asset_metadata(day_metadata(result), partition_key=str(day))
            built.append(result)
        yield from _checks(built)
        failed = [result for result in built if result.failures]
        if failed:
            # The asset as a whole is not materialised, but its good days are.
            for result in built:
                if result.published:
                    yield dg.AssetMaterialization(
                        CDRS_KEY, partition=str(result.day), metadata=day_metadata(result)
                    )
            raise dg.Failure(
                "; ".join(
                    f"{r.day} keeps what it held before: {' and '.join(map(str, r.failures))}"
                    for r in failed
                ),
                allow_retries=False,
            )
        yield dg.MaterializeResult(metadata=table_metadata(workplace.lake, CDRS, "cdrs/cdrs"))

    return cdrs


def _checks(built: list[BuiltDay]) -> Iterator[dg.AssetCheckResult]:
    """Each expectation over all days of the run: passed when every day does."""
    for name, (severity, text) in expectations().items():
        verdicts = [(r.day, v) for r in built for v in r.verdicts if v.name == name]
        broken = [(day, v) for day, v in verdicts if not v.passed]
        yield dg.AssetCheckResult(
            asset_key=CDRS_KEY,
            check_name=name,
            passed=not broken,
            severity=_SEVERITIES[severity],
            description="; ".join(f"{day} {v}" for day, v in broken) or text,
            metadata={
                "days that fail": len(broken),
                **{str(day): f"{v.observed}, expected {v.expected}" for day, v in verdicts[:31]},
                **{f"{day} examples": ", ".join(v.examples) for day, v in broken if v.examples},
            },
        )
