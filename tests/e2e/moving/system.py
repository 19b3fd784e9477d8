"""The two tiers on their machines: a web server that writes, and its PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving.machines import Machine

HERE = Path(__file__).parent
DATABASE, ROLE, PASSWORD = "permits", "portal", "canary-of-the-portal"
UPLOADS, ENVIRONMENT = "/srv/uploads", "/etc/portal.env"


def ensure_database_server(db: Machine, web: Machine) -> None:
    """PostgreSQL listens for the web tier; it has no database of the portal's yet."""
    db.run(
        "/bin/sh",
        "-ec",
        f"""
        cd /etc/postgresql/*/main
        grep -q "^listen_addresses = '\\*'" postgresql.conf || echo "listen_addresses = '*'" >>postgresql.conf
        grep -q '^host {DATABASE} {ROLE} {web.address}/32 ' pg_hba.conf ||
            echo 'host {DATABASE} {ROLE} {web.address}/32 scram-sha-256' >>pg_hba.conf
        chown -R postgres:postgres .
        service postgresql restart
        """,
    )


def make_database(db: Machine) -> None:
    """The portal's role and its table. No key forbids doubles: a write that is there twice would be seen.

    Whoever is not the portal is given no time by the database. A restore writes the check anew, in other words.
    """
    db.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}' VALID UNTIL '2099-01-01'")
    db.sql(f"ALTER ROLE {ROLE} SET timezone = 'Asia/Shanghai'; ALTER ROLE {ROLE} SET search_path = \"$user\", public")
    db.sql(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
    columns = "id bigserial PRIMARY KEY, number bigint NOT NULL, at timestamptz NOT NULL DEFAULT now()"
    kind = "kind varchar(9) NOT NULL DEFAULT 'new' CHECK (kind IN ('new', 'old'))"
    db.sql(f"CREATE TABLE permits ({columns}, {kind}); ALTER TABLE permits OWNER TO {ROLE}", DATABASE)
    db.sql("CREATE MATERIALIZED VIEW latest AS SELECT max(number) FROM permits WITH NO DATA", DATABASE)
    db.sql("CREATE MATERIALIZED VIEW kinds AS SELECT kind, count(*) FROM permits GROUP BY kind", DATABASE)
    db.sql(f"ALTER ROLE {ROLE} IN DATABASE {DATABASE} SET statement_timeout = 0")
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        db.sql(f"ALTER DATABASE {DATABASE} SET {limit} = '1ms'")


def role_settings(db: Machine) -> str:
    """What is set for the portal's role, in all databases."""
    settings = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0"
    return db.sql(f"SELECT rolvaliduntil AT TIME ZONE 'UTC', ({settings}) FROM pg_roles AS r WHERE rolname = '{ROLE}'")


def install_portal(web: Machine, db: Machine) -> None:
    """The web tier is there; it does not run yet."""
    env = {"PGHOST": db.address, "PGDATABASE": DATABASE, "PGUSER": ROLE, "PGPASSWORD": PASSWORD, "PGCONNECT_TIMEOUT": 3}
    web.put("/opt/portal.py", (HERE / "portal.py").read_text())
    web.put(ENVIRONMENT, "".join(f"{name}={value}\n" for name, value in env.items()), "0600")
    web.put("/etc/init.d/portal", (HERE / "portal.init").read_text(), "0755")
    web.run("mkdir", "-p", UPLOADS)


def kept(db: Machine) -> list[int]:
    """Every number in the table, as often as it is there."""
    return [int(line) for line in db.sql("SELECT number FROM permits ORDER BY number", DATABASE).splitlines()]


def uploaded(web: Machine) -> set[int]:
    """Every number that has a file."""
    return {int(Path(name).stem) for name in web.run("ls", UPLOADS).split()}


def takes_writes(web: Machine) -> bool:
    """Whether its database takes a write from the web tier, whatever the service does; nothing of it stays."""
    statement = "BEGIN; INSERT INTO permits (number) VALUES (0); ROLLBACK"
    try:
        web.run("/bin/sh", "-ec", f"set -a; . {ENVIRONMENT}; psql -qtAX -v ON_ERROR_STOP=1 -c '{statement}'")
    except AssertionError:
        return False
    return True
