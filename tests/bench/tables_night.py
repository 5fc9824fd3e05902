"""A night up to the four tables, without the index and the copy that only Per Number reads.

`python -m tests.bench.tables_night DAY`, with the settings of `cdr-reports run`: the same jobs in
the same Dagster, less one asset. It is what the other sides of the bench do.
"""

import sys
from datetime import date

import dagster as dg

from pipelines.assembly import Workplace
from pipelines.cli.main import seldom_look_for_garbage
from pipelines.definitions import build_defs
from pipelines.instance import open_instance
from pipelines.partitions import range_tags
from pipelines.settings import load_settings
from resources.held import CDRS, TABLES

SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def main() -> None:
    """Takes in what has landed and builds the day."""
    day = date.fromisoformat(sys.argv[1])
    seldom_look_for_garbage()
    settings = load_settings()
    workplace = Workplace(settings)
    defs = build_defs(settings, open_workplace=lambda: workplace)
    with open_instance(settings) as instance:
        defs.resolve_job_def("intake_job").execute_in_process(instance=instance, run_config=SILENT)
        defs.resolve_job_def("build_days").execute_in_process(
            instance=instance,
            run_config=SILENT,
            tags=range_tags(day, day),
            asset_selection=[dg.AssetKey(name) for name in (CDRS, *TABLES)],
        )


if __name__ == "__main__":
    main()
