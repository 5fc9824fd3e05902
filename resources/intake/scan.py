"""Finds the files that are to be taken in, and puts small ones together in batches."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from resources.bucket import StoreError
from resources.intake.records import UnreachableFile
from resources.landing import SETTING, LandedFile, Landing
from resources.ledger import Files
from resources.listing import some
from resources.sources import SOURCES


@dataclass(frozen=True)
class IntakeRules:
    """What of the settings judges a row. Times of sources without zone are `zones[source]`."""

    timezone: str
    first_day: date
    longest_call_seconds: int
    settle_seconds: int
    currencies: frozenset[str]
    zones: dict[str, str]


@dataclass(frozen=True)
class Delivery:
    """A file of calls, and by relation the files that lie beside it and tell more of them."""

    calls: LandedFile
    companions: dict[str, LandedFile]

    @property
    def files(self) -> list[LandedFile]:
        """All of them."""
        return [self.calls, *self.companions.values()]

    @property
    def token(self) -> str:
        """Changes when any of the files does."""
        return "+".join(file.token for file in self.files)


BATCH_BYTES, BATCH_FILES = 16_000_000, 200
"""Files that are new together are taken in one commit, up to so many bytes and files."""


@dataclass(frozen=True)
class Scan:
    """Looks through the landing folders for what the ledger does not know."""

    landing: Landing
    files: Files
    rules: IntakeRules

    def new(self, say: Callable[[str], None]) -> Iterator[Delivery]:
        """Files that no scan has seen as they are now, in the order to take them in.

        Raises StoreError when a source's folder cannot be looked into: its calls would be missing,
        and nobody would be told.
        """
        seen: dict[str, dict[str, list[str]]] = {}
        strange: set[str] = set()
        loose: list[str] = []
        unlike: list[str] = []
        growing: list[str] = []
        unfit: list[str] = []
        zoneless: set[str] = set()
        now = time.time()
        landed = list(self.landing.scan())
        if shut := [f for f in landed if f.source in SOURCES and not f.name]:
            raise StoreError(f"{SETTING}: {shut[0].path} is {shut[0].unfit}")
        # Within one intake the later file name wins, whatever folder it lies in.
        for file in sorted(landed, key=lambda f: (f.source, f.name.rsplit("/", 1)[-1], f.name)):
            if not file.source:
                loose.append(file.name)
                continue
            source = SOURCES.get(file.source)
            if source is None:
                if not file.unfit:  # as lost+found of a disk is
                    strange.add(file.source)
                continue
            name = file.name.rsplit("/", 1)[-1]
            if file.unfit:
                shown = ascii(f"{file.source}/{file.name}")
                unfit.append(f"{shown} ({file.unfit})")
                continue
            if not source.holds_calls(name):
                if not source.is_companion(name):
                    unlike.append(f"{file.source}/{file.name}")
                continue
            delivery = self.delivery(file)
            if file.source not in seen:
                seen[file.source] = self.files.seen(file.source)
            known = seen[file.source].get(file.name, [])
            if delivery.token in known or _was_more(delivery, known):
                continue
            # One of a clock that is far ahead, ours or the sender's, does not wait until then.
            if any(abs(now - f.changed) < self.rules.settle_seconds for f in delivery.files):
                growing.append(f"{file.source}/{file.name}")
                continue
            if source.local_times and source.name not in self.rules.zones:
                zoneless.add(source.name)
            yield delivery
        if growing:
            say(
                f"left for the next run, as changed within {self.rules.settle_seconds} s: "
                f"{some(growing)}"
            )
        if loose:
            say(
                f"left alone, as they lie in no source's folder: {some(loose)}; "
                f"those are {', '.join(f'{name}/' for name in SOURCES)}"
            )
        if unlike:
            shapes = {SOURCES[name.partition("/")[0]].pattern for name in unlike}
            say(
                "left alone, as their names are not those of CDR files "
                f"({', '.join(sorted(shapes))}, maybe with .gz): {some(unlike)}"
            )
        if unfit:
            say(f"warning: left alone: {some(unfit)}")
        for name in sorted(zoneless):
            say(
                f"times of {name} are read as UTC: CDR_REPORTS_SOURCE_TIMEZONES names no other zone"
            )
        for name in sorted(strange):
            near = get_close_matches(name, SOURCES, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            say(f"{name}/ is left alone: no such source{hint}; known are {', '.join(SOURCES)}")

    def delivery(self, file: LandedFile, again: bool = False) -> Delivery:
        """A file of calls with those that lie beside it, as they are now when asked `again`."""
        now = self.landing.again(file) if again else file
        if now is None:
            raise UnreachableFile("the file went away while it was read")
        source = SOURCES[file.source]
        name = file.name.rpartition("/")[2]
        companions = {}
        for companion in source.companions:
            beside = self.landing.beside(now, source.companion_name(name, companion))
            if beside is not None:
                companions[companion.relation] = beside
        return Delivery(now, companions)


def batches(deliveries: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    """Small files that follow each other, so many as one commit may hold; a large one alone."""
    batch: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        more = sum(file.size for file in delivery.files)
        if batch and (size + more > BATCH_BYTES or len(batch) >= BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(delivery)
        size += more
    if batch:
        yield batch


def _was_more(delivery: Delivery, known: Collection[str]) -> bool:
    """Whether these very files, known by these tokens, were taken when more of them lay beside
    each other.

    Files beside may be tidied away; taken without them, calls would lose what they told.
    """
    if not SOURCES[delivery.calls.source].companions:
        return False
    parts = set(delivery.token.split("+"))
    return any(parts < set(token.split("+")) for token in known)
