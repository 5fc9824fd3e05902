"""The ledger's account of troubles: which of them the operators were told of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from resources.ledger.parts import in_parts
from resources.ledger.schema import alerts


@dataclass(frozen=True)
class Alerts:
    """Troubles in the ledger, by key."""

    engine: Engine

    def told(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that the operators know of."""
        with self.engine.connect() as connection:
            return {
                row.key
                for part in in_parts(keys)  # a week without a mail server has tens of thousands
                for row in connection.execute(select(alerts.c.key).where(alerts.c.key.in_(part)))
            }

    def tell(self, keys: Iterable[str], now: datetime) -> None:
        """Notes that they know, after the mail is out."""
        dialect: Any = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        with self.engine.begin() as connection:
            for key in keys:
                connection.execute(
                    dialect.insert(alerts).values(key=key, told_at=now).on_conflict_do_nothing()
                )
