"""domains"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
WHEN = sa.DateTime(timezone=True)
DUE = {
    "postgresql_where": sa.text("due_at IS NOT NULL"),
    "sqlite_where": sa.text("due_at IS NOT NULL"),
}


def upgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("domain_token", sa.String(length=64), nullable=True))

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remarks", JSON, nullable=True))

    with op.batch_alter_table("domains", schema=None) as batch_op:
        batch_op.add_column(sa.Column("since", WHEN, nullable=True))
        batch_op.add_column(
            sa.Column("vouched", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
        batch_op.add_column(sa.Column("share_token", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("report", JSON, nullable=True))
        batch_op.add_column(sa.Column("review", JSON, nullable=True))
        batch_op.add_column(sa.Column("checked_at", WHEN, nullable=True))
        batch_op.add_column(sa.Column("due_at", WHEN, nullable=True))
        batch_op.add_column(
            sa.Column("checks", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.create_unique_constraint("uq_domains_share_token", ["share_token"])
        batch_op.create_index("ix_domains_due_at", ["due_at"], unique=False, **DUE)

    # Until now a domain was verified by an operator's word alone.
    op.execute("UPDATE domains SET vouched = true, since = verified_at WHERE status = 'verified'")

    op.create_table(
        "domain_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain_id", sa.Uuid(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["domains.id"],
            name="fk_domain_changes_domain_id_domains",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_domain_changes"),
    )
    with op.batch_alter_table("domain_changes", schema=None) as batch_op:
        batch_op.create_index("ix_domain_changes_domain_id", ["domain_id"], unique=False)

    op.create_table(
        "identities",
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("mail_from", sa.String(length=253), nullable=False),
        sa.Column("dkim_tokens", JSON, nullable=False),
        sa.Column("hosted_zone", sa.String(length=253), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("wanted_at", WHEN, nullable=True),
        sa.Column("unwanted_since", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_identities"),
    )

    op.create_table(
        "domain_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_domain_rules_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_domain_rules"),
    )
    with op.batch_alter_table("domain_rules", schema=None) as batch_op:
        batch_op.create_index("ix_domain_rules_name", ["name"], unique=False)

    op.create_table(
        "domain_consents",
        sa.Column("domain_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["domains.id"],
            name="fk_domain_consents_domain_id_domains",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_domain_consents_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("domain_id", "account_id", name="pk_domain_consents"),
    )


def downgrade() -> None:
    op.drop_table("domain_consents")
    with op.batch_alter_table("domain_rules", schema=None) as batch_op:
        batch_op.drop_index("ix_domain_rules_name")

    op.drop_table("domain_rules")
    op.drop_table("identities")
    with op.batch_alter_table("domain_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_domain_changes_domain_id")

    op.drop_table("domain_changes")
    with op.batch_alter_table("domains", schema=None) as batch_op:
        batch_op.drop_index("ix_domains_due_at")
        batch_op.drop_constraint("uq_domains_share_token", type_="unique")
        for name in (
            "checks", "due_at", "checked_at", "review", "report", "share_token", "vouched", "since",
        ):
            batch_op.drop_column(name)

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_column("remarks")

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("domain_token")
