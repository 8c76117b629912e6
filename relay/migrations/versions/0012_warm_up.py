"""Promotional mail waits for its allowance: ramps, sendings, and the copies that go first.

Sites and domains with a history begin with half as much again as the site's best day of the last 40,
whatever the stream, and lists that were mailed before need no canary for being new.

Revision ID: 0012
Revises: 0011
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from alembic import op
from publicsuffixlist import PublicSuffixList
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

AT_FIRST = 50
WAITING = sa.text("stage = 'waiting'")
DUE = sa.text('due_at IS NOT NULL')


def upgrade() -> None:
    """Create the tables and the column; write down what the sites have done so far."""
    op.create_table(
        'ramps',
        sa.Column('id', sa.String(length=280), nullable=False),
        sa.Column('per_day', sa.Integer(), nullable=False),
        sa.Column('clean_days', sa.Integer(), nullable=False),
        sa.Column('halved', sa.Boolean(), nullable=False),
        sa.Column('judged_day', sa.DateTime(timezone=True), nullable=True),
        sa.Column('last_sent_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('hour_began', sa.DateTime(timezone=True), nullable=True),
        sa.Column('hour_people', sa.Integer(), nullable=False),
        sa.Column('day_began', sa.DateTime(timezone=True), nullable=True),
        sa.Column('day_people', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_ramps')),
    )
    op.create_table(
        'sendings',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('site_id', sa.Uuid(), nullable=False),
        sa.Column('list_id', sa.Uuid(), nullable=True),
        sa.Column('lane_rank', sa.SmallInteger(), nullable=False),
        sa.Column('domain', sa.String(length=253), nullable=False),
        sa.Column('day', sa.DateTime(timezone=True), nullable=False),
        sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('accepted', sa.Integer(), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('waits', sa.String(length=32), nullable=True),
        sa.Column('canary', sa.String(length=32), nullable=True),
        sa.Column('canary_cause', sa.String(length=32), nullable=True),
        sa.Column('canary_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            'figures',
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), 'postgresql'
            ),
            nullable=True,
        ),
        sa.Column('review_id', sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_sendings')),
    )
    op.create_index('ix_sendings_site_id_day', 'sendings', ['site_id', 'day'])
    op.create_index('ix_sendings_list_id', 'sendings', ['list_id'])
    for name, column in (('ix_sendings_waiting', 'site_id'), ('ix_sendings_due_at', 'due_at')):
        op.create_index(name, 'sendings', [column], postgresql_where=DUE, sqlite_where=DUE)
    op.create_table(
        'canary_copies',
        sa.Column('recipient_id', sa.Uuid(), nullable=False),
        sa.Column('sending_id', sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint('recipient_id', name=op.f('pk_canary_copies')),
    )
    op.create_index('ix_canary_copies_sending_id', 'canary_copies', ['sending_id'])
    op.add_column('recipients', sa.Column('sending_id', sa.Uuid(), nullable=True))
    for name, columns in (
        ('ix_recipients_next_window', ['sending_id', 'id']),
        ('ix_recipients_waits_until', ['expires_at']),
    ):
        op.create_index(
            name, 'recipients', columns, postgresql_where=WAITING, sqlite_where=WAITING
        )
    _remember(op.get_bind(), datetime.now(UTC))


def _remember(connection: sa.Connection, now: datetime) -> None:
    """Give sites and domains with a history what they have earned by it."""
    moment = sa.DateTime(timezone=True)
    sites = sa.table('sites', sa.column('id', sa.Uuid), sa.column('account_id', sa.Uuid))
    usage = sa.table(
        'usage',
        sa.column('site_id', sa.Uuid),
        sa.column('window', sa.String),
        sa.column('began_at', moment),
        sa.column('recipients', sa.Integer),
    )
    domains = sa.table(
        'domains',
        sa.column('account_id', sa.Uuid),
        sa.column('name', sa.String),
        sa.column('status', sa.String),
    )
    best = connection.execute(
        sa.select(sites.c.id, sites.c.account_id, sa.func.max(usage.c.recipients))
        .join(usage, usage.c.site_id == sites.c.id)
        .where(usage.c.window == 'day', usage.c.began_at >= now - timedelta(days=40))
        .group_by(sites.c.id, sites.c.account_id)
    ).all()
    earned: dict[str, int] = {'young-sites': 0}
    of_account: dict[object, int] = {}
    for site, account, people in best:
        earned[f'site:{site}'] = people
        of_account[account] = max(of_account.get(account, 0), people)
    suffixes = PublicSuffixList()
    for account, name in connection.execute(
        sa.select(domains.c.account_id, domains.c.name).where(
            domains.c.status.in_(('verified', 'failing'))
        )
    ):
        if account in of_account:
            id = f'domain:{suffixes.privatesuffix(name) or name}'
            earned[id] = max(earned.get(id, 0), of_account[account])
    ramps = sa.table(
        'ramps',
        sa.column('id', sa.String),
        sa.column('per_day', sa.Integer),
        sa.column('clean_days', sa.Integer),
        sa.column('halved', sa.Boolean),
        sa.column('last_sent_at', moment),
        sa.column('hour_people', sa.Integer),
        sa.column('day_people', sa.Integer),
    )
    connection.execute(
        sa.insert(ramps),
        [
            {
                'id': id,
                'per_day': max(AT_FIRST, people * 3 // 2),
                'clean_days': 0,
                'halved': False,
                'last_sent_at': now,
                'hour_people': 0,
                'day_people': 0,
            }
            for id, people in sorted(earned.items())
        ],
    )
    _remember_sendings(connection, {site: people for site, _, people in best}, now)


def _remember_sendings(
    connection: sa.Connection, usual: dict[object, int], now: datetime
) -> None:
    """A sending of the past for each list that was mailed, and for what is usual of each site."""
    moment = sa.DateTime(timezone=True)
    messages = sa.table(
        'messages', sa.column('site_id', sa.Uuid), sa.column('list_id', sa.String)
    )
    sendings = sa.table(
        'sendings',
        sa.column('id', sa.Uuid),
        sa.column('site_id', sa.Uuid),
        sa.column('list_id', sa.Uuid),
        sa.column('lane_rank', sa.SmallInteger),
        sa.column('domain', sa.String),
        sa.column('day', moment),
        sa.column('began_at', moment),
        sa.column('last_at', moment),
        sa.column('accepted', sa.Integer),
    )
    lists = connection.execute(
        sa.select(messages.c.site_id, sa.cast(messages.c.list_id, sa.String))
        .where(messages.c.list_id.is_not(None))
        .distinct()
    ).all()
    yesterday = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    common = {
        'lane_rank': 3, 'domain': '', 'day': yesterday, 'began_at': yesterday, 'last_at': yesterday,
    }  # fmt: skip
    rows = [
        {'id': uuid4(), 'site_id': site, 'list_id': None, 'accepted': people} | common
        for site, people in usual.items()
    ] + [
        {'id': uuid4(), 'site_id': site, 'list_id': _uuid(key), 'accepted': 0} | common
        for site, key in lists
        if _uuid(key) is not None
    ]
    if rows:
        connection.execute(sa.insert(sendings), rows)


def _uuid(text: str) -> object:
    """The id of a list; None for what older releases wrote there."""
    try:
        return UUID(text)
    except ValueError:
        return None


def downgrade() -> None:
    """What waits goes into the queue, for the release before knows no other place for it."""
    op.execute("UPDATE recipients SET stage = 'queued' WHERE stage = 'waiting'")
    op.drop_index('ix_recipients_waits_until', 'recipients')
    op.drop_index('ix_recipients_next_window', 'recipients')
    with op.batch_alter_table('recipients') as batch_op:
        batch_op.drop_column('sending_id')
    for name in ('canary_copies', 'sendings', 'ramps'):
        op.drop_table(name)
