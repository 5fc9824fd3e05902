"""Great Expectations' verdict on what was found. The only module that knows its API for judging.

It compares in floats. That cannot mislead here: a count is judged by its distance from the one
value that is allowed, and a whole number that is not 0 never becomes 0.0 (from 2^53 on, two counts
next to each other would become the same float). The two means are held against bounds that are
far wider than a float is coarse, and only warn.
"""

import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import Thread
from types import ModuleType
from typing import Any

from resources.expectations.rules import ROW_COUNT, Finding, NotEvaluated, expectations

_UNUSED = ("scipy.stats", "altair")
"""What Great Expectations imports for expectations that are not asked here: a third of its time."""

_SEVERITIES = {"error": "critical", "warning": "warning"}


def prepare() -> None:
    """Begins to import Great Expectations, which takes seconds, beside what the caller does next.

    Nothing depends on it: `validate` imports what is not there yet, or waits for it.
    """
    if "great_expectations" not in sys.modules:
        Thread(target=_import, name="great-expectations", daemon=True).start()


def _import() -> None:
    # An import that fails is told by `validate`, which tries it again.
    with suppress(Exception), warnings.catch_warnings(), _hidden("pyspark"):
        warnings.simplefilter("ignore")
        for name in _UNUSED:
            _defer(name)
        import_module("great_expectations")


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """While a package that nobody has imported yet counts as one that is not installed.

    Great Expectations tries PySpark for data frames of Spark's, which it gets none of here; that
    takes seconds. Who runs the night on Spark has it imported long before.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


class _Deferred(ModuleType):
    """A module that is loaded when anything in it is looked at."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def _defer(name: str) -> None:
    if name not in sys.modules and (spec := find_spec(name)) is not None:
        sys.modules[name] = module = _Deferred(name)
        module.__spec__ = spec


def validate(found: Sequence[Finding], day: date) -> Any:
    """The `ExpectationSuiteValidationResult` of a day; `passed` says what it means."""
    known = expectations()
    # Here and not at the top: it takes seconds to import, and only a build needs it.
    if "great_expectations" not in sys.modules:
        _import()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        import pandas as pd

        kinds: Any = gx.expectations
        suite = gx.ExpectationSuite(
            name=f"cdrs {day}",
            expectations=[
                kinds.ExpectColumnMaxToBeBetween(
                    column=finding.name,
                    min_value=low,
                    max_value=high,
                    severity=_SEVERITIES[severity],
                    description=f"{severity}: {text}{_here(finding)}",
                )
                for finding in found
                for _, low, high in [_scale(finding)]
                for severity, text in [known[finding.name]]
            ],
        )
        frame = pd.DataFrame({finding.name: [_scale(finding)[0]] for finding in found})
        result: Any = _cdrs().get_batch({"dataframe": frame}).validate(suite)
    result.meta["run_id"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # for its page
    for outcome in result.results:
        observed = outcome.result.get("observed_value")
        if hasattr(observed, "item"):  # numpy's, which its own renderer cannot show
            outcome.result["observed_value"] = observed.item()
    return result


@cache
def _cdrs() -> Any:
    """What hands a frame of findings to Great Expectations; made once, for all days."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    context: Any = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),  # they would overwrite ours
        ),
    )
    asset = context.data_sources.add_pandas("engine").add_dataframe_asset("cdrs")
    return asset.add_batch_definition_whole_dataframe("day")


def passed(found: Sequence[Finding], result: Any) -> Mapping[str, bool]:
    """Expectation → whether the day meets it. Raises NotEvaluated when there is no true verdict."""
    verdicts = {}
    for outcome in result.results:
        name = outcome.expectation_config.kwargs["column"]
        observed = outcome.result.get("observed_value")
        # A comparison that raised, or one with nothing or with NaN, comes back as `success: false`.
        if observed is None or math.isnan(observed):
            raise NotEvaluated(
                f"{name} could not be evaluated: observed {observed}, {outcome.exception_info}"
            )
        verdicts[name] = bool(outcome.success)
    missing = [finding.name for finding in found if finding.name not in verdicts]
    if missing:
        raise NotEvaluated(f"no verdict on {', '.join(missing)}")
    return verdicts


def _scale(finding: Finding) -> tuple[int | float, float, float]:
    """Value, lowest and highest as they are compared: a count by how far it is off."""
    if isinstance(finding.value, int):
        return int(finding.value - finding.low), 0.0, 0.0
    return float(finding.value), float(finding.low), float(finding.high)


def _here(finding: Finding) -> str:
    """What the expectation allows on this very day, for those where that differs by the day."""
    if not isinstance(finding.value, int):
        return f"; here {finding.low:.4f} to {finding.high:.4f}"
    if finding.name == ROW_COUNT:
        return f"; found {finding.value:,} of {finding.low:,}, and observed is the difference"
    return ""
