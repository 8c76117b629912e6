"""What the application's own database role may do: everything it needs, nothing that undoes the ledger."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from relay.db import is_postgresql
from relay.errors import Invalid, NotFound, Refused

APPEND_ONLY = ("consent_records", "consent_seals")
"""Tables to which the application may only add."""

READ_ONLY = ("alembic_version",)
"""Tables that only migrations write."""

_OWNED = """
    SELECT tablename FROM pg_tables
    WHERE schemaname = current_schema()
      AND (tableowner = :role OR pg_has_role(:role, tableowner, 'MEMBER'))
    ORDER BY tablename LIMIT 1
"""
_TOO_MUCH = """
    SELECT relation || ': ' || privilege
    FROM unnest(CAST(:tables AS text[])) AS relation,
         unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
    WHERE has_table_privilege(:role, relation, privilege)
       OR (privilege = 'UPDATE' AND has_any_column_privilege(:role, relation, 'UPDATE'))
    LIMIT 1
"""


def grant(session: Session, role: str) -> None:
    """Give `role` what the relay needs, now and for tables to come; run it as the tables' owner.

    It may read and add everywhere, change and delete everywhere but in the ledger and its seals,
    and own nothing: so it can neither drop a table nor disable a trigger. Running it again changes
    nothing. Raises `Invalid` on SQLite, `NotFound` for a role that does not exist, `Refused` for a
    role that could undo it: a superuser, one that makes roles, an owner, a member of one.
    """
    if not is_postgresql(session):
        raise Invalid("SQLite knows no roles: whoever may write the file may do anything to it")
    found = session.execute(
        text("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no role {role}; make it with: createuser {role}")
    if found.rolsuper or found.rolcreaterole:
        raise Refused(f"{role} is a superuser or may make roles; the relay needs a plain role")
    if owned := session.scalar(text(_OWNED), {"role": role}):
        raise Refused(
            f"{role} owns the table {owned}, or belongs to its owner, and could drop it; "
            "the relay needs a role other than the one that migrates"
        )
    for statement in _statements(session, role):
        session.execute(text(statement))
    if too_much := session.scalar(text(_TOO_MUCH), {"role": role, "tables": list(APPEND_ONLY)}):
        raise Refused(
            f"{role} would still have more than it needs ({too_much}): it comes from another role "
            "that it belongs to, or from PUBLIC; revoke that first"
        )


def _statements(session: Session, role: str) -> list[str]:
    quote = session.get_bind().dialect.identifier_preparer.quote_identifier
    database, schema = session.execute(text("SELECT current_database(), current_schema()")).one()
    to, here = quote(role), quote(schema)
    ledger, fixed = (", ".join(map(quote, tables)) for tables in (APPEND_ONLY, READ_ONLY))
    return [
        f"GRANT CONNECT ON DATABASE {quote(database)} TO {to}",
        f"REVOKE CREATE ON SCHEMA {here} FROM PUBLIC, {to}",
        f"GRANT USAGE ON SCHEMA {here} TO {to}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {here} TO {to}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {here} TO {to}",
        f"REVOKE ALL ON {ledger}, {fixed} FROM PUBLIC, {to}",
        f"GRANT SELECT, INSERT ON {ledger} TO {to}",
        f"GRANT SELECT ON {fixed} TO {to}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {here} "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {to}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {here} GRANT USAGE, SELECT ON SEQUENCES TO {to}",
    ]
