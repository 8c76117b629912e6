"""What is reported of mail is counted by the hour and judged; streams have a standing of their own.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), 'postgresql')
DUE = sa.text('due_at IS NOT NULL')

COUNTED = (
    'sent', 'ended', 'delivered', 'heard', 'invalid', 'permanent', 'complaints', 'unheard', 'spam',
    'left',
)


def upgrade() -> None:
    """Create the tables and columns. What was reported before is not counted: rates begin anew."""
    op.create_table(
        'tallies',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('stream', sa.String(length=32), nullable=False),
        sa.Column('dimension', sa.String(length=32), nullable=False),
        sa.Column('value', sa.String(length=253), nullable=False),
        sa.Column('hour', WHEN, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTED),
        sa.PrimaryKeyConstraint(
            'site_id', 'stream', 'dimension', 'value', 'hour', name=op.f('pk_tallies')
        ),
    )
    op.create_index('ix_tallies_dimension_hour', 'tallies', ['dimension', 'hour'])
    op.create_table(
        'pulses',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('stream', sa.String(length=32), nullable=False),
        sa.Column('recent', JSON, nullable=False),
        sa.Column('delivered', sa.BigInteger(), nullable=False),
        sa.Column('since', WHEN, nullable=True),
        sa.Column('sources', JSON, nullable=True),
        sa.Column('news_at', WHEN, nullable=True),
        sa.Column('due_at', WHEN, nullable=True),
        sa.Column('clean_since', WHEN, nullable=True),
        sa.PrimaryKeyConstraint('site_id', 'stream', name=op.f('pk_pulses')),
    )
    op.create_index(
        'ix_pulses_due_at', 'pulses', ['due_at'], postgresql_where=DUE, sqlite_where=DUE
    )
    op.add_column('sites', sa.Column('streams', JSON, nullable=True))
    op.add_column('sites', sa.Column('streams_since', WHEN, nullable=True))
    op.add_column('sites', sa.Column('slowed_until', WHEN, nullable=True))
    op.add_column('actions', sa.Column('stream', sa.String(length=32), nullable=True))
    # Counting begins with the events that come from now on.
    op.execute(
        "INSERT INTO counters (name, value) SELECT 'events tallied', value FROM counters "
        "WHERE name = 'events'"
    )


def downgrade() -> None:
    """Drop them."""
    op.execute("DELETE FROM counters WHERE name = 'events tallied'")
    op.drop_table('pulses')
    op.drop_table('tallies')
    op.drop_column('actions', 'stream')
    with op.batch_alter_table('sites') as batch_op:
        for column in ('streams', 'streams_since', 'slowed_until'):
            batch_op.drop_column(column)
