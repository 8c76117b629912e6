"""Signals of abuse: reports as cases, feedback reports, networks of keys, hosts that links lead to.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), 'postgresql')
OPEN = sa.text('decision IS NULL')


def upgrade() -> None:
    """Add the columns of cases and evidence, and the tables of what is noticed."""
    for name, kind, default in (
        ('origin', sa.String(length=32), 'page'),
        ('severity', sa.String(length=32), 'minor'),
    ):
        op.add_column(
            'abuse_reports', sa.Column(name, kind, server_default=default, nullable=False)
        )
    for column in (
        sa.Column('consent', JSON, nullable=True),
        sa.Column('decision', sa.String(length=32), nullable=True),
        sa.Column('decided_at', WHEN, nullable=True),
        sa.Column('decided_by', sa.String(length=100), nullable=True),
        sa.Column('because', sa.Text(), nullable=True),
    ):
        op.add_column('abuse_reports', column)
    op.execute("UPDATE abuse_reports SET severity = 'fraud' WHERE reason = 'fraud'")
    op.create_index(
        'ix_abuse_reports_open', 'abuse_reports', ['at'], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_table(
        'feedback_reports',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('type', sa.String(length=32), nullable=False),
        sa.Column('at', WHEN, nullable=False),
        sa.Column('site_id', sa.Uuid(), nullable=True),
        sa.Column('recipient_id', sa.Uuid(), nullable=True),
        sa.Column('report_id', sa.Uuid(), nullable=True),
        sa.Column('told', JSON, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_feedback_reports')),
        sa.UniqueConstraint('digest', name=op.f('uq_feedback_reports_digest')),
    )
    op.create_index('ix_feedback_reports_at', 'feedback_reports', ['at'])
    op.create_table(
        'key_networks',
        sa.Column('key_id', sa.Uuid(), nullable=False),
        sa.Column('network', sa.String(length=64), nullable=False),
        sa.Column('first_seen_at', WHEN, nullable=False),
        sa.Column('last_seen_at', WHEN, nullable=False),
        sa.PrimaryKeyConstraint('key_id', 'network', name=op.f('pk_key_networks')),
    )
    op.create_index('ix_key_networks_last_seen_at', 'key_networks', ['last_seen_at'])
    op.create_table(
        'link_hosts',
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('host', sa.String(length=253), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('first_seen_at', WHEN, nullable=False),
        sa.Column('last_seen_at', WHEN, nullable=False),
        sa.Column('mails', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('site_id', 'host', name=op.f('pk_link_hosts')),
    )
    op.create_index('ix_link_hosts_host_last_seen_at', 'link_hosts', ['host', 'last_seen_at'])
    op.create_index('ix_link_hosts_account_id', 'link_hosts', ['account_id'])
    op.create_index('ix_link_hosts_last_seen_at', 'link_hosts', ['last_seen_at'])
    op.create_table(
        'link_wordings',
        sa.Column('host', sa.String(length=253), nullable=False),
        sa.Column('wording', sa.String(length=64), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('seen_at', WHEN, nullable=False),
        sa.PrimaryKeyConstraint('host', 'wording', 'account_id', name=op.f('pk_link_wordings')),
    )
    op.create_index('ix_link_wordings_seen_at', 'link_wordings', ['seen_at'])
    op.add_column('reviews', sa.Column('evidence', JSON, nullable=True))


def downgrade() -> None:
    """Drop them. Reviews of kinds that the release before does not know become one that it knows, so that
    their mail can still be decided about."""
    op.execute(
        "UPDATE reviews SET kind = 'campaign-in-disguise' "
        "WHERE kind IN ('new-network', 'look-alike-link', 'shared-link')"
    )
    with op.batch_alter_table('reviews') as batch_op:
        batch_op.drop_column('evidence')
    for name in ('link_wordings', 'link_hosts', 'key_networks', 'feedback_reports'):
        op.drop_table(name)
    op.drop_index('ix_abuse_reports_open', 'abuse_reports')
    with op.batch_alter_table('abuse_reports') as batch_op:
        for name in (
            'because', 'decided_by', 'decided_at', 'decision', 'consent', 'severity', 'origin',
        ):  # fmt: skip
            batch_op.drop_column(name)
