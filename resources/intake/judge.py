"""Judges the records of delivered files into one staged file of the lake.

Small files of one source go through one pass: to plan it costs more than they do.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from resources.bucket import StoreError
from resources.engine import Model, ModelEngine, Session, values
from resources.intake.records import RecordFile, UnreachableFile, UnreadableFile, schema_of
from resources.intake.scan import Delivery, IntakeRules
from resources.landing import LandedFile, Landing
from resources.ledger.cold import ColdDays
from resources.sources import SOURCES, Companion, Source
from resources.zones import ahead_of_utc


@dataclass(frozen=True)
class Content:
    """What a file was found to be: hash of its bytes and of those beside it; header as JSON."""

    sha256: str
    header: str


@dataclass(frozen=True)
class Judge:
    """Reads files of `landing` and judges their records with `engine`."""

    engine: ModelEngine
    landing: Landing
    rules: IntakeRules
    cold: ColdDays

    def stage(self, deliveries: Mapping[int, Delivery], staged: Path) -> dict[int, Content]:
        """Writes every record of files, by number, to `staged`; the files' contents.

        The files are of one source; of one with companions there is just one. Raises
        UnreadableFile when one of them cannot be read; what is staged then is of no use.
        """
        source = SOURCES[next(iter(deliveries.values())).calls.source]
        model = Model("delivered/delivered", {"mapped": Model(f"sources/{source.name}")})
        now = datetime.now(UTC)
        parameters = {
            "source": source.name,
            "taken_at": now.strftime("%Y-%m-%d %H:%M:%S"),
            "first_day": self.rules.first_day,
            "longest_call": self.rules.longest_call_seconds,
        }
        inputs = {
            "currencies": pa.table({"currency": sorted(self.rules.currencies)}),
            "frozen_days": pa.table({"call_date": pa.array(self.cold.frozen(), pa.date32())}),
            "zone_days": self._reporting_days(now.date()),
            "source_days": self._zone_days(
                self.rules.zones.get(source.name, "UTC"), now.date(), local=True
            ),
        }
        calls = {number: delivery.calls for number, delivery in deliveries.items()}
        reading = _Reading(self, source, calls)
        with self.engine.session(inputs) as session:
            with reading:
                session.add("raw", reading.stream(), again=source.again)
            beside = [
                self._load_beside(session, delivery, companion)
                for companion in source.companions
                for delivery in deliveries.values()
            ]
            with reading:
                session.write(model.text(), parameters, staged, keep_order=True)
        if not beside:
            return reading.found
        (number, content), *_ = reading.found.items()
        together = hashlib.sha256("".join([content.sha256, *beside]).encode()).hexdigest()
        return {number: Content(together, content.header)}

    def _reporting_days(self, today: date) -> pa.Table:
        """None where days are those of UTC: nothing is to be looked up then."""
        found = self._zone_days(self.rules.timezone, today)
        return found.slice(0, 0) if self.rules.timezone == "UTC" else found

    def _zone_days(self, zone: str, today: date, local: bool = False) -> pa.Table:
        """Of the days that a call may be of: what is earlier or later is refused in any zone."""
        margin = timedelta(days=4)
        return ahead_of_utc(zone, self.rules.first_day - margin, today + margin, local)

    def open(self, file: LandedFile) -> IO[bytes]:
        """The file's bytes. Raises UnreachableFile."""
        try:
            return self.landing.open(file)
        except (OSError, StoreError) as error:
            raise UnreachableFile(
                f"{file.name} cannot be opened: {error}; the next intake tries it"
            ) from None

    def _load_beside(self, session: Session, delivery: Delivery, companion: Companion) -> str:
        """The companion file as a relation, empty when there is none; its hash."""
        form = Source(companion.relation, companion.columns, companion.optional)
        beside = delivery.companions.get(companion.relation)
        if beside is None:
            columns = (*companion.columns, *companion.optional)
            nothing = pa.table({name: pa.array([], pa.string()) for name in columns})
            session.add(companion.relation, nothing)
            return ""
        reading = _Reading(self, form, {0: beside}, f"{beside.name} beside it: ")
        with reading:
            session.add(companion.relation, reading.stream(), again=True)
        refused = f"SELECT line, refused FROM {companion.relation} WHERE refused IS NOT NULL"
        for line, reason in values(session.rows(f"{refused} ORDER BY line LIMIT 1", {})):
            raise UnreadableFile(f"{beside.name} beside it, line {line}: {reason}; mend it")
        return reading.found[0].sha256


@dataclass
class _Reading:
    """The records of several files as one stream; what the files were, once it was read.

    A context in which an engine reads the stream: UnreadableFile, which comes back wrapped in the
    engine's words, leaves it as it was, but for what is to be said `before`.
    """

    judge: Judge
    source: Source
    files: Mapping[int, LandedFile]
    before: str = ""
    found: dict[int, Content] = field(default_factory=dict)
    trouble: UnreadableFile | None = None

    def stream(self) -> pa.RecordBatchReader:
        """All records, in the order of the files and of their lines, with `file_id`."""
        schema = schema_of(self.source).append(pa.field("file_id", pa.int64()))
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for number, file in self.files.items():
                with self.judge.open(file) as handle:
                    records = RecordFile(self.source, handle)
                    for batch in records.batches():
                        ids = pa.array(np.full(batch.num_rows, number, np.int64))
                        yield pa.record_batch([*batch.columns, ids], schema)
                header = json.dumps(records.columns if self.source.header else [])
                self.found[number] = Content(records.sha256, header)
        except UnreadableFile as error:
            self.trouble = type(error)(f"{self.before}{error}")
            raise

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and self.trouble is not None:
            raise self.trouble from None
