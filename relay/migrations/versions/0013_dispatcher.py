"""One budget for all workers, turns between sites, paces of receiving gateways, copies sent too late.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

DETAILS = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'
)

QUEUED = sa.text("stage = 'queued'")
APART = sa.text("stage IN ('held', 'checking', 'waiting')")


def upgrade() -> None:
    """Extend the budget, add the tables, and index the queue by whose turn it is."""
    with op.batch_alter_table('sending_budgets') as budgets:
        for column in (
            sa.Column('rate_now', sa.Float(), nullable=True),
            sa.Column('tokens', sa.Float(), server_default='0', nullable=False),
            sa.Column('lower_tokens', sa.Float(), server_default='0', nullable=False),
            sa.Column('filled_at', sa.DateTime(timezone=True), nullable=True),
            sa.Column('throttled_at', sa.DateTime(timezone=True), nullable=True),
            sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
            sa.Column('held_code', sa.String(length=64), nullable=True),
            sa.Column('taken', sa.BigInteger(), server_default='0', nullable=False),
            sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
            sa.Column('lanes', DETAILS, server_default='{}', nullable=False),
            sa.Column('backlog', DETAILS, server_default='{}', nullable=False),
            sa.Column('measured_at', sa.DateTime(timezone=True), nullable=True),
        ):
            budgets.add_column(column)
    op.create_table(
        'sending_paces',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('gateway', sa.String(length=253), nullable=False),
        sa.Column('rate', sa.Float(), nullable=False),
        sa.Column('next_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('slowed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('refused_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('site_id', 'gateway', name=op.f('pk_sending_paces')),
    )
    op.create_table(
        'expiries',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('lane_rank', sa.SmallInteger(), nullable=False),
        sa.Column('cause', sa.String(length=64), nullable=False),
        sa.Column('copies', sa.Integer(), nullable=False),
        sa.Column('first_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('site_id', 'lane_rank', 'cause', name=op.f('pk_expiries')),
    )
    op.create_index(
        'ix_recipients_turns', 'recipients', ['lane_rank', 'site_id', 'due_at'],
        postgresql_where=QUEUED, sqlite_where=QUEUED,
    )
    op.create_index(
        'ix_recipients_apart', 'recipients', ['stage', 'site_id'],
        postgresql_where=APART, sqlite_where=APART,
    )
    op.drop_index('ix_recipients_waiting', table_name='recipients')


def downgrade() -> None:
    """Put back the queue's old index, and drop the rest."""
    op.create_index(
        'ix_recipients_waiting', 'recipients', ['lane_rank', 'due_at'],
        postgresql_where=QUEUED, sqlite_where=QUEUED,
    )
    op.drop_index('ix_recipients_apart', table_name='recipients')
    op.drop_index('ix_recipients_turns', table_name='recipients')
    op.drop_table('expiries')
    op.drop_table('sending_paces')
    with op.batch_alter_table('sending_budgets') as budgets:
        for name in (
            'measured_at', 'backlog', 'lanes', 'asked_at', 'taken', 'held_code', 'held_until',
            'throttled_at', 'filled_at', 'lower_tokens', 'tokens', 'rate_now',
        ):
            budgets.drop_column(name)
