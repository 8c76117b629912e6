"""The copies of a site that are held or have not arrived, newest message first.

PostgreSQL holds writes to the table while it makes the index: some seconds for a million copies.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

AMISS = sa.text(
    "(stage = 'held' OR outcome IN ('suppressed', 'expired', 'failed', 'unconfirmed', 'soft_bounced',"
    " 'rejected', 'render_failed', 'bounced', 'complained'))"
)


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        'ix_recipients_amiss',
        'recipients',
        ['site_id', 'message_id'],
        postgresql_where=AMISS,
        sqlite_where=AMISS,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index('ix_recipients_amiss', table_name='recipients')
