"""The jobs: the intake of new files, and the building of days."""

import dagster as dg

from resources.days import DAY_TABLES

intake_job = dg.define_asset_job(
    "intake_job",
    selection=dg.AssetSelection.assets("delivered", "quarantine"),
    description="Take in the files that are new in the landing folder.",
)

build_days = dg.define_asset_job(
    "build_days",
    selection=dg.AssetSelection.assets(*DAY_TABLES),
    description="Build days: cdrs, the tables of sums and the index of numbers.",
)
