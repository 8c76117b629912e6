"""How many people it never mailed a site may write to in an hour.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table('sites') as batch_op:
        batch_op.add_column(
            sa.Column('first_contacts_earned', sa.Integer(), server_default='20', nullable=False)
        )
        batch_op.add_column(sa.Column('first_contacts_set', sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table('sites') as batch_op:
        batch_op.drop_column('first_contacts_set')
        batch_op.drop_column('first_contacts_earned')
