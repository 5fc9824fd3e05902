"""As much of Kubernetes as Spark's driver asks for; its pods are processes of this machine.

No cluster can be had where tests run. What stands in for one keeps each request, for the test to
hold against the Role that the driver is given, and starts for each pod what the image
`apache/spark` would start in it (https://github.com/apache/spark-docker, entrypoint.sh: executor).
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
_PATH = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/(?P<kind>[a-z]+)(/(?P<name>[^/]+))?")

Json = dict[str, Any]


@dataclass
class Cluster:
    """`asked` has each verb, kind and namespace of a request, `pods` each pod as it was asked for;
    `mounts` are the folders of this machine that stand for those of pods.
    """

    jars: Path
    logs: Path
    mounts: Mapping[str, str]
    asked: set[tuple[str, str, str]] = field(default_factory=set)
    pods: list[Json] = field(default_factory=list)
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    kept: dict[tuple[str, str], Json] = field(default_factory=dict)
    _events: list[Json] = field(default_factory=list)
    _changed: Condition = field(default_factory=Condition)
    _over: bool = False

    def create(self, kind: str, body: Json) -> Json:
        name = body["metadata"]["name"]
        body["metadata"] |= {"uid": name, "creationTimestamp": f"{datetime.now(UTC):%FT%TZ}"}
        self.kept[kind, name] = body
        if kind == "pods":
            self.pods.append(deepcopy(body))
            self._tell("ADDED", body, "Pending", {"waiting": {"reason": "ContainerCreating"}})
            Thread(target=self._live, args=(body,), daemon=True).start()
        return body

    def delete(self, kind: str, bodies: Iterable[Json]) -> None:
        for name in [body["metadata"]["name"] for body in bodies]:
            body = self.kept.pop((kind, name))
            if name in self.processes:
                self.processes[name].kill()
                self._tell("DELETED", body, "Succeeded", {})

    def found(self, kind: str, selector: str) -> list[Json]:
        """Those whose labels are as a selector such as `a=1,b!=2` has them."""
        wanted = [re.split("(!?=)", part) for part in selector.split(",")]

        def selected(labels: Mapping[str, str]) -> bool:
            return all((labels.get(key) == value) is (how == "=") for key, how, value in wanted)

        there = [body for (of, _), body in self.kept.items() if of == kind]
        return [body for body in there if selected(body["metadata"]["labels"])]

    def one(self, kind: str, name: str) -> tuple[Json, int]:
        """That of a name, with the status of the answer."""
        body = self.kept.get((kind, name))
        return (body, 200) if body else ({"kind": "Status", "apiVersion": "v1", "code": 404}, 404)

    def watch(self, seen: int) -> Iterator[Json]:
        """What happens to pods after so many events, as it happens."""
        while True:
            with self._changed:
                while not self._over and len(self._events) <= seen:
                    self._changed.wait()
                if self._over:
                    return
                event = self._events[seen]
            seen += 1
            yield event

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _tell(self, what: str, body: Json, phase: str, state: Json) -> None:
        [container] = body["spec"]["containers"]
        body["status"] = {
            "phase": phase,
            "podIP": HOST,
            "containerStatuses": [{"name": container["name"], "state": state}],
        }
        with self._changed:
            body["metadata"]["resourceVersion"] = str(len(self._events) + 1)
            self._events.append({"type": what, "object": deepcopy(body)})
            self._changed.notify_all()

    def _live(self, body: Json) -> None:
        name, [container] = body["metadata"]["name"], body["spec"]["containers"]
        assert container["args"] == ["executor"]
        fields = {"status.podIP": HOST, "metadata.name": name}
        env = {
            variable["name"]: fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
            if "valueFrom" in variable
            else self.mounts.get(variable["value"], variable["value"])
            for variable in container["env"]
        }
        system = {k: v for k, v in os.environ.items() if k in ("PATH", "JAVA_HOME")}
        with (self.logs / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                _executor(self.jars, env), env={**system, **env}, stdout=log, stderr=log
            )
        self.processes[name] = process
        self._tell("MODIFIED", body, "Running", {"running": {}})
        code = process.wait()
        if ("pods", name) in self.kept:
            self._tell("MODIFIED", body, "Failed", {"terminated": {"exitCode": code}})


def _executor(jars: Path, env: Mapping[str, str]) -> list[str]:
    options = [value for name, value in env.items() if name.startswith("SPARK_JAVA_OPT_")]
    return [
        "java", *options, f"-Xmx{env['SPARK_EXECUTOR_MEMORY']}", "-cp", f"{jars}/*",
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        "--driver-url", env["SPARK_DRIVER_URL"],
        "--executor-id", env["SPARK_EXECUTOR_ID"],
        "--cores", env["SPARK_EXECUTOR_CORES"],
        "--app-id", env["SPARK_APPLICATION_ID"],
        "--hostname", env["SPARK_EXECUTOR_POD_IP"],
        "--resourceProfileId", env["SPARK_RESOURCE_PROFILE_ID"],
        "--podName", env["SPARK_EXECUTOR_POD_NAME"],
    ]  # fmt: skip


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

        def do_GET(self) -> None:
            verb = "watch" if "watch=true" in self.path else "list"
            kind, name, query = self.wanted("get", verb)
            if name:
                self.answer(*cluster.one(kind, name))
            elif verb == "list":
                items = cluster.found(kind, query["labelSelector"])
                self.answer({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items})
            elif "Upgrade" in self.headers:  # to a web socket: the driver asks again without
                self.answer({})
            else:
                self.watch(int(query.get("resourceVersion", 0)))

        def do_POST(self) -> None:
            kind, _, _ = self.wanted("", "create")
            self.answer(cluster.create(kind, self.body()), 201)

        def do_PATCH(self) -> None:
            kind, name, _ = self.wanted("patch", "")
            body, code = cluster.one(kind, name)
            if code == 200:
                body["metadata"]["labels"] |= self.body()["metadata"]["labels"]
            self.answer(body, code)

        def do_DELETE(self) -> None:
            kind, name, query = self.wanted("delete", "deletecollection")
            named = [cluster.kept[kind, name]] if (kind, name) in cluster.kept else []
            cluster.delete(kind, named if name else cluster.found(kind, query["labelSelector"]))
            self.answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})

        def wanted(self, of_one: str, of_many: str) -> tuple[str, str, dict[str, str]]:
            """Kind, name (blank: many) and query; what is done is kept as one verb or the other."""
            url = urlsplit(self.path)
            found = _PATH.fullmatch(url.path)
            assert found is not None, self.path
            kind, name = found["kind"], found["name"] or ""
            cluster.asked.add((of_one if name else of_many, kind, found["namespace"]))
            return kind, name, {key: value[0] for key, value in parse_qs(url.query).items()}

        def body(self) -> Json:
            body: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return body

        def answer(self, body: Json, code: int = 200) -> None:
            text = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def watch(self, seen: int) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            with suppress(OSError):  # who watched has gone
                for event in cluster.watch(seen):
                    self.wfile.write(json.dumps(event).encode() + b"\n")
                    self.wfile.flush()

    return Handler


@contextmanager
def serving(cluster: Cluster) -> Iterator[str]:
    """Where the API of a cluster is. What it was asked and cannot do fails who uses it."""
    unanswered: list[BaseException | None] = []

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            if not isinstance(sys.exception(), OSError):  # who asked has gone
                unanswered.append(sys.exception())

    with Server((HOST, 0), _handler(cluster)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            cluster.end()
            server.shutdown()
    assert not unanswered, unanswered
