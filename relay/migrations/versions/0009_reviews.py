"""Mail that is held for review, and the wording of mail.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
CHECKING, HELD, OPEN = (
    sa.text(where) for where in ("stage = 'checking'", "stage = 'held'", 'decision IS NULL')
)


def upgrade() -> None:
    """Create the tables, and the column that names a copy's review."""
    op.create_table(
        'reviews',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('kind', sa.String(length=32), nullable=False),
        sa.Column('wording', sa.String(length=64), nullable=True),
        sa.Column('subject', sa.String(length=500), nullable=False),
        sa.Column('message_id', sa.Uuid(), nullable=False),
        sa.Column('people', sa.Integer(), nullable=False),
        sa.Column('opened_at', WHEN, nullable=False),
        sa.Column('told_at', WHEN, nullable=True),
        sa.Column('decision', sa.String(length=32), nullable=True),
        sa.Column('decided_at', WHEN, nullable=True),
        sa.Column('because', sa.Text(), nullable=True),
        sa.Column('until', WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['accounts.id'], name=op.f('fk_reviews_account_id_accounts')
        ),
        sa.ForeignKeyConstraint(
            ['site_id'], ['sites.id'], name=op.f('fk_reviews_site_id_sites')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_reviews')),
    )
    op.create_index('ix_reviews_site_id_wording', 'reviews', ['site_id', 'wording'])
    op.create_index(
        'ix_reviews_open', 'reviews', ['opened_at'], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_table(
        'wordings',
        sa.Column('message_id', sa.Uuid(), nullable=False),
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('wording', sa.String(length=64), nullable=False),
        sa.Column('accepted_at', WHEN, nullable=False),
        sa.PrimaryKeyConstraint('message_id', name=op.f('pk_wordings')),
    )
    op.create_index(
        'ix_wordings_site_id_wording_accepted_at', 'wordings', ['site_id', 'wording', 'accepted_at']
    )
    op.create_index('ix_wordings_accepted_at', 'wordings', ['accepted_at'])
    op.add_column('recipients', sa.Column('review_id', sa.Uuid(), nullable=True))
    op.create_index(
        'ix_recipients_checking', 'recipients', ['id'],
        postgresql_where=CHECKING, sqlite_where=CHECKING,
    )
    op.create_index(
        'ix_recipients_held', 'recipients', ['review_id', 'id'],
        postgresql_where=HELD, sqlite_where=HELD,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index('ix_recipients_held', table_name='recipients')
    op.drop_index('ix_recipients_checking', table_name='recipients')
    with op.batch_alter_table('recipients') as batch_op:
        batch_op.drop_column('review_id')
    op.drop_table('wordings')
    op.drop_table('reviews')
