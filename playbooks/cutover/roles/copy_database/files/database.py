"""A PostgreSQL database, passed on and compared: `database.py VERB DATABASE [...]`, as root on the host that has it.

roles            print SQL that makes the roles which the database needs, and which are not there
make             read that SQL and run it
dump FILE        print a dump; what is in it is told into FILE, of the very same moment
restore LOCK     read a dump; whatever was there is replaced, and is read-only afterwards
tell             print what is in it: a line a table, sequence and kind of definition, with a count and a checksum
compare          read such lines of another; print what is here, and what differs
rows TABLE       print key and checksum of each row
lost TABLE       read these of another; print how many rows here were added, changed and removed

Checksums are sums over the SHA-256 of each row's text, so the order of rows means nothing.
"""

import fcntl
import hashlib
import json
import subprocess
import sys
import time

POSTGRES = ["runuser", "-u", "postgres", "--"]
MAY_WRITE = ["env", "PGOPTIONS=-c default_transaction_read_only=off"]  # a fenced database is read-only by default
PSQL = [*POSTGRES, *MAY_WRITE, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t",
        "--set=ON_ERROR_STOP=1"]  # fmt: skip
LOCK_SECONDS = 60
OBJECTS = "large objects"
READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"

# Whatever the settings of the database and of its roles: the text of equal rows is equal.
SAME_TEXT = """
SET search_path = ''; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content';
"""
HASH = "encode(sha256(convert_to((kunlun_row.*)::text, getdatabaseencoding())), 'hex')"
SUM = "coalesce(sum(('x' || substr(digest, %d, 16))::bit(64)::bigint::numeric), 0)"
TABLES = """
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
TELL = f"""
SELECT 'version', current_setting('server_version_num')::int / 10000;
SELECT format($kunlun$SELECT 'table', %L, count(*), {SUM % 1} || ':' || {SUM % 17}
  FROM (SELECT {HASH} AS digest FROM ONLY %I.%I AS kunlun_row) AS every$kunlun$,
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
{TABLES} ORDER BY n.nspname, c.relname \\gexec
SELECT format('SELECT ''sequence'', %L, last_value, is_called FROM %I.%I',
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' ORDER BY n.nspname, c.relname \\gexec
SELECT 'table', '{OBJECTS}', count(DISTINCT loid), coalesce(sum(('x' || substr(
  encode(sha256(convert_to(loid || '/' || pageno || '/', 'UTF8') || data), 'hex'), 1, 16))::bit(64)::bigint::numeric),
  0)
FROM pg_largeobject;
WITH own AS (SELECT oid FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'), told AS (
  SELECT 'columns' AS kind, format('%s.%I %s %s %s', a.attrelid::regclass, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS words
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relnamespace IN (SELECT oid FROM own) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'indexes', pg_get_indexdef(i.indexrelid)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  WHERE c.relnamespace IN (SELECT oid FROM own)
  UNION ALL SELECT 'constraints', format('%s %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace IN (SELECT oid FROM own) AND contype <> 'n'
  UNION ALL SELECT 'triggers', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'views', format('%s %s', oid::regclass, pg_get_viewdef(oid))
  FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace IN (SELECT oid FROM own)
  UNION ALL SELECT 'functions', format('%s %s', oid::regprocedure, prosrc)
  FROM pg_proc WHERE pronamespace IN (SELECT oid FROM own)
  UNION ALL SELECT 'owners', format('%s %s', oid::regclass, relowner::regrole)
  FROM pg_class WHERE relnamespace IN (SELECT oid FROM own) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f'))
SELECT 'definitions', kind, count(*), encode(sha256(convert_to(string_agg(words, chr(10)
  ORDER BY words COLLATE "C"), 'UTF8')), 'hex') FROM told GROUP BY kind ORDER BY kind;
"""

# Of this database: owners and everybody with a right, and who belongs to them, or they to. Nobody becomes a superuser.
ROLES = """
SET log_statement = 'none';
WITH RECURSIVE needed AS (
  SELECT r.oid FROM pg_shdepend AS s JOIN pg_roles AS r ON r.oid = s.refobjid
  WHERE s.refclassid = 'pg_authid'::regclass
  AND (s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    OR (s.dbid = 0 AND s.classid = 'pg_database'::regclass
        AND s.objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
  UNION SELECT CASE WHEN m.roleid = needed.oid THEN m.member ELSE m.roleid END
  FROM needed JOIN pg_auth_members AS m ON needed.oid IN (m.roleid, m.member)
  JOIN pg_roles AS r ON r.oid = CASE WHEN m.roleid = needed.oid THEN m.member ELSE m.roleid END
  WHERE NOT r.rolsuper AND r.rolname !~ '^pg_'
), made AS (
  SELECT a.* FROM pg_authid AS a
  WHERE a.oid IN (SELECT oid FROM needed) AND a.rolname <> 'postgres' AND a.rolname !~ '^pg_')
SELECT format('SELECT %L WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %L) \\gexec',
  format('CREATE ROLE %I WITH %s %s %s CONNECTION LIMIT %s PASSWORD %L', rolname,
    CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
    CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END, rolconnlimit, rolpassword), rolname) FROM made
UNION ALL SELECT format('GRANT %I TO %I;', g.rolname, m.rolname)
FROM pg_auth_members AS a JOIN pg_authid AS g ON g.oid = a.roleid JOIN made AS m ON m.oid = a.member
WHERE NOT g.rolsuper;
"""


def psql(database, *more, **how):
    return subprocess.run([*PSQL, f"--dbname={database}", *more], check=True, text=True, **how)


def ask(database, sql):
    return psql(database, "--file=-", input=sql, stdout=subprocess.PIPE).stdout


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def roles(database):
    print("SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET client_min_messages = 'error';")
    print(ask(database, ROLES))


def make(database):
    """In the database that is always there: the other may not be yet."""
    psql("postgres", "--file=-", stdin=sys.stdin, stdout=subprocess.DEVNULL)


def tell(database, snapshot=None):
    at = f"SET TRANSACTION SNAPSHOT {literal(snapshot)};\n" if snapshot else ""
    return ask(database, f"{SAME_TEXT}{READ_ONLY}{at}{TELL}COMMIT;\n")


def dump(database, file):
    """What is told and what is dumped is one moment, whoever writes meanwhile: a transaction that waits holds it."""
    holder = subprocess.Popen([*PSQL, f"--dbname={database}", "--file=-"], text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)  # fmt: skip
    holder.stdin.write(f"{READ_ONLY}SELECT pg_export_snapshot();\n")
    holder.stdin.flush()
    snapshot = holder.stdout.readline().strip()
    with open(file, "w") as told:
        told.write(tell(database, snapshot))
    argv = [*POSTGRES, "pg_dump", "--format=custom", "--compress=1", "--create", f"--snapshot={snapshot}", database]
    subprocess.run(argv, check=True)
    holder.stdin.close()
    holder.wait()


def restore(database, lock):
    """Custom format from a pipe: one that ends early is an error, not a smaller database."""
    with open(lock, "w") as held:
        locked(held)
        subprocess.run([*POSTGRES, "dropdb", "--force", "--if-exists", database], check=True, stdin=subprocess.DEVNULL)
        argv = [*POSTGRES, *MAY_WRITE, "pg_restore", "--create", "--exit-on-error", "--dbname=postgres"]
        subprocess.run(argv, check=True, stdin=sys.stdin)
        quoted = database.replace('"', '""')
        ask("postgres", f'ALTER DATABASE "{quoted}" SET default_transaction_read_only = on;')
        argv = [*POSTGRES, *MAY_WRITE, "vacuumdb", "--analyze-only", "--quiet", database]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def locked(file):
    """One that an earlier run has left may still be at it."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                sys.exit("somebody still copies this database")
            time.sleep(0.5)


def parsed(text):
    """By kind and name."""
    rows = [line.split("\t") for line in text.splitlines() if line]
    return {(row[0], row[1] if len(row) > 2 else ""): row[2:] or row[1:] for row in rows}


def compare(database, *live):
    """`live`: with what was told while somebody wrote. No snapshot holds a sequence, so the copy's may have gone on."""
    here_text, there = tell(database), parsed(sys.stdin.read())
    here = parsed(here_text)
    if here.get(("version", "")) != there.get(("version", "")):  # other releases have other words for the same
        here, there = ({key: value[:1] if key[0] == "definitions" else value for key, value in side.items()}
                       for side in (here, there))  # fmt: skip
    gone_on = {key for key in {*here} & {*there} if live and key[0] == "sequence"}
    differ = sorted(key for key in {*here, *there} - gone_on if key[0] != "version" and here.get(key) != there.get(key))
    tables = {name: int(value[0]) for (kind, name), value in here.items() if kind == "table"}
    content = [line for line in here_text.splitlines() if not line.startswith("version")]
    checksum = hashlib.sha256("\n".join(content).encode()).hexdigest()
    return {"tables": tables, "checksum": checksum, "differ": [{"kind": kind, "name": name} for kind, name in differ]}


def query(database, table):
    """Key and checksum of each row; None when there is no such table. Without a key, equal rows are numbered."""
    if table == OBJECTS:
        digest = "encode(sha256(string_agg(data, ''::bytea ORDER BY pageno)), 'hex')"
        return f"SELECT loid::text AS key, {digest} AS hash FROM pg_largeobject GROUP BY loid"
    if not ask(database, f"SELECT to_regclass({literal(table)});").strip():
        return None
    key = ask(
        database,
        f"""SELECT string_agg(format('kunlun_row.%I', a.attname), ', ' ORDER BY a.attname)
      FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
      WHERE i.indisprimary AND i.indrelid = to_regclass({literal(table)});""",
    ).strip()
    if key:
        return f"SELECT ROW({key})::text AS key, {HASH} AS hash FROM ONLY {table} AS kunlun_row"
    numbered = "hash || ' ' || row_number() OVER (PARTITION BY hash)"
    return f"SELECT {numbered} AS key, hash FROM (SELECT {HASH} AS hash FROM ONLY {table} AS kunlun_row) AS every"


def rows(database, table):
    if found := query(database, table):
        subprocess.run([*PSQL, f"--dbname={database}", "--file=-"], check=True, text=True,
                       input=f"{SAME_TEXT}COPY ({found}) TO STDOUT;\n")  # fmt: skip


COUNTED = """SELECT count(*) FILTER (WHERE theirs.key IS NULL), count(*) FILTER (WHERE ours.hash <> theirs.hash),
  count(*) FILTER (WHERE ours.key IS NULL) FROM ours FULL JOIN theirs ON ours.key = theirs.key"""


def lost(database, table):
    own = query(database, table) or "SELECT ''::text AS key, ''::text AS hash WHERE false"
    statements = [
        SAME_TEXT,
        "CREATE TEMPORARY TABLE theirs (key text, hash text)",
        "\\copy theirs FROM pstdin",
        f"CREATE TEMPORARY TABLE ours AS SELECT * FROM ({own}) AS own (key, hash)",
        COUNTED,
    ]
    more = [f"--command={statement}" for statement in statements]
    counted = psql(database, *more, stdin=sys.stdin, stdout=subprocess.PIPE).stdout.split()
    return dict(zip(("added", "changed", "removed"), map(int, counted), strict=True))


if __name__ == "__main__":
    verbs = {"roles": roles, "make": make, "dump": dump, "restore": restore, "tell": tell, "compare": compare,
             "rows": rows, "lost": lost}  # fmt: skip
    answer = verbs[sys.argv[1]](*sys.argv[2:])
    if answer is not None:
        print(answer if isinstance(answer, str) else json.dumps(answer))
