"""What is defined, by name: a change here is a change that users see in the web interface."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines import alerts, definitions, instance
from pipelines.definitions import build_defs
from pipelines.settings import Settings, load_settings

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
DAILY = "cdrs breakout_daily dtmf_hourly usa_calls_daily usa_rate_center_daily call_numbers".split()
TABLES = DAILY[1:]

# asset → (group, what it depends on)
ASSETS = {
    "delivered": ("intake", set()),
    "quarantine": ("intake", {"delivered"}),
    "cdrs": ("calls", {"delivered"}),
    "call_numbers": ("calls", {"cdrs"}),
    "breakout_daily": ("reports", {"cdrs"}),
    "dtmf_hourly": ("reports", {"cdrs"}),
    "usa_calls_daily": ("reports", {"cdrs"}),
    "usa_rate_center_daily": ("reports", {"cdrs"}),
}
JOBS = {"intake_job": {"delivered", "quarantine"}, "build_days": set(DAILY)}
CHECKS_OF_CDRS = """
    billed_duration_negative billed_less_than_talked billed_more_than_talked branch_negative
    branch_unusually_high card_rate_out_of_range charge_negative charge_unusually_high
    charged_without_connection charged_without_provider connected_share_unusual currency_missing
    currency_unknown customer_missing delay_out_of_range destination_missing dtmf_unusually_long
    duration_out_of_range indeterminate_without_reason jurisdiction_unknown key_incomplete
    key_repeated mean_talk_time_unusual outside_day release_class_unknown
    row_count_matches_accounts
""".split()


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_defs(load_settings())


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def checks(defs: dg.Definitions) -> dict[str, set[str]]:
    """Names of the checks by asset."""
    found: dict[str, set[str]] = {}
    for key in defs.resolve_asset_graph().asset_check_keys:
        found.setdefault(key.asset_key.to_user_string(), set()).add(key.name)
    return found


def test_assets_their_groups_and_what_they_depend_on(specs: dict[str, dg.AssetSpec]) -> None:
    found = {
        name: (spec.group_name, {dep.asset_key.to_user_string() for dep in spec.deps})
        for name, spec in specs.items()
    }
    assert found == ASSETS


def test_what_is_a_day(specs: dict[str, dg.AssetSpec]) -> None:
    daily = {name for name, spec in specs.items() if spec.partitions_def is not None}
    assert daily == set(DAILY)
    assert len({str(specs[name].partitions_def) for name in DAILY}) == 1


def test_names_follow_the_convention(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert len(spec.key.path) == 1
        assert NAME.match(name), name
        if spec.group_name == "reports":
            assert name.endswith(("_daily", "_hourly")), name


def test_every_asset_tells_of_itself(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert (spec.description or "").endswith("."), name
        assert set(spec.owners) == {"team:billing"}, name
        assert spec.kinds == {"duckdb", "deltalake", "sql"}, name
        assert re.match("^[0-9a-f]{12}$", spec.code_version or ""), name
    assert len({spec.code_version for spec in specs.values()}) == len(specs)


def test_jobs_and_what_they_make(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    found = {
        job.name: {key.to_user_string() for key in job.selection.resolve(graph)}
        for job in defs.jobs or []
        if hasattr(job, "selection")
    }
    assert found == JOBS


def test_checks(defs: dg.Definitions) -> None:
    wanted = {name: {"reconciles_with_cdrs"} for name in TABLES}
    assert checks(defs) == {**wanted, "cdrs": set(CHECKS_OF_CDRS)}
    assert set(alerts.CHECKS) == set(defs.resolve_asset_graph().asset_check_keys)


def test_every_job_schedule_sensor_and_check_has_a_description(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.asset_check_keys:
        assert graph.get_check_spec(key).description, key
    said = {
        key.name: (graph.get_check_spec(key).description or "").partition(":")[0]
        for key in graph.asset_check_keys
    }
    assert said["charge_negative"] == "error, the day is not published"
    assert said["charge_unusually_high"] == "warning"
    for of_all in (defs.jobs, defs.schedules, defs.sensors):
        assert of_all
        for one in of_all:
            assert getattr(one, "description", None), one


def test_schedules_and_sensors_run_from_the_start(defs: dg.Definitions) -> None:
    schedules = [s for s in defs.schedules or [] if isinstance(s, dg.ScheduleDefinition)]
    assert {s.name: s.cron_schedule for s in schedules} == {
        "nightly_intake": "0 2 * * *", "daily_upkeep": "30 4 * * *"
    }  # fmt: skip
    assert {s.default_status for s in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    sensors = list(defs.sensors or [])
    assert [sensor.name for sensor in sensors] == [
        "stale_days", "report_schedules", "operator_alerts"
    ]  # fmt: skip
    assert {s.default_status for s in sensors} == {dg.DefaultSensorStatus.RUNNING}


def test_everything_that_writes_the_lake_is_in_its_pool(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        assert graph.get(key).pools == {"lake"}, key


def test_days_of_a_range_are_one_run_one_after_the_other(defs: dg.Definitions) -> None:
    assert defs.executor is dg.in_process_executor
    graph = defs.resolve_asset_graph()
    for name in DAILY:
        policy = graph.get(dg.AssetKey(name)).backfill_policy
        assert policy == dg.BackfillPolicy.single_run()


def test_loading_opens_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    loaded = build_defs(load_settings(home=home))
    loaded.resolve_all_job_defs()
    dg.Definitions.validate_loadable(loaded)
    assert not home.exists()


def test_loading_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    build_defs(load_settings())
    assert [str(warning.message) for warning in recwarn] == []


def test_dagster_finds_one_definitions_object() -> None:
    found = [name for name, value in vars(definitions).items() if is_lazy(value)]
    assert found == ["defs"]


def is_lazy(value: Any) -> bool:
    return type(value).__name__ == "LazyDefinitions"


@contextmanager
def opened(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with instance.open_instance(settings) as found:
        yield found


def test_the_instance_lives_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/somewhere/else")
    settings = load_settings(home=tmp_path)
    with opened(settings) as found:
        assert os.environ["DAGSTER_HOME"] == str(tmp_path / "dagster")
        assert found.root_directory == str(tmp_path / "dagster")
        pools = found.get_concurrency_config().pool_config
        assert pools.default_pool_limit == 1
        queue = found.get_concurrency_config().run_queue_config
        assert queue is not None
        # What the daemon asks before it drops a run whose code server is away.
        assert queue.max_user_code_failure_retries * queue.user_code_failure_retry_delay == 300
        assert not found.telemetry_enabled
        assert found.run_monitoring_enabled
        assert (found.run_retries_enabled, found.run_retries_max_retries) == (True, 2)
    assert os.environ["DAGSTER_HOME"] == "/somewhere/else"


def test_a_users_own_instance_settings_are_left_alone(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    own = tmp_path / "dagster" / "dagster.yaml"
    own.parent.mkdir()
    own.write_text("telemetry: {enabled: true}\n", encoding="utf-8")
    instance.prepare_instance(settings)
    assert own.read_text(encoding="utf-8") == "telemetry: {enabled: true}\n"


@pytest.mark.parametrize(
    ("text", "said"), [("telemetri: {enabled: false}\n", "telemetri"), ("a: [\n", "line 2")]
)
def test_wrong_instance_settings_are_named(tmp_path: Path, text: str, said: str) -> None:
    settings = load_settings(home=tmp_path)
    own = instance.prepare_instance(settings) / "dagster.yaml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(instance.InstanceError, match=said) as caught, opened(settings):
        pass
    assert str(own) in str(caught.value)
    assert len(str(caught.value)) < 600
