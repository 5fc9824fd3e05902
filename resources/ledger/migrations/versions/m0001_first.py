"""The first schema: files and their accounts, days and their builds."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "files",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), index=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("header", sa.Text),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("records", sa.BigInteger),
        sa.Column("quarantined", sa.BigInteger),
    )
    op.create_table(
        "file_days",
        sa.Column("file_id", key, sa.ForeignKey("files.id"), primary_key=True),
        sa.Column("call_date", sa.Date, primary_key=True),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("superseded", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "file_reasons",
        sa.Column("file_id", key, sa.ForeignKey("files.id"), primary_key=True),
        sa.Column("reason", sa.String(64), primary_key=True),
        sa.Column("records", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "days",
        sa.Column("call_date", sa.Date, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("failed_version", sa.BigInteger),
        sa.Column("failure", sa.Text),
    )
    op.create_table(
        "day_builds",
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("call_date", sa.Date, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("lake_version", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drops them."""
    for table in ("facts", "day_builds", "days", "file_reasons", "file_days", "files"):
        op.drop_table(table)
