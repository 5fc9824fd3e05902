"""What is in deploy/: what is said in several files is the same, and nothing is left open."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.missing_packages import FONT_PACKAGE, LIBRARIES
from pipelines.instance import HOME_CONFIG
from pipelines.settings import PREFIX, SECRETS, Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["code", "daemon", "explorer", "migrate", "web"]


def test_dagsters_settings_are_those_of_a_home_but_for_where_things_are_kept() -> None:
    shipped = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    kept = {name: shipped.pop(name) for name in ("storage", "compute_logs")}
    assert kept["storage"] == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert shipped == yaml.safe_load(HOME_CONFIG)


def test_the_services() -> None:
    assert sorted(SERVICES) == sorted([*OURS, "mail", "postgres"])
    assert [name for name, s in SERVICES.items() if s.get("profiles")] == ["explorer", "mail"]
    for name in OURS:
        assert SERVICES[name]["image"] == "cdr-reports"


@pytest.mark.parametrize("name", OURS)
def test_settings_are_known_and_hold_no_secret(name: str) -> None:
    environment = SERVICES[name]["environment"]
    known = {f"{PREFIX}{n.upper()}" for n in Settings.model_fields}
    known |= {f"{PREFIX}{n.upper()}_FILE" for n in SECRETS}
    assert {n for n in environment if n.startswith(PREFIX)} <= known
    for variable, value in environment.items():
        # A URL of a database has a user and no password, and names its driver.
        if "postgresql" in value:
            assert re.fullmatch(r"postgresql\+psycopg2://cdr_reports@postgres/\w+", value), variable
        if "PASSWORD" in variable:
            assert value.removeprefix("/run/secrets/") in COMPOSE["secrets"]
    assert environment["CDR_REPORTS_HOME"] + "/dagster" == image_environment()["DAGSTER_HOME"]


def image_environment() -> dict[str, str]:
    return dict(re.findall(r"^(?:ENV)? +([A-Z_]+)=(\S+)", DOCKERFILE, re.M))


@pytest.mark.parametrize("name", OURS)
def test_nobody_is_root_and_nothing_is_writable_but_the_home(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "user" not in service
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.M) == ["10001:10001"]
    assert [v for v in service["volumes"] if not v.endswith(":ro")] == ["home:/var/lib/cdr-reports"]


def test_ports_are_published_on_the_host_itself_only() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert "ports" not in SERVICES["postgres"]


def test_images_are_of_one_version() -> None:
    images = [s["image"] for n, s in SERVICES.items() if n not in OURS]
    images += re.findall(r"^ARG PYTHON_IMAGE=(.+)$", DOCKERFILE, re.M)
    assert len(images) == 3
    for image in images:
        assert re.search(r":v?\d+\.\d+", image), image


def test_everything_that_lives_on_has_a_check_and_comes_back() -> None:
    for name, service in SERVICES.items():
        if name != "migrate":
            assert service["healthcheck"]["test"][0] == "CMD"
            assert service["restart"] == "unless-stopped"
        assert service.get("logging", {}).get("options", {}).get("max-size")


def test_nothing_starts_before_the_databases_are_migrated() -> None:
    for name in set(OURS) - {"migrate"}:
        assert SERVICES[name]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }


def test_the_image_starts_what_the_code_location_starts() -> None:
    said = re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.M)
    assert [yaml.safe_load(command) for command in said] == [SERVICES["code"]["command"]]
    (check,) = re.findall(r"^ +CMD (\[.+\])$", DOCKERFILE, re.M)
    assert ["CMD", *yaml.safe_load(check)] == SERVICES["code"]["healthcheck"]["test"]


def test_the_workspace_is_where_the_code_location_listens() -> None:
    workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))
    (location,) = (each["grpc_server"] for each in workspace["load_from"])
    command = SERVICES["code"]["command"]
    assert location["host"] == "code"
    assert str(location["port"]) == command[command.index("--port") + 1]
    assert location["location_name"] == command[command.index("--location-name") + 1]


def test_packages_and_uv_are_those_of_the_setup() -> None:
    for package in {*LIBRARIES.values(), FONT_PACKAGE}:
        assert f" {package}" in DOCKERFILE
    setup = (DEPLOY / "setup.sh").read_text(encoding="utf-8")
    (version,) = re.findall(r"^UV_VERSION=(.+)$", setup, re.M)
    assert f"ARG UV_VERSION={version}\n" in DOCKERFILE


def test_only_what_is_named_goes_into_an_image() -> None:
    lines = (DEPLOY.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    named = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        path.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for path in line.split()[:-1]
    }
    assert copied == named
    assert all((DEPLOY.parent / name).exists() for name in named)


KUBERNETES = {
    f"{document['kind']} {document['metadata']['name']}": document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
}


def test_settings_on_kubernetes_are_such_as_the_program_takes() -> None:
    given: dict[str, str] = KUBERNETES["ConfigMap cdr-reports-settings"]["data"]
    ours = {n.removeprefix(PREFIX).lower(): v for n, v in given.items() if n.startswith(PREFIX)}
    assert set(ours) <= set(Settings.model_fields)
    settings = Settings(**{**ours, "spark_conf": json.loads(ours["spark_conf"])})
    assert settings.engine == "spark"
    assert settings.spark_conf["spark.kubernetes.namespace"]


def test_spark_on_kubernetes_is_of_the_versions_that_are_tried() -> None:
    lock = (DEPLOY.parent / "uv.lock").read_text(encoding="utf-8")
    versions = dict(re.findall(r'\[\[package\]\]\nname = "([^"]+)"\nversion = "([^"]+)"', lock))
    dockerfile = (DEPLOY / "kubernetes" / "Dockerfile").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"\b(pyspark|sqlglot)==(\S+)", dockerfile))
    assert pinned == {name: versions[name] for name in ("pyspark", "sqlglot")}
    conf = KUBERNETES["ConfigMap cdr-reports-settings"]["data"]["CDR_REPORTS_SPARK_CONF"]
    image = json.loads(conf)["spark.kubernetes.container.image"]
    assert image == f"apache/spark:{versions['pyspark']}-java17"
