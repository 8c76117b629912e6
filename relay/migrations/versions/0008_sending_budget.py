"""What the provider lets all workers send together.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        'sending_budgets',
        sa.Column('provider', sa.String(length=32), nullable=False),
        sa.Column('rate', sa.Float(), nullable=True),
        sa.Column('per_day', sa.BigInteger(), nullable=True),
        sa.Column('sent_day', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('learned_at', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('provider', name=op.f('pk_sending_budgets')),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table('sending_budgets')
