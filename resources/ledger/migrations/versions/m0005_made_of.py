"""Of a built day it is known what it was made of, so that it can be added to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; days without it are built anew when something comes for them."""
    op.add_column("day_builds", sa.Column("made_of", sa.Text))


def downgrade() -> None:
    """Drops it."""
    with op.batch_alter_table("day_builds") as table:
        table.drop_column("made_of")
