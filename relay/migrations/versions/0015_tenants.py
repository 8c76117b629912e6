"""Accounts as tenants of Amazon SES.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'
)


def upgrade() -> None:
    """Create the tables of tenants and of what belongs to them."""
    op.create_table(
        'tenants',
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('arn', sa.String(length=300), nullable=True),
        sa.Column('policy', sa.String(length=32), nullable=True),
        sa.Column('configuration_set', sa.String(length=64), nullable=True),
        sa.Column('told', sa.String(length=32), nullable=False),
        sa.Column('told_at', WHEN, nullable=False),
        sa.Column('theirs', sa.String(length=32), nullable=False),
        sa.Column('status', sa.String(length=32), nullable=False),
        sa.Column('cause', sa.String(length=512), nullable=False),
        sa.Column('impact', sa.String(length=16), nullable=True),
        sa.Column('findings', JSON, nullable=False),
        sa.Column('warned', JSON, nullable=False),
        sa.Column('created_at', WHEN, nullable=False),
        sa.Column('synced_at', WHEN, nullable=True),
        sa.Column('due_at', WHEN, nullable=False),
        sa.Column('taken_until', WHEN, nullable=True),
        sa.Column('tried_at', WHEN, nullable=True),
        sa.Column('tries', sa.SmallInteger(), nullable=False),
        sa.Column('trouble', sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['accounts.id'], name=op.f('fk_tenants_account_id_accounts')
        ),
        sa.PrimaryKeyConstraint('account_id', name=op.f('pk_tenants')),
        sa.UniqueConstraint('name', name=op.f('uq_tenants_name')),
    )
    op.create_table(
        'tenant_domains',
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.String(length=253), nullable=False),
        sa.ForeignKeyConstraint(
            ['account_id'], ['tenants.account_id'], ondelete='CASCADE',
            name=op.f('fk_tenant_domains_account_id_tenants'),
        ),
        sa.PrimaryKeyConstraint('account_id', 'name', name=op.f('pk_tenant_domains')),
    )


def downgrade() -> None:
    """Drop them. The tenants stay at Amazon SES; mail is sent under none of them any more."""
    op.drop_table('tenant_domains')
    op.drop_table('tenants')
