"""What the pages that explain need: requests that found no source, test persons, quick lists."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

C_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
GONE = sa.text("deleted_at IS NOT NULL")
NOT_APPLIED = sa.text("outcome <> 'applied'")
FAILED = sa.text("status >= 400")


def upgrade() -> None:
    op.create_table(
        "usersync_stray",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", C_TEXT, nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", C_TEXT, nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("token_prefix", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "problem", "method", "path"),
        sqlite_autoincrement=True,
    )
    op.add_column(
        "usersync_token",
        sa.Column("trial", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "usersync_identity_state",
        "usersync_identity",
        ["source_id", "state", "id", "deleted_at"],
    )
    op.create_index(
        "usersync_identity_gone",
        "usersync_identity",
        ["source_id", "user_name_key"],
        sqlite_where=GONE,
        postgresql_where=GONE,
    )
    op.create_index(
        "usersync_journal_day", "usersync_journal", ["category", "outcome", "at", "kind"]
    )
    op.create_index("usersync_journal_kind", "usersync_journal", ["kind", "id"])
    op.create_index(
        "usersync_journal_outcome",
        "usersync_journal",
        ["outcome", "id"],
        sqlite_where=NOT_APPLIED,
        postgresql_where=NOT_APPLIED,
    )
    op.create_index(
        "usersync_request_failed",
        "usersync_request",
        ["source_id", "id"],
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )


def downgrade() -> None:
    op.drop_index("usersync_request_failed", "usersync_request")
    op.drop_index("usersync_journal_outcome", "usersync_journal")
    op.drop_index("usersync_journal_kind", "usersync_journal")
    op.drop_index("usersync_journal_day", "usersync_journal")
    op.drop_index("usersync_identity_gone", "usersync_identity")
    op.drop_index("usersync_identity_state", "usersync_identity")
    op.drop_column("usersync_token", "trial")
    op.drop_table("usersync_stray")
