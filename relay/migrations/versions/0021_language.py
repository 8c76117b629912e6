"""The language in which an account's owner is written to.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; owners there are were written to in English."""
    op.add_column(
        'accounts',
        sa.Column('language', sa.String(length=16), server_default='en', nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table('accounts') as table:
        table.drop_column('language')
