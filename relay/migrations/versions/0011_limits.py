"""What accounts and sites may have accepted, and how much of it is used.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')


def upgrade() -> None:
    """Add the columns and the tables of counts."""
    with op.batch_alter_table('accounts') as batch_op:
        batch_op.add_column(
            sa.Column('plan', sa.String(length=32), server_default='standard', nullable=False)
        )
        batch_op.add_column(sa.Column('limits', JSON, nullable=True))
    with op.batch_alter_table('sites') as batch_op:
        batch_op.add_column(
            sa.Column('declared_daily', sa.Integer(), server_default='500', nullable=False)
        )
        batch_op.add_column(sa.Column('limits', JSON, nullable=True))
    op.create_table(
        'site_counts',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('second_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('second_used', sa.Integer(), nullable=False),
        sa.Column('hour_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('hour_used', sa.Integer(), nullable=False),
        sa.Column('day_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('day_used', sa.Integer(), nullable=False),
        sa.Column('day_before_used', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('site_id', name=op.f('pk_site_counts')),
    )
    op.create_index('ix_site_counts_account_id', 'site_counts', ['account_id'])
    op.create_table(
        'source_counts',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('source', sa.String(length=201), nullable=False),
        sa.Column('hour_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('hour_used', sa.Integer(), nullable=False),
        sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('open_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('openings', sa.SmallInteger(), server_default='0', nullable=False),
        sa.PrimaryKeyConstraint('site_id', 'source', name=op.f('pk_source_counts')),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table('source_counts')
    op.drop_index('ix_site_counts_account_id', table_name='site_counts')
    op.drop_table('site_counts')
    with op.batch_alter_table('sites') as batch_op:
        batch_op.drop_column('limits')
        batch_op.drop_column('declared_daily')
    with op.batch_alter_table('accounts') as batch_op:
        batch_op.drop_column('limits')
        batch_op.drop_column('plan')
