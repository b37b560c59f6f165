"""Initial schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

C_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
JSON_DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

SQLITE_TRIGGER = """
CREATE TRIGGER usersync_journal_{verb} BEFORE {verb} ON usersync_journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
"""
POSTGRESQL_FUNCTION = """
CREATE FUNCTION usersync_journal_is_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$ LANGUAGE plpgsql
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER usersync_journal_change BEFORE UPDATE OR DELETE OR TRUNCATE ON usersync_journal
FOR EACH STATEMENT EXECUTE FUNCTION usersync_journal_is_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "usersync_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_name_key", C_TEXT, nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("full_name_key", C_TEXT, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", C_TEXT, nullable=False),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("manager", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("modified_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_name_key"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usersync_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_account_email_key"), ["email_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_usersync_account_full_name_key"), ["full_name_key"], unique=False
        )

    op.create_table(
        "usersync_directory_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", C_TEXT, nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("minimum_members", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "usersync_journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("source", C_TEXT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("destructive", sa.Boolean(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("identity_id", sa.Integer(), nullable=True),
        sa.Column("directory", sa.String(), nullable=True),
        sa.Column("account_key", C_TEXT, nullable=True),
        sa.Column("group_key", C_TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usersync_journal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_journal_account_key"), ["account_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_usersync_journal_identity_id"), ["identity_id"], unique=False
        )
        batch_op.create_index(
            "usersync_journal_group",
            ["group_key"],
            unique=False,
            sqlite_where=sa.text("group_key IS NOT NULL"),
            postgresql_where=sa.text("group_key IS NOT NULL"),
        )
        batch_op.create_index("usersync_journal_source", ["source", "id"], unique=False)
        batch_op.create_index(
            "usersync_journal_window", ["source", "destructive", "at"], unique=False
        )

    op.create_table(
        "usersync_outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "usersync_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", C_TEXT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_request_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "usersync_value",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "usersync_directory_nesting",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["usersync_directory_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["group_id"], ["usersync_directory_group.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "child_id"),
    )
    with op.batch_alter_table("usersync_directory_nesting", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_directory_nesting_child_id"), ["child_id"], unique=False
        )

    op.create_table(
        "usersync_grant",
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("account_key", C_TEXT, nullable=False),
        sa.Column("group_key", C_TEXT, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("directory", "account_key", "group_key", "source_id", "kind"),
    )
    with op.batch_alter_table("usersync_grant", schema=None) as batch_op:
        batch_op.create_index("usersync_grant_group", ["directory", "group_key"], unique=False)
        batch_op.create_index("usersync_grant_source", ["source_id"], unique=False)

    op.create_table(
        "usersync_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("scim_id", C_TEXT, nullable=False),
        sa.Column("external_id", C_TEXT, nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("display_name_key", C_TEXT, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("comparable", JSON_DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("modified_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scim_id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usersync_group", schema=None) as batch_op:
        batch_op.create_index(
            "usersync_group_external_id", ["source_id", "external_id"], unique=True
        )
        batch_op.create_index(
            "usersync_group_name", ["source_id", "display_name_key"], unique=False
        )

    op.create_table(
        "usersync_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("scim_id", C_TEXT, nullable=False),
        sa.Column("external_id", C_TEXT, nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_name_key", C_TEXT, nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("full_name_key", C_TEXT, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("comparable", JSON_DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("modified_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scim_id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usersync_identity", schema=None) as batch_op:
        batch_op.create_index(
            "usersync_identity_external_id",
            ["source_id", "external_id"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "usersync_identity_full_name", ["source_id", "full_name_key"], unique=False
        )
        batch_op.create_index(
            "usersync_identity_live",
            ["source_id", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "usersync_identity_proposed",
            ["source_id"],
            unique=False,
            sqlite_where=sa.text("state = 'proposed' AND deleted_at IS NULL"),
            postgresql_where=sa.text("state = 'proposed' AND deleted_at IS NULL"),
        )
        batch_op.create_index(
            "usersync_identity_tombstone", ["source_id", "external_id", "deleted_at"], unique=False
        )
        batch_op.create_index(
            "usersync_identity_user_name",
            ["source_id", "user_name_key"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "usersync_membership",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["usersync_account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["group_id"], ["usersync_directory_group.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "account_id"),
    )
    with op.batch_alter_table("usersync_membership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_membership_account_id"), ["account_id"], unique=False
        )
        batch_op.create_index(
            "usersync_membership_by_hand",
            ["group_id", "account_id"],
            unique=False,
            sqlite_where=sa.text("reason <> ''"),
            postgresql_where=sa.text("reason <> ''"),
        )

    op.create_table(
        "usersync_nesting",
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("parent_key", C_TEXT, nullable=False),
        sa.Column("child_key", C_TEXT, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("directory", "parent_key", "child_key", "source_id"),
    )
    with op.batch_alter_table("usersync_nesting", schema=None) as batch_op:
        batch_op.create_index("usersync_nesting_source", ["source_id"], unique=False)

    op.create_table(
        "usersync_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("token_prefix", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("usersync_request", schema=None) as batch_op:
        batch_op.create_index("usersync_request_source", ["source_id", "id"], unique=False)

    op.create_table(
        "usersync_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("source_version", sa.Integer(), nullable=False),
        sa.Column("applies", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("removals", sa.Integer(), nullable=False),
        sa.Column("admins_gone", sa.Integer(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sa.Column("began_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usersync_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usersync_run_beat_at"), ["beat_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_usersync_run_source_id"), ["source_id"], unique=False)

    op.create_table(
        "usersync_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("hash", C_TEXT, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("last_four", sa.String(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("last_used_from", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    with op.batch_alter_table("usersync_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_token_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "usersync_adoption",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=True),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("account_key", C_TEXT, nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["usersync_identity.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("usersync_adoption", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_adoption_identity_id"), ["identity_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_usersync_adoption_source_id"), ["source_id"], unique=False
        )
        batch_op.create_index(
            "usersync_adoption_account", ["directory", "account_key"], unique=False
        )

    op.create_table(
        "usersync_created_group",
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("group_key", C_TEXT, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["usersync_group.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("directory", "group_key"),
    )
    with op.batch_alter_table("usersync_created_group", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_created_group_group_id"), ["group_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_usersync_created_group_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "usersync_group_child",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["child_id"], ["usersync_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["group_id"], ["usersync_group.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "child_id"),
    )
    with op.batch_alter_table("usersync_group_child", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_group_child_child_id"), ["child_id"], unique=False
        )

    op.create_table(
        "usersync_group_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("scim_id", C_TEXT, nullable=False),
        sa.Column("external_id", C_TEXT, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("to_key", C_TEXT, nullable=False),
        sa.Column("allow_protected", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["usersync_group.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "scim_id", "to_key"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usersync_group_mapping", schema=None) as batch_op:
        batch_op.create_index(
            "usersync_group_mapping_external", ["source_id", "external_id"], unique=False
        )
        batch_op.create_index("usersync_group_mapping_group", ["group_id"], unique=False)
        batch_op.create_index("usersync_group_mapping_to", ["source_id", "to_key"], unique=False)

    op.create_table(
        "usersync_group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["usersync_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["identity_id"], ["usersync_identity.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "identity_id"),
    )
    with op.batch_alter_table("usersync_group_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usersync_group_member_identity_id"), ["identity_id"], unique=False
        )

    op.create_table(
        "usersync_held",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("group_key", C_TEXT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["usersync_identity.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("identity_id", "kind", "group_key"),
    )
    with op.batch_alter_table("usersync_held", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usersync_held_source_id"), ["source_id"], unique=False)

    op.create_table(
        "usersync_identity_email",
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("email_key", C_TEXT, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["usersync_identity.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("identity_id", "email_key"),
    )
    with op.batch_alter_table("usersync_identity_email", schema=None) as batch_op:
        batch_op.create_index(
            "usersync_identity_email_key", ["source_id", "email_key"], unique=False
        )

    op.create_table(
        "usersync_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("account_key", C_TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.Column("restored_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["usersync_identity.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source_id"], ["usersync_source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("directory", "account_key"),
        sa.UniqueConstraint("identity_id"),
    )
    with op.batch_alter_table("usersync_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usersync_link_source_id"), ["source_id"], unique=False)
        batch_op.create_index("usersync_link_disabled", ["source_id", "disabled_at"], unique=False)

    op.create_table(
        "usersync_planned",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("kinds", sa.String(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["usersync_run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "identity_id"),
    )
    op.create_table(
        "usersync_planned_group",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name_key", C_TEXT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("gains", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["usersync_run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "name_key"),
    )
    op.create_table(
        "usersync_planned_outsider",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("group_key", C_TEXT, nullable=False),
        sa.Column("account_key", C_TEXT, nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["usersync_run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "group_key", "account_key"),
    )
    protect_journal()


def protect_journal() -> None:
    """Make the journal append-only in the database itself."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE_TRIGGER.format(verb=verb))
    else:
        op.execute(POSTGRESQL_FUNCTION)
        op.execute(POSTGRESQL_TRIGGER)


def downgrade() -> None:
    op.drop_table("usersync_planned_outsider")
    op.drop_table("usersync_planned_group")
    op.drop_table("usersync_planned")
    with op.batch_alter_table("usersync_link", schema=None) as batch_op:
        batch_op.drop_index("usersync_link_disabled")
        batch_op.drop_index(batch_op.f("ix_usersync_link_source_id"))

    op.drop_table("usersync_link")
    with op.batch_alter_table("usersync_identity_email", schema=None) as batch_op:
        batch_op.drop_index("usersync_identity_email_key")

    op.drop_table("usersync_identity_email")
    with op.batch_alter_table("usersync_held", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_held_source_id"))

    op.drop_table("usersync_held")
    with op.batch_alter_table("usersync_group_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_group_member_identity_id"))

    op.drop_table("usersync_group_member")
    with op.batch_alter_table("usersync_group_mapping", schema=None) as batch_op:
        batch_op.drop_index("usersync_group_mapping_to")
        batch_op.drop_index("usersync_group_mapping_group")
        batch_op.drop_index("usersync_group_mapping_external")

    op.drop_table("usersync_group_mapping")
    with op.batch_alter_table("usersync_group_child", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_group_child_child_id"))

    op.drop_table("usersync_group_child")
    with op.batch_alter_table("usersync_created_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_created_group_source_id"))
        batch_op.drop_index(batch_op.f("ix_usersync_created_group_group_id"))

    op.drop_table("usersync_created_group")
    with op.batch_alter_table("usersync_adoption", schema=None) as batch_op:
        batch_op.drop_index("usersync_adoption_account")
        batch_op.drop_index(batch_op.f("ix_usersync_adoption_source_id"))
        batch_op.drop_index(batch_op.f("ix_usersync_adoption_identity_id"))

    op.drop_table("usersync_adoption")
    with op.batch_alter_table("usersync_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_token_source_id"))

    op.drop_table("usersync_token")
    with op.batch_alter_table("usersync_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_run_source_id"))
        batch_op.drop_index(batch_op.f("ix_usersync_run_beat_at"))

    op.drop_table("usersync_run")
    with op.batch_alter_table("usersync_request", schema=None) as batch_op:
        batch_op.drop_index("usersync_request_source")

    op.drop_table("usersync_request")
    with op.batch_alter_table("usersync_nesting", schema=None) as batch_op:
        batch_op.drop_index("usersync_nesting_source")

    op.drop_table("usersync_nesting")
    with op.batch_alter_table("usersync_membership", schema=None) as batch_op:
        batch_op.drop_index(
            "usersync_membership_by_hand",
            sqlite_where=sa.text("reason <> ''"),
            postgresql_where=sa.text("reason <> ''"),
        )
        batch_op.drop_index(batch_op.f("ix_usersync_membership_account_id"))

    op.drop_table("usersync_membership")
    with op.batch_alter_table("usersync_identity", schema=None) as batch_op:
        batch_op.drop_index(
            "usersync_identity_user_name",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("usersync_identity_tombstone")
        batch_op.drop_index(
            "usersync_identity_proposed",
            sqlite_where=sa.text("state = 'proposed' AND deleted_at IS NULL"),
            postgresql_where=sa.text("state = 'proposed' AND deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "usersync_identity_live",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("usersync_identity_full_name")
        batch_op.drop_index(
            "usersync_identity_external_id",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.drop_table("usersync_identity")
    with op.batch_alter_table("usersync_group", schema=None) as batch_op:
        batch_op.drop_index("usersync_group_name")
        batch_op.drop_index("usersync_group_external_id")

    op.drop_table("usersync_group")
    with op.batch_alter_table("usersync_grant", schema=None) as batch_op:
        batch_op.drop_index("usersync_grant_source")
        batch_op.drop_index("usersync_grant_group")

    op.drop_table("usersync_grant")
    with op.batch_alter_table("usersync_directory_nesting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_directory_nesting_child_id"))

    op.drop_table("usersync_directory_nesting")
    op.drop_table("usersync_value")
    op.drop_table("usersync_source")
    op.drop_table("usersync_outbox")
    with op.batch_alter_table("usersync_journal", schema=None) as batch_op:
        batch_op.drop_index("usersync_journal_window")
        batch_op.drop_index("usersync_journal_source")
        batch_op.drop_index(
            "usersync_journal_group",
            sqlite_where=sa.text("group_key IS NOT NULL"),
            postgresql_where=sa.text("group_key IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_usersync_journal_identity_id"))
        batch_op.drop_index(batch_op.f("ix_usersync_journal_account_key"))

    op.drop_table("usersync_journal")
    op.drop_table("usersync_directory_group")
    with op.batch_alter_table("usersync_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usersync_account_full_name_key"))
        batch_op.drop_index(batch_op.f("ix_usersync_account_email_key"))

    op.drop_table("usersync_account")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION usersync_journal_is_append_only()")
