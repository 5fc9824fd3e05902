"""Questions that are asked all the time read few of a million deliveries."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NEW = {
    "deliveries_by_schedule": ["schedule_id", "last_day"],
    "deliveries_by_check": ["frequency", "first_day", "state", "checked_at"],
    "deliveries_by_settlement": ["state", "settled_at"],
}


def upgrade() -> None:
    """Makes the indexes, and that by state one by when they are due, too."""
    op.drop_index("deliveries_by_state", "deliveries")
    op.create_index("deliveries_by_state", "deliveries", ["state", "due_at"])
    for name, columns in _NEW.items():
        op.create_index(name, "deliveries", columns)


def downgrade() -> None:
    """Drops them."""
    for name in _NEW:
        op.drop_index(name, "deliveries")
    op.drop_index("deliveries_by_state", "deliveries")
    op.create_index("deliveries_by_state", "deliveries", ["state", "next_try_at"])
