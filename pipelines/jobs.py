"""The jobs: the intake of new files, and the building of days."""

import dagster as dg

from assets.cdrs import CDRS_KEY
from resources.days import TABLES

intake_job = dg.define_asset_job(
    "intake_job",
    selection=dg.AssetSelection.assets("delivered", "quarantine"),
    description="Take in the files that are new in the landing folder.",
)

build_days = dg.define_asset_job(
    "build_days",
    selection=dg.AssetSelection.assets(CDRS_KEY, *TABLES),
    description="Build days: cdrs and the tables of sums.",
)
