"""consent"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

# The ledger and its seals are append-only: the database itself refuses to change them. ENABLE ALWAYS
# keeps the triggers at work whatever session_replication_role says. On SQLite, REPLACE deletes
# without firing DELETE triggers, therefore the one before INSERT.
#
# A later migration that changes these tables must keep the triggers. PostgreSQL does by itself. On
# SQLite, batch mode copies the table and drops the old one *with its triggers*: create them anew
# at its end (copy APPEND_ONLY_SQLITE), and fill new columns by a server default, for UPDATE fails.

APPEND_ONLY_POSTGRESQL = (
    """
    CREATE FUNCTION consent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the consent ledger is append-only: no % on %', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    *(
        statement
        for table in ("consent_records", "consent_seals")
        for statement in (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION consent_append_only()",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only",
        )
    ),
)

APPEND_ONLY_SQLITE = tuple(
    f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {when} "
    f"BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only: no {action} on {table}'); END"
    for table, same in (
        ("consent_records", "id = NEW.id"),
        (
            "consent_seals",
            "(site_id = NEW.site_id AND number = NEW.number) OR record_id = NEW.record_id",
        ),
    )
    for action, when in (
        ("UPDATE", ""),
        ("DELETE", ""),
        ("INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"),
    )
)

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table('abuse_reports',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('list_id', sa.Uuid(), nullable=True),
    sa.Column('message_id', sa.Uuid(), nullable=True),
    sa.Column('address_key', sa.String(length=254), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('comment', sa.String(length=2000), nullable=False),
    sa.Column('evidence', JSON, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_abuse_reports'))
    )
    with op.batch_alter_table('abuse_reports', schema=None) as batch_op:
        batch_op.create_index('ix_abuse_reports_site_id_at', ['site_id', 'at'], unique=False)
        batch_op.create_index('uq_abuse_reports_site_id_address_key_message_id', ['site_id', 'address_key', 'message_id'], unique=True, postgresql_where=sa.text('message_id IS NOT NULL'), sqlite_where=sa.text('message_id IS NOT NULL'))

    op.create_table('consent_people',
    sa.Column('record_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('address_key', sa.String(length=254), nullable=False),
    sa.Column('fields', JSON, nullable=False),
    sa.Column('salt', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('record_id', name=op.f('pk_consent_people'))
    )
    with op.batch_alter_table('consent_people', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_people_address_key'), ['address_key'], unique=False)
        batch_op.create_index(batch_op.f('ix_consent_people_site_id'), ['site_id'], unique=False)

    op.create_table('consent_records',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('list_id', sa.Uuid(), nullable=True),
    sa.Column('subscription_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('person', sa.String(length=64), nullable=False),
    sa.Column('commitment', sa.String(length=64), nullable=False),
    sa.Column('key_version', sa.SmallInteger(), nullable=False),
    sa.Column('facts', JSON, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_records'))
    )
    with op.batch_alter_table('consent_records', schema=None) as batch_op:
        batch_op.create_index('ix_consent_records_site_id_id', ['site_id', 'id'], unique=False)
        batch_op.create_index('ix_consent_records_site_id_person', ['site_id', 'person'], unique=False)

    op.create_table('consent_seals',
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('record_id', sa.Uuid(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'number', name=op.f('pk_consent_seals')),
    sa.UniqueConstraint('record_id', name=op.f('uq_consent_seals_record_id'))
    )
    op.create_table('consent_unsealed',
    sa.Column('record_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('record_id', name=op.f('pk_consent_unsealed'))
    )
    op.create_table('erasures',
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('person', sa.String(length=64), nullable=False),
    sa.Column('key_version', sa.SmallInteger(), nullable=False),
    sa.Column('scope', sa.String(32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'person', name=op.f('pk_erasures'))
    )
    op.create_table('subscription_requests',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('list_id', sa.Uuid(), nullable=False),
    sa.Column('subscription_id', sa.Uuid(), nullable=True),
    sa.Column('mailbox', sa.String(length=64), nullable=False),
    sa.Column('form', sa.String(length=64), nullable=False),
    sa.Column('ip', sa.String(length=64), nullable=True),
    sa.Column('network', sa.String(length=64), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(32), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('source', JSON, nullable=False),
    sa.Column('person', JSON, nullable=True),
    sa.Column('slot_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refused_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('token_digest', sa.String(length=64), nullable=True),
    sa.Column('token_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('challenge_digest', sa.String(length=64), nullable=True),
    sa.Column('challenge_tries', sa.SmallInteger(), nullable=False),
    sa.Column('solved_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscription_requests')),
    sa.UniqueConstraint('challenge_digest', name=op.f('uq_subscription_requests_challenge_digest')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_subscription_requests_token_digest'))
    )
    with op.batch_alter_table('subscription_requests', schema=None) as batch_op:
        batch_op.create_index('ix_subscription_requests_at', ['at'], unique=False)
        batch_op.create_index('ix_subscription_requests_due_at', ['due_at'], unique=False, postgresql_where=sa.text('due_at IS NOT NULL'), sqlite_where=sa.text('due_at IS NOT NULL'))
        batch_op.create_index('ix_subscription_requests_form_sent_at', ['form', 'sent_at'], unique=False, postgresql_where=sa.text('sent_at IS NOT NULL'), sqlite_where=sa.text('sent_at IS NOT NULL'))
        batch_op.create_index('ix_subscription_requests_form_slot_at', ['form', 'slot_at'], unique=False, postgresql_where=sa.text('slot_at IS NOT NULL'), sqlite_where=sa.text('slot_at IS NOT NULL'))
        batch_op.create_index('ix_subscription_requests_form_solved_at', ['form', 'solved_at'], unique=False, postgresql_where=sa.text('solved_at IS NOT NULL'), sqlite_where=sa.text('solved_at IS NOT NULL'))
        batch_op.create_index('ix_subscription_requests_ip_at', ['ip', 'at'], unique=False)
        batch_op.create_index('ix_subscription_requests_mailbox_sent_at', ['mailbox', 'sent_at'], unique=False, postgresql_where=sa.text('sent_at IS NOT NULL'), sqlite_where=sa.text('sent_at IS NOT NULL'))
        batch_op.create_index('ix_subscription_requests_network_at', ['network', 'at'], unique=False)
        batch_op.create_index('ix_subscription_requests_subscription_id', ['subscription_id'], unique=False)

    op.create_table('lists',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('controller', sa.String(length=200), nullable=False),
    sa.Column('postal_address', sa.String(length=500), nullable=False),
    sa.Column('privacy_url', sa.String(length=500), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('sender', sa.String(length=254), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_lists_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lists')),
    sa.UniqueConstraint('site_id', 'key', name=op.f('uq_lists_site_id_key'))
    )
    op.create_table('opt_outs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=False),
    sa.Column('address_key', sa.String(length=254), nullable=False),
    sa.Column('topic', sa.String(length=128), nullable=False),
    sa.Column('evidence', JSON, nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ending', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_opt_outs_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opt_outs'))
    )
    with op.batch_alter_table('opt_outs', schema=None) as batch_op:
        batch_op.create_index('uq_opt_outs_site_id_address_key_topic', ['site_id', 'address_key', 'topic'], unique=True, postgresql_where=sa.text('ended_at IS NULL'), sqlite_where=sa.text('ended_at IS NULL'))

    op.create_table('subscriptions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('list_id', sa.Uuid(), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=False),
    sa.Column('address_key', sa.String(length=254), nullable=False),
    sa.Column('status', sa.String(32), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('source', JSON, nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ending', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['list_id'], ['lists.id'], name=op.f('fk_subscriptions_list_id_lists')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_subscriptions_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscriptions')),
    sa.UniqueConstraint('list_id', 'address_key', name=op.f('uq_subscriptions_list_id_address_key'))
    )
    with op.batch_alter_table('subscriptions', schema=None) as batch_op:
        batch_op.create_index('ix_subscriptions_open', ['requested_at'], unique=False, postgresql_where=sa.text("status IN ('unconfirmed', 'expired')"), sqlite_where=sa.text("status IN ('unconfirmed', 'expired')"))
        batch_op.create_index('ix_subscriptions_site_id_address_key', ['site_id', 'address_key'], unique=False)
        batch_op.create_index('ix_subscriptions_site_id_id', ['site_id', 'id'], unique=False)

    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in APPEND_ONLY_POSTGRESQL if postgresql else APPEND_ONLY_SQLITE:
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table('subscriptions', schema=None) as batch_op:
        batch_op.drop_index('ix_subscriptions_site_id_id')
        batch_op.drop_index('ix_subscriptions_site_id_address_key')
        batch_op.drop_index('ix_subscriptions_open', postgresql_where=sa.text("status IN ('unconfirmed', 'expired')"), sqlite_where=sa.text("status IN ('unconfirmed', 'expired')"))

    op.drop_table('subscriptions')
    with op.batch_alter_table('opt_outs', schema=None) as batch_op:
        batch_op.drop_index('uq_opt_outs_site_id_address_key_topic', postgresql_where=sa.text('ended_at IS NULL'), sqlite_where=sa.text('ended_at IS NULL'))

    op.drop_table('opt_outs')
    op.drop_table('lists')
    with op.batch_alter_table('subscription_requests', schema=None) as batch_op:
        batch_op.drop_index('ix_subscription_requests_subscription_id')
        batch_op.drop_index('ix_subscription_requests_network_at')
        batch_op.drop_index('ix_subscription_requests_mailbox_sent_at', postgresql_where=sa.text('sent_at IS NOT NULL'), sqlite_where=sa.text('sent_at IS NOT NULL'))
        batch_op.drop_index('ix_subscription_requests_ip_at')
        batch_op.drop_index('ix_subscription_requests_form_solved_at', postgresql_where=sa.text('solved_at IS NOT NULL'), sqlite_where=sa.text('solved_at IS NOT NULL'))
        batch_op.drop_index('ix_subscription_requests_form_slot_at', postgresql_where=sa.text('slot_at IS NOT NULL'), sqlite_where=sa.text('slot_at IS NOT NULL'))
        batch_op.drop_index('ix_subscription_requests_form_sent_at', postgresql_where=sa.text('sent_at IS NOT NULL'), sqlite_where=sa.text('sent_at IS NOT NULL'))
        batch_op.drop_index('ix_subscription_requests_due_at', postgresql_where=sa.text('due_at IS NOT NULL'), sqlite_where=sa.text('due_at IS NOT NULL'))
        batch_op.drop_index('ix_subscription_requests_at')

    op.drop_table('subscription_requests')
    op.drop_table('erasures')
    op.drop_table('consent_unsealed')
    op.drop_table('consent_seals')
    with op.batch_alter_table('consent_records', schema=None) as batch_op:
        batch_op.drop_index('ix_consent_records_site_id_person')
        batch_op.drop_index('ix_consent_records_site_id_id')

    op.drop_table('consent_records')
    with op.batch_alter_table('consent_people', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_consent_people_site_id'))
        batch_op.drop_index(batch_op.f('ix_consent_people_address_key'))

    op.drop_table('consent_people')
    with op.batch_alter_table('abuse_reports', schema=None) as batch_op:
        batch_op.drop_index('uq_abuse_reports_site_id_address_key_message_id', postgresql_where=sa.text('message_id IS NOT NULL'), sqlite_where=sa.text('message_id IS NOT NULL'))
        batch_op.drop_index('ix_abuse_reports_site_id_at')

    op.drop_table('abuse_reports')
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION consent_append_only()")
