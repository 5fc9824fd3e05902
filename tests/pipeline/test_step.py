"""Steps: what may pass by itself is tried again, what does not ends them; how that is told."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import duckdb
import pytest

from assets import step
from pipelines.cli.run import execute
from resources.engine import NotEnoughMemory
from resources.reference.accounts import AccountsError


def tried(ends: Callable[[int], object]) -> tuple[int, bool]:
    """How often a step is tried that ends so (given how often it was tried), and whether it
    succeeds.
    """
    tries = 0

    @dg.asset
    @step.step
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        nonlocal tries
        tries += 1
        ends(tries)
        yield dg.MaterializeResult()

    result = dg.materialize([asset], raise_on_error=False)
    return tries, result.success


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "_RETRY", dg.RetryPolicy(max_retries=2, delay=0))


def raising(error: BaseException) -> Callable[[int], object]:
    def end(_tries: int) -> None:
        raise error

    return end


def test_a_store_that_is_back_in_time() -> None:
    def away_twice(tries: int) -> None:
        if tries < 3:
            raise OSError("the store is away")

    assert tried(away_twice) == (3, True)


def test_a_store_that_stays_away() -> None:
    assert tried(raising(OSError("the store is away"))) == (3, False)


def test_what_no_other_try_mends() -> None:
    assert tried(raising(NotEnoughMemory("more is needed"))) == (1, False)
    assert tried(raising(AccountsError("dids.csv, line 1: not a number"))) == (1, False)
    assert tried(raising(dg.Failure("for good", allow_retries=False))) == (1, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal(number: signal.Signals) -> None:
    assert tried(lambda _: os.kill(os.getpid(), number)) == (1, False)


def test_what_is_told_of_an_error_of_duckdb_is_not_its_sql() -> None:
    @dg.asset
    @step.step
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield dg.MaterializeResult(value=duckdb.execute("FROM read_parquet(['/gone/day.parquet'])"))

    defs = dg.Definitions([asset], jobs=[dg.define_asset_job("job")])
    with dg.DagsterInstance.ephemeral() as instance:
        (said,) = execute(defs, "job", instance, {})
    assert said == 'asset: IO Error: No files found that match the pattern "/gone/day.parquet"'
