"""bounces"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
WHEN = sa.DateTime(timezone=True)
OPEN = {
    "postgresql_where": sa.text("ended_at IS NULL"),
    "sqlite_where": sa.text("ended_at IS NULL"),
}


def upgrade() -> None:
    op.create_table(
        "address_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("began_at", WHEN, nullable=False),
        sa.Column("probe_at", WHEN, nullable=False),
        sa.Column("probed_at", WHEN, nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("ending", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_address_holds_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_address_holds"),
    )
    with op.batch_alter_table("address_holds", schema=None) as batch_op:
        batch_op.create_index(
            "uq_address_holds_site_id_address_key_kind",
            ["site_id", "address_key", "kind"],
            unique=True,
            **OPEN,
        )
        batch_op.create_index(
            "ix_address_holds_site_id_address_key", ["site_id", "address_key"], unique=False
        )
        batch_op.create_index("ix_address_holds_due", ["probe_at"], unique=False, **OPEN)

    op.create_table(
        "unknown_addresses",
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("since", WHEN, nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.PrimaryKeyConstraint("address_key", name="pk_unknown_addresses"),
    )
    op.create_table(
        "confirmations",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_confirmations_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "address_key", name="pk_confirmations"),
    )
    op.create_table(
        "receiving_domains",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("mx", JSON, nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=True),
        sa.Column("zone", sa.String(length=253), nullable=True),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("due_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_receiving_domains"),
    )
    with op.batch_alter_table("receiving_domains", schema=None) as batch_op:
        batch_op.create_index("ix_receiving_domains_due_at", ["due_at"], unique=False)
        batch_op.create_index("ix_receiving_domains_gateway", ["gateway"], unique=False)

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ending", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("provider_due_at", WHEN, nullable=True))
        batch_op.create_index(
            "ix_suppressions_provider_due_at",
            ["provider_due_at"],
            unique=False,
            postgresql_where=sa.text("provider_due_at IS NOT NULL"),
            sqlite_where=sa.text("provider_due_at IS NOT NULL"),
        )
    with op.batch_alter_table("recipients", schema=None) as batch_op:
        batch_op.create_index("ix_recipients_address_key", ["address_key"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("recipients", schema=None) as batch_op:
        batch_op.drop_index("ix_recipients_address_key")
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_index("ix_suppressions_provider_due_at")
        batch_op.drop_column("provider_due_at")
        batch_op.drop_column("ending")
    op.drop_table("receiving_domains")
    op.drop_table("confirmations")
    op.drop_table("unknown_addresses")
    op.drop_table("address_holds")
