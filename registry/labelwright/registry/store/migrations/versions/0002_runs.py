"""Refresh runs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the step."""
    op.create_table(
        "runs",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("task", sa.String(63), sa.ForeignKey("tasks.name", name="fk_runs_task"), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("trigger_key", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("open_task", sa.String(63), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("waits_since", _MOMENT, nullable=False),
        sa.Column("lease", sa.String(64), nullable=False),
        sa.Column("lease_holder", sa.Text, nullable=False),
        sa.Column("lease_expires_at", _MOMENT, nullable=True),
        sa.Column("base_version", sa.BigInteger, nullable=False),
        sa.Column("candidate_version", sa.BigInteger, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("tokens_in", sa.BigInteger, nullable=False),
        sa.Column("tokens_out", sa.BigInteger, nullable=False),
        sa.Column("dollars", sa.Float(53), nullable=True),
        sa.Column("steps", sa.BigInteger, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("task", "trigger_key", name="uq_runs_task_trigger_key"),
        sa.UniqueConstraint("open_task", name="uq_runs_open_task"),
    )
    op.create_index("ix_runs_task_id", "runs", ["task", "id"])
    op.create_table(
        "run_steps",
        sa.Column("run_id", _NUMBER, sa.ForeignKey("runs.id", name="fk_run_steps_run"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_table(
        "run_files",
        sa.Column("run_id", _NUMBER, sa.ForeignKey("runs.id", name="fk_run_files_run"), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Take the step back: the runs go."""
    for table in ("run_files", "run_steps", "runs"):
        op.drop_table(table)
