"""How many listeners a room's host expects."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing was said of the rooms that there are."""
    op.add_column("rooms", sa.Column("expected", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("rooms", "expected")
