"""Many customers, one definition, one run: each gets its own report, once."""

from __future__ import annotations

import csv
import io
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from deltalake import DeltaTable

from resources.ledger import deliveries
from resources.ledger.delivery import State
from resources.reference import accounts
from resources.schedules.planning import agenda, plan
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all, make_home
from tests.pipeline.offices import DAYS, Clock, add, office_of, tick
from tests.pipeline.post import PostOffice, serving

CUSTOMERS = [str(1000 + n) for n in range(30)]  # 200 take some minutes, and show the same


def test_many_customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, lists = Mock(wraps=deliveries._delivery), Mock(wraps=accounts._rows)
    opened = Mock(wraps=DeltaTable)
    monkeypatch.setattr(deliveries, "_delivery", rows)
    monkeypatch.setattr(accounts, "_rows", lists)
    monkeypatch.setattr("resources.lake.DeltaTable", opened)
    workplace = make_home(tmp_path)
    lines = [f"{c},Customer {c},mail-{c}@example.com" for c in CUSTOMERS]
    (tmp_path / "customers.csv").write_text("\n".join(["id,name,email", *lines]) + "\n")
    # Customer 1000 has one call, 1001 two, and so on up to five.
    calls = [
        call(f"{c}-{n}", dt=f"{DAYS[-1]} 12:00:00", customer_id=c)
        for c in CUSTOMERS
        for n in range(int(c) % 5 + 1)
    ]
    deliver(workplace, "day.csv", calls)
    build_all(workplace)
    post, clock = PostOffice(), Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, audience="customer", fan_out=True)
        clock.set("2026-03-09T07:00")
        plan(office)
        (group,) = agenda(office).ready  # one run
        assert len(group.deliveries) == len(CUSTOMERS)
        rows.reset_mock()
        lists.reset_mock()
        opened.reset_mock()
        found = tick(office)
        # None of them costs more the more there are.
        assert rows.call_count < 10 * len(CUSTOMERS)
        assert lists.call_count < len(CUSTOMERS)
        assert opened.call_count < len(CUSTOMERS)
        assert tick(office) == []
    assert {d.state for d in found} == {State.SENT}
    assert post.mails() == {f"mail-{c}@example.com": 1 for c in CUSTOMERS}
    assert len(post.message_ids()) == len(CUSTOMERS)
    for (to,), message, _ in post.got:
        customer = to.partition("@")[0].removeprefix("mail-")
        (attached,) = message.iter_attachments()
        content: Any = attached.get_content()
        (row,) = csv.DictReader(
            io.StringIO(content if isinstance(content, str) else content.decode())
        )
        assert (row["customer"], row["attempts"]) == (
            f"Customer {customer}", str(int(customer) % 5 + 1)
        )  # fmt: skip


def test_customers_whose_ids_look_alike_get_each_its_own(tmp_path: Path) -> None:
    """Also on the second try: the mail that the first one kept is not the other's."""
    workplace = make_home(tmp_path)
    ids = ("ACME-1", "acme 1", "acme-1")
    lines = [f"{c},{c} Ltd,mail{n}@example.com" for n, c in enumerate(ids)]
    (tmp_path / "customers.csv").write_text("\n".join(["id,name,email", *lines]) + "\n")
    at = f"{DAYS[-1]} 12:00:00"
    deliver(workplace, "day.csv", [call(c, dt=at, customer_id=c) for c in ids])
    build_all(workplace)
    clock = Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
    post = PostOffice("450 *")
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, audience="customer", fan_out=True)
        clock.set("2026-03-09T07:00")
        tick(office)
        clock.forward(hours=1)
        tick(office)
    sent = {}
    for (to,), message, _ in post.got:
        (attached,) = message.iter_attachments()
        sent[to] = str(attached.get_content()).splitlines()[1].partition(",")[0]
    assert sent == {f"mail{n}@example.com": f"{c} Ltd" for n, c in enumerate(ids)}
    assert len({d.folder for d in office.deliveries.find()}) == len(ids)


def test_a_server_that_answers_nobody_holds_up_three(tmp_path: Path) -> None:
    """The others are due with them, and go first then; nobody gets two or none."""
    workplace = make_home(tmp_path)
    customers = CUSTOMERS[:8]
    lines = [f"{c},Customer {c},mail-{c}@example.com" for c in customers]
    (tmp_path / "customers.csv").write_text("\n".join(["id,name,email", *lines]) + "\n")
    at = f"{DAYS[-1]} 12:00:00"
    deliver(workplace, "day.csv", [call(c, dt=at, customer_id=c) for c in customers])
    build_all(workplace)
    clock = Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        port = silent.getsockname()[1]
        office = office_of(workplace, port, clock)
        office = replace(office, smtp=replace(office.smtp, timeout=0.2))
        add(office, audience="customer", fan_out=True)
        clock.set("2026-03-09T07:00")
        first = tick(office)
    assert {(d.state, d.attempts) for d in first} == {(State.QUEUED, 1)}
    tried, rest = first[:3], first[3:]
    assert all("timed out" in (d.note or "") for d in first)
    words = "not tried, as 3 others in a row could not be sent: mail server 127.0.0.1"
    assert [words in (d.note or "") for d in first] == [False] * 3 + [True] * 5
    assert [d.folder is None for d in first] == [False] * 3 + [True] * 5, "they were not made"
    assert len({d.next_try_at for d in first}) == 1
    post = PostOffice(*["450 *"] * 4)  # of a recipient: it keeps no other from theirs
    with serving(post, port):
        clock.forward(seconds=59)
        assert tick(office) == []
        clock.forward(seconds=1)
        second = tick(office)
        clock.forward(minutes=2)
        tick(office)
    assert [d.id for d in second] == [d.id for d in (*rest, *tried)]
    assert [d.state for d in second] == [State.QUEUED] * 4 + [State.SENT] * 4
    assert post.mails() == {f"mail-{c}@example.com": 1 for c in customers}
