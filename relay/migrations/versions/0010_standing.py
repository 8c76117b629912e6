"""What was done to accounts and sites, by whom and why.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), 'postgresql')

# The audit log is append-only as the consent ledger is (0006): the database refuses the rest.
APPEND_ONLY_POSTGRESQL = (
    """
    CREATE FUNCTION actions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is append-only: no % on %', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    'CREATE TRIGGER actions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON actions '
    'FOR EACH STATEMENT EXECUTE FUNCTION actions_append_only()',
    'ALTER TABLE actions ENABLE ALWAYS TRIGGER actions_append_only',
)
APPEND_ONLY_SQLITE = tuple(
    f'CREATE TRIGGER actions_no_{action.lower()} BEFORE {action} ON actions {when} '
    f"BEGIN SELECT RAISE(ABORT, 'the audit log is append-only: no {action}'); END"
    for action, when in (
        ('UPDATE', ''),
        ('DELETE', ''),
        ('INSERT', 'WHEN EXISTS (SELECT 1 FROM actions WHERE id = NEW.id)'),
    )
)


def upgrade() -> None:
    """Create the audit log, and the columns that say what a state is about."""
    op.create_table(
        'actions',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('at', WHEN, nullable=False),
        sa.Column('actor', sa.String(length=100), nullable=False),
        sa.Column('verb', sa.String(length=32), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('site_id', sa.Uuid(), nullable=True),
        sa.Column('cause', sa.String(length=32), nullable=True),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('before', JSON, nullable=False),
        sa.Column('after', JSON, nullable=False),
        sa.Column('evidence', JSON, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_actions')),
    )
    op.create_index('ix_actions_account_id_id', 'actions', ['account_id', 'id'])
    op.create_index('ix_actions_site_id_id', 'actions', ['site_id', 'id'])
    for table in ('accounts', 'sites'):
        op.add_column(table, sa.Column('cause', sa.String(length=32), nullable=True))
        op.add_column(table, sa.Column('state_since', WHEN, nullable=True))
        op.add_column(table, sa.Column('reinstated_at', WHEN, nullable=True))
    op.add_column('reviews', sa.Column('lane', sa.String(length=32), nullable=True))
    op.add_column('reviews', sa.Column('drip', sa.Integer(), nullable=True))
    op.add_column(
        'reviews', sa.Column('dripped', sa.Integer(), server_default='0', nullable=False)
    )
    is_postgresql = op.get_bind().dialect.name == 'postgresql'
    for statement in APPEND_ONLY_POSTGRESQL if is_postgresql else APPEND_ONLY_SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.drop_table('actions')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION actions_append_only()')
    with op.batch_alter_table('reviews') as batch_op:
        for column in ('lane', 'drip', 'dripped'):
            batch_op.drop_column(column)
    for table in ('accounts', 'sites'):
        with op.batch_alter_table(table) as batch_op:
            for column in ('cause', 'state_since', 'reinstated_at'):
                batch_op.drop_column(column)
