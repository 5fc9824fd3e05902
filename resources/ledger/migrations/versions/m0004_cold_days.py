"""Days whose calls have left the lake; and files are found by name and status without a search."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table and the indexes."""
    op.create_table(
        "cold_days",
        sa.Column("call_date", sa.Date, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("files_by_name", "files", ["source", "name"])
    op.create_index("files_by_status", "files", ["status"])


def downgrade() -> None:
    """Drops them."""
    op.drop_index("files_by_status", "files")
    op.drop_index("files_by_name", "files")
    op.drop_table("cold_days")
