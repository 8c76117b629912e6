"""Keys of operators, appeals, the policy that accounts accept, and domains that were given up.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
IN_USE = sa.text('revoked_at IS NULL')
OPEN = sa.text('decision IS NULL')


def upgrade() -> None:
    """Create the tables, and the columns of accounts and reviews."""
    op.create_table(
        'operators',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.String(length=80), nullable=False),
        sa.Column('prefix', sa.String(length=32), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('created_at', WHEN, nullable=False),
        sa.Column('last_used_at', WHEN, nullable=True),
        sa.Column('revoked_at', WHEN, nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_operators')),
        sa.UniqueConstraint('prefix', name=op.f('uq_operators_prefix')),
    )
    op.create_index(
        'uq_operators_name_in_use', 'operators', ['name'], unique=True,
        postgresql_where=IN_USE, sqlite_where=IN_USE,
    )
    op.create_table(
        'appeals',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('site_id', sa.Uuid(), nullable=True),
        sa.Column('action_id', sa.Uuid(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('at', WHEN, nullable=False),
        sa.Column('answer_by', WHEN, nullable=False),
        sa.Column('decision', sa.String(length=32), nullable=True),
        sa.Column('decided_at', WHEN, nullable=True),
        sa.Column('decided_by', sa.String(length=100), nullable=True),
        sa.Column('answer', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['accounts.id'], name=op.f('fk_appeals_account_id_accounts')
        ),
        sa.ForeignKeyConstraint(
            ['site_id'], ['sites.id'], name=op.f('fk_appeals_site_id_sites')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_appeals')),
    )
    op.create_index('ix_appeals_account_id_id', 'appeals', ['account_id', 'id'])
    op.create_index(
        'ix_appeals_open', 'appeals', ['at'], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_index(
        'uq_appeals_open_action_id', 'appeals', ['action_id'], unique=True,
        postgresql_where=OPEN, sqlite_where=OPEN,
    )
    op.create_table(
        'former_domains',
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.String(length=253), nullable=False),
        sa.Column('ended_at', WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ['account_id'], ['accounts.id'], name=op.f('fk_former_domains_account_id_accounts')
        ),
        sa.PrimaryKeyConstraint('account_id', 'name', name=op.f('pk_former_domains')),
    )
    op.create_index('ix_former_domains_name', 'former_domains', ['name'])
    for column in (
        sa.Column('policy_version', sa.String(length=32), nullable=True),
        sa.Column('policy_accepted_at', WHEN, nullable=True),
        sa.Column('policy_accepted_by', sa.String(length=100), nullable=True),
    ):
        op.add_column('accounts', column)
    op.add_column('reviews', sa.Column('decided_by', sa.String(length=100), nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table('reviews') as reviews:
        reviews.drop_column('decided_by')
    with op.batch_alter_table('accounts') as accounts:
        for name in ('policy_accepted_by', 'policy_accepted_at', 'policy_version'):
            accounts.drop_column(name)
    op.drop_table('former_domains')
    op.drop_table('appeals')
    op.drop_table('operators')
