"""A lease changes no indexed column, and one index finds a person's copies.

PostgreSQL then writes a lease into the row's own page and into no index (a HOT update), where the page
has room: new pages keep a tenth free. Workers of the release before go on leasing by the stage; what
they leave behind returns into the queue as before.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the lease's end, merge two indexes, leave room in new pages."""
    op.add_column(
        'recipients', sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index('ix_recipients_address_key_site_id', 'recipients', ['address_key', 'site_id'])
    op.drop_index('ix_recipients_address_key', table_name='recipients')
    op.drop_index('ix_recipients_site_id_address_key', table_name='recipients')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE recipients SET (fillfactor = 90)')


def downgrade() -> None:
    """Put back the two indexes; copies that are leased are queued."""
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE recipients RESET (fillfactor)')
    op.create_index('ix_recipients_site_id_address_key', 'recipients', ['site_id', 'address_key'])
    op.create_index('ix_recipients_address_key', 'recipients', ['address_key'])
    op.drop_index('ix_recipients_address_key_site_id', table_name='recipients')
    with op.batch_alter_table('recipients') as recipients:
        recipients.drop_column('leased_until')
