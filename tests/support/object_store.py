"""An object store for tests: moto's server speaks S3 over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
import s3fs
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

SECRET = "made-up-secret-key"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of a server that holds an empty bucket `cdrs`; the environment leads there, too."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # thousands of requests
    s3_backends.reset()  # moto keeps what it holds by process
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
        }.items():  # fmt: skip
            environment.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()  # by process, too, with the endpoint
        client = boto3.client("s3")
        client.create_bucket(Bucket="cdrs")
        yield client
    server.stop()
