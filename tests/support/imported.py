"""All that the work of `tests.support.forks` needs, for the process that they are forked off."""

from importlib import import_module

from resources.reference.names import country_names
from resources.reference.plan import ReferenceData
from resources.reference.rates import load_rates

for _name in (
    "deltalake",
    "fontTools.subset",
    "great_expectations",
    "great_expectations.render.renderer.page_renderer",
    "pipelines.cli.deliveries",
    "pipelines.cli.demo",
    "pipelines.cli.files",
    "pipelines.cli.report",
    "pipelines.cli.run",
    "pipelines.cli.schedules",
    "pipelines.cli.upkeep",
    "pipelines.definitions",
    "pipelines.instance",
    "pipelines.reporting",
    "resources.schedules.rendering",
    "tests.e2e.dying",
    "tests.e2e.dying_sender",
    "weasyprint",
):
    import_module(_name)
country_names(ReferenceData())
load_rates()
