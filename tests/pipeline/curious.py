"""What a customer asks the explorer, and what somebody tries who knows what there is to find."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator

import pyarrow as pa
from pypdf import PdfReader

from tests.pipeline.explorers import Answer

PERIOD = [("from", "2026-03-06"), ("to", "2026-03-08")]


def texts(answer: Answer) -> Iterator[str]:
    """All that a curious reader finds in an answer."""
    yield str(dict(answer.headers)).replace("same-origin", "")
    kind = answer.headers.get("content-type", "")
    if answer.body.startswith(b"%PDF"):
        reader = PdfReader(io.BytesIO(answer.body))
        yield str(reader.metadata) + "\n".join(page.extract_text() for page in reader.pages)
    elif answer.body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.body)) as book:
            for name in book.namelist():
                yield re.sub(r"<[^>]+>", " ", book.read(name).decode())
    elif "arrow.stream" in kind:
        table = pa.ipc.open_stream(answer.body).read_all()
        meta = json.loads(table.schema.metadata[b"cdr-reports"])
        del meta["query"]  # what was asked, word for word
        yield str(table.schema.remove_metadata()) + str(meta) + str(table.to_pylist())
    elif "parquet" in kind:
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(answer.body))
        yield str(table.schema) + str(table.to_pylist())
    else:
        yield re.sub(r"<style>.*?</style>", "", answer.text, flags=re.S)


REPORTS = ("breakout", "dtmf", "usa-calls", "usa-rate-center", "did-as-cli", "tech-prefix", "ours",
           "both")  # fmt: skip
NUMBER = [("report", "per-number"), ("number", "442071234567,12122260001,447700900123")]


def customers_questions() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield "/", []
    yield "/per-number", []
    yield "/api/catalogue", []
    yield "/api/accounts", [("side", "customers")]
    yield "/api/accounts", [("side", "providers")]
    for name in REPORTS:
        yield f"/reports/{name}", []
        asked = [("report", name), *PERIOD]
        yield "/api/rows", [*asked, ("levels", "1")]
        if name in ("breakout", "usa-calls"):
            yield "/api/charts", asked
        for fmt in ("csv", "json", "parquet"):
            yield f"/download/{fmt}", asked
    for name in ("breakout", "dtmf", "usa-calls", "both"):
        for fmt in ("xlsx", "html"):
            yield f"/download/{fmt}", [("report", name), *PERIOD]
    yield "/download/pdf", [("report", "breakout"), *PERIOD]
    yield "/api/rows", [("report", "breakout"), *PERIOD, ("compare", "previous")]
    yield "/api/rows", [("report", "breakout"), *PERIOD, ("currency", "EUR")]
    yield "/api/rows", [("report", "breakout"), *PERIOD, ("group", "customer"), ("split", "date")]
    yield "/api/members", [("dimension", "customer"), *PERIOD]
    for fmt in ("csv", "json", "parquet", "xlsx", "html", "pdf"):
        yield f"/download/{fmt}", [*NUMBER, *PERIOD]
    yield "/api/calls", [*NUMBER, *PERIOD]
    yield "/no/such/page", []
    yield "/schedules", []
    yield "/health", []
    yield "/healthz", []


def what_somebody_tries() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Questions of a customer that knows what there is to find."""
    for hidden in ("provider", "provider_id", "profit_usd", "cost_per_call_usd",
                   "provider_charge", "saving_usd"):  # fmt: skip
        known = [("report", "breakout"), *PERIOD]
        yield "/api/rows", [*known, ("columns", hidden)]
        yield "/api/rows", [*known, ("group", hidden)]
        yield "/api/rows", [*known, ("group", "customer"), ("split", hidden)]
        yield "/api/rows", [*known, ("sort", f"-{hidden}")]
        yield "/api/rows", [*known, ("filter", f"{hidden}=Tierone")]
        yield "/api/members", [*known, ("dimension", hidden)]
        yield "/download/csv", [*known, ("columns", hidden)]
        yield "/download/csv", [*NUMBER, *PERIOD, ("columns", hidden)]
    for who in ("Brightline", "102", "Bright", "103", "10"):
        for path in ("/api/rows", "/download/csv"):
            yield path, [("report", "breakout"), *PERIOD, ("customers", who)]
        yield "/api/calls", [*NUMBER, *PERIOD, ("customers", who)]
        yield "/api/rows", [("report", "breakout"), *PERIOD, ("filter", f"customer={who}")]
    for who in ("Tierone", "7", "Tier"):
        yield "/api/rows", [("report", "breakout"), *PERIOD, ("providers", who)]
        yield "/api/calls", [*NUMBER, *PERIOD, ("providers", who)]
        yield "/download/xlsx", [("report", "breakout"), *PERIOD, ("providers", who)]
    for name in ("theirs", "theirs-by-name", "theirs-by-id", "hidden"):
        yield "/api/rows", [("report", name), *PERIOD]
        yield f"/reports/{name}", []


def echoed(text: str, query: list[tuple[str, str]]) -> str:
    """The text without the words that the asker wrote, which a refusal may say again."""
    for _, value in query:
        for word in re.split(r"[=,]", value.lower().lstrip("-")):
            text = text.replace(f"'{word}'", "").replace(f"&#39;{word}&#39;", "")
            text = text.replace(f"'{value.lower()}'", "").replace(f"'-{word}'", "")
    return text.replace("unknown parameter", "").replace("providers", "")
