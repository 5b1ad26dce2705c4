"""The registry's identity."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the step."""
    identity = op.create_table(
        "identity",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("registry", sa.String(36), nullable=False),
        sa.Column("incarnation", sa.String(36), nullable=False),
    )
    op.bulk_insert(identity, [{"id": 1, "registry": str(uuid4()), "incarnation": str(uuid4())}])


def downgrade() -> None:
    """Take the step back: the registry has no identity."""
    op.drop_table("identity")
