"""Scheduled reports: schedules, deliveries, who got them; and which troubles were told of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "schedules",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("uid", sa.String(32), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("removed_at", instant),
    )
    op.create_index(
        "one_schedule_of_a_name",
        "schedules",
        ["name"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("schedule_id", key, sa.ForeignKey("schedules.id"), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("frequency", sa.String(8), nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False, unique=True),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("queued_at", instant, nullable=False),
        sa.Column("next_try_at", instant, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("lease_until", instant),
        sa.Column("handed_at", instant),
        sa.Column("settled_at", instant),
        sa.Column("note", sa.Text),
        sa.Column("definition", sa.Text),
        sa.Column("missing", sa.Text),
        sa.Column("sources", sa.Text),
        sa.Column("figures", sa.Text),
        sa.Column("checked_at", instant),
        sa.Column("folder", sa.Text),
        sa.UniqueConstraint("schedule_id", "account", "first_day", "last_day", "revision"),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed', 'skipped')", "known_state"
        ),
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "next_try_at"])
    op.create_table(
        "delivery_recipients",
        sa.Column("delivery_id", key, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("address", sa.String(320), primary_key=True),
        sa.Column("kind", sa.String(3), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("at", instant),
        sa.CheckConstraint("kind IN ('to', 'cc', 'bcc')", "known_kind"),
        sa.CheckConstraint("outcome IN ('pending', 'accepted', 'refused')", "known_outcome"),
    )
    op.create_table(
        "alerts",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("told_at", instant, nullable=False),
    )


def downgrade() -> None:
    """Drops them."""
    for table in ("alerts", "delivery_recipients", "deliveries", "schedules"):
        op.drop_table(table)
