"""The first layer: `delivered` and `quarantine`, what the landing folder has brought."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.describe import KINDS, OWNERS, code_version, column_schema
from assets.step import step
from pipelines.assembly import Workplace
from resources.intake.take import Outcome, WrongHome
from resources.ledger import FileStatus
from resources.sources import SOURCES

GROUP = "intake"
DELIVERED = dg.AssetKey("delivered")
QUARANTINE = dg.AssetKey("quarantine")


@dg.multi_asset(
    name="intake",
    specs=[
        dg.AssetSpec(
            DELIVERED,
            description="Every record of every delivered file, typed and judged; the files stay "
            "where they were landed.",
            group_name=GROUP,
            kinds=KINDS,
            owners=OWNERS,
            code_version=code_version(
                "delivered/delivered", *(f"sources/{name}" for name in SOURCES)
            ),
        ),
        dg.AssetSpec(
            QUARANTINE,
            description="Every refused record with file, line, raw text and all its reasons.",
            group_name=GROUP,
            kinds=KINDS,
            owners=OWNERS,
            deps=[DELIVERED],
            code_version=code_version("delivered/quarantine"),
        ),
    ],
    required_resource_keys={"workplace"},
    pool="lake",
)
@step
def intake(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    """Takes in the files that are new in the landing folder."""
    workplace: Workplace = context.resources.workplace

    def say(text: str) -> None:
        context.log.info(text)
        workplace.tell(text)

    try:
        outcomes = workplace.intake.run(say)
    except WrongHome as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    for outcome in outcomes:
        if outcome.status is FileStatus.FAILED:
            context.log.warning(f"{outcome.file.name} could not be taken: {outcome.reason}")
    taken = [o for o in outcomes if o.status is FileStatus.TAKEN]
    records = sum(o.records for o in taken)
    quarantined = sum(o.quarantined for o in taken)
    lake = workplace.lake
    yield dg.MaterializeResult(
        asset_key=DELIVERED,
        metadata={
            "files": _table(outcomes),
            "files taken": len(taken),
            "files failed": sum(o.status is FileStatus.FAILED for o in outcomes),
            "records": records,
            "seconds": round(sum(o.seconds for o in outcomes), 2),
            "dagster/column_schema": column_schema(
                lake.newest_files("delivered"), "delivered/delivered"
            ),
        },
    )
    yield dg.MaterializeResult(
        asset_key=QUARANTINE,
        metadata={
            "records": quarantined,
            "share": round(quarantined / records, 6) if records else 0.0,
            "dagster/column_schema": column_schema(
                lake.newest_files("quarantine"), "delivered/quarantine"
            ),
        },
    )


def _table(outcomes: list[Outcome]) -> dg.MetadataValue[Any]:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "file": f"{o.file.source}/{o.file.name}",
                    "status": str(o.status),
                    "records": o.records,
                    "quarantined": o.quarantined,
                    "reason": o.reason or "",
                    "seconds": round(o.seconds, 2),
                }
            )
            for o in outcomes
        ],
        schema=dg.TableSchema(
            [
                dg.TableColumn("file"),
                dg.TableColumn("status"),
                dg.TableColumn("records", "int"),
                dg.TableColumn("quarantined", "int"),
                dg.TableColumn("reason"),
                dg.TableColumn("seconds", "float"),
            ]
        ),
    )
