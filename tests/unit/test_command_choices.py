"""What an option offers is what the program knows: commands repeat it, to start quickly."""

from __future__ import annotations

from enum import StrEnum

import pytest

from explorer.access import Role
from pipelines.cli.deliveries import STATES
from pipelines.cli.users import ROLES
from resources.ledger.delivery import State


@pytest.mark.parametrize(("offered", "known"), [(STATES, State), (ROLES, Role)])
def test_choices(offered: tuple[str, ...], known: type[StrEnum]) -> None:
    assert offered == tuple(known)
