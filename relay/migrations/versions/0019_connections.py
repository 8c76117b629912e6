"""Sites on their way to a key of their own, and accounts that somebody has asked for.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        'site_connections',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('at', WHEN, nullable=False),
        sa.Column('site_url', sa.String(length=500), nullable=False),
        sa.Column('site_name', sa.String(length=200), nullable=False),
        sa.Column('return_url', sa.String(length=1000), nullable=False),
        sa.Column('state', sa.String(length=200), nullable=False),
        sa.Column('challenge', sa.String(length=43), nullable=False),
        sa.Column('sender', sa.String(length=254), nullable=True),
        sa.Column('plugin', sa.String(length=32), nullable=False),
        sa.Column('language', sa.String(length=16), nullable=False),
        sa.Column('address', sa.String(length=254), nullable=False),
        sa.Column('browser', sa.String(length=64), nullable=False),
        sa.Column('mailbox', sa.String(length=64), nullable=False),
        sa.Column('ip', sa.String(length=64), nullable=True),
        sa.Column('network', sa.String(length=64), nullable=True),
        sa.Column('sent', sa.Boolean(), nullable=False),
        sa.Column('token_digest', sa.String(length=64), nullable=False),
        sa.Column('number_digest', sa.String(length=64), nullable=False),
        sa.Column('tries', sa.SmallInteger(), nullable=False),
        sa.Column('used_at', WHEN, nullable=True),
        sa.Column('account_id', sa.Uuid(), nullable=True),
        sa.Column('site_id', sa.Uuid(), nullable=True),
        sa.Column('domain', sa.String(length=253), nullable=True),
        sa.Column('ends_other_keys', sa.Boolean(), nullable=False),
        sa.Column('code_digest', sa.String(length=64), nullable=True),
        sa.Column('code_ends_at', WHEN, nullable=True),
        sa.Column('exchanged_at', WHEN, nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_site_connections')),
        sa.UniqueConstraint('token_digest', name=op.f('uq_site_connections_token_digest')),
        sa.UniqueConstraint('code_digest', name=op.f('uq_site_connections_code_digest')),
    )
    op.create_index('ix_site_connections_at', 'site_connections', ['at'])
    op.create_index('ix_site_connections_browser', 'site_connections', ['browser'])
    for column in ('ip', 'network', 'mailbox', 'account_id'):
        op.create_index(f'ix_site_connections_{column}_at', 'site_connections', [column, 'at'])
    op.create_table(
        'account_requests',
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('at', WHEN, nullable=False),
        sa.Column('site_url', sa.String(length=500), nullable=False),
        sa.Column('expected_daily', sa.Integer(), nullable=False),
        sa.Column('purpose', sa.String(length=1000), nullable=False),
        sa.Column('network', sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['accounts.id'], name=op.f('fk_account_requests_account_id_accounts')
        ),
        sa.PrimaryKeyConstraint('account_id', name=op.f('pk_account_requests')),
    )
    op.create_index('ix_account_requests_network_at', 'account_requests', ['network', 'at'])


def downgrade() -> None:
    """Drop them."""
    op.drop_table('account_requests')
    op.drop_table('site_connections')
