"""All that the work of `tests.support.forks` needs, for the process that they are forked off."""

from importlib import import_module

from resources.reference.rates import load_rates

for _name in (
    "deltalake",
    "great_expectations",
    "great_expectations.render.renderer.page_renderer",
    "pipelines.cli.deliveries",
    "pipelines.cli.files",
    "pipelines.cli.report",
    "pipelines.cli.run",
    "pipelines.cli.schedules",
    "pipelines.definitions",
    "pipelines.reporting",
    "resources.schedules.rendering",
    "tests.e2e.dying",
    "tests.e2e.dying_sender",
):
    import_module(_name)
load_rates()
