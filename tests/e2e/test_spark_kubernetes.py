"""A night with the settings of deploy/kubernetes/spark.yaml, executors being pods of a stand-in for
Kubernetes: the same as through DuckDB, also when the pod that did half of it is lost.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipelines.assembly import Workplace
from tests.e2e.kubernetes_api import HOST, Cluster, serving
from tests.e2e.server import wait_for
from tests.e2e.test_spark_connect import INTERPRETED, golden_day, spark_folder
from tests.pipeline.home import build_all, contents, land, make_home
from tests.pipeline.test_spark import NO_PYTHON, accounts, delivered, needs_spark

MANIFESTS = Path(__file__).parents[2] / "deploy" / "kubernetes" / "spark.yaml"
SHIPPED: dict[tuple[str, str], dict[str, Any]] = {
    (manifest["kind"], manifest["metadata"]["name"]): manifest
    for manifest in yaml.safe_load_all(MANIFESTS.read_text(encoding="utf-8"))
}
SETTINGS: dict[str, str] = SHIPPED["ConfigMap", "cdr-reports-settings"]["data"]
TEMPLATE: str = SHIPPED["ConfigMap", "cdr-reports-spark"]["data"]["executor.yaml"]


def conf(template: Path) -> str:
    """Spark's settings as they are shipped, but for a machine as small as this."""
    shipped = json.loads(SETTINGS["CDR_REPORTS_SPARK_CONF"])
    assert Path(shipped["spark.kubernetes.executor.podTemplateFile"]).name == template.name
    java = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    small = {
        "spark.kubernetes.executor.podTemplateFile": str(template),
        "spark.executor.instances": "1",
        "spark.dynamicAllocation.maxExecutors": "1",
        "spark.executor.cores": "2",
        "spark.executor.memory": "1g",
        "spark.executor.memoryOverhead": "200m",
        "spark.sql.shuffle.partitions": "2",
        "spark.executor.extraJavaOptions": java,
        "spark.driver.extraJavaOptions": java,
    }
    return json.dumps(shipped | small | dict(pair.split("=") for pair in INTERPRETED[1::2]))


@needs_spark
def test_the_same_night(tmp_path: Path) -> None:
    one, other = (make_home(tmp_path / engine) for engine in ("duckdb", "spark"))
    for home in (one, other):
        land(home, golden_day(tmp_path))
    build_all(one)
    template = tmp_path / "executor.yaml"
    template.write_text(TEMPLATE, encoding="utf-8")
    cluster = Cluster(
        spark_folder() / "jars", tmp_path, mounts={"/var/spark": str(tmp_path / "scratch")}
    )
    with serving(cluster) as url:
        night = subprocess.Popen(
            [str(Path(sys.executable).with_name("cdr-reports")), "run"],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")},
                "CDR_REPORTS_HOME": str(other.settings.home),
                "CDR_REPORTS_SETTLE_SECONDS": "0",
                "CDR_REPORTS_ENGINE": SETTINGS["CDR_REPORTS_ENGINE"],
                "CDR_REPORTS_MEMORY_LIMIT": SETTINGS["CDR_REPORTS_MEMORY_LIMIT"],
                "CDR_REPORTS_SPARK_MASTER": f"k8s://{url}",
                "CDR_REPORTS_SPARK_CONF": conf(template),
                "SPARK_LOCAL_HOSTNAME": HOST,  # night.yaml: the pod's address
                "PYSPARK_PYTHON": NO_PYTHON,
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            wait_for(lambda: one_day(other) or night.poll() is not None, "no day was built", 180)
            for pod in list(cluster.processes.values()):
                pod.kill()
            said, _ = night.communicate(timeout=180)
        finally:
            night.kill()
        assert night.returncode == 0, said
    assert accounts(one) == accounts(other)
    for table in ("delivered", "quarantine"):
        assert delivered(one, table) == delivered(other, table)
    assert contents(one)["cdrs"]
    assert contents(one) == contents(other)
    asked_as_allowed(cluster)
    assert len(cluster.pods) == 2  # one came in place of the one that was lost
    for asked in cluster.pods:
        as_declared(asked["spec"])


def one_day(home: Workplace) -> bool:
    """Whether the calls are there, and the sums not yet."""
    return bool(home.lake.newest_files("cdrs"))


def asked_as_allowed(cluster: Cluster) -> None:
    """Each request is one that the Role lets the driver make, in the namespace that is named."""
    [rule] = SHIPPED["Role", "cdr-reports-spark-driver"]["rules"]
    allowed = {(verb, kind, "cdr-reports") for verb in rule["verbs"] for kind in rule["resources"]}
    assert ("create", "pods", "cdr-reports") in cluster.asked
    assert cluster.asked <= allowed


def as_declared(spec: dict[str, Any]) -> None:
    """A pod that Spark asks for has what the template has, and writes where it has a disk."""
    wanted = yaml.safe_load(TEMPLATE)["spec"]
    [declared], [container] = wanted["containers"], spec["containers"]
    assert spec["securityContext"] == wanted["securityContext"]
    assert container["securityContext"] == declared["securityContext"]
    assert spec["serviceAccountName"] == "cdr-reports"
    for part, there in (
        (wanted["volumes"], spec["volumes"]),
        (declared["volumeMounts"], container["volumeMounts"]),
    ):
        assert all(each in there for each in part)
    home = SETTINGS["CDR_REPORTS_HOME"]
    claims = {v["name"] for v in spec["volumes"] if "persistentVolumeClaim" in v}
    assert {m["mountPath"] for m in container["volumeMounts"] if m["name"] in claims} == {home}
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env["SPARK_LOCAL_DIRS"] in {m["mountPath"] for m in container["volumeMounts"]}
