"""A PostgreSQL database, passed on and compared: `database.py VERB DATABASE [...]`, as root on the host that has it.

roles            print SQL that makes the roles which the database needs, and makes those that are there the same
make             read that SQL and run it
dump FILE        print a dump; what is in it is told into FILE, of the very same moment
restore LOCK     read a dump; whatever was there is replaced, and is read-only afterwards
tell             print what is in it: a line a table, sequence, role and kind of definition, with a count and a checksum
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

# Whatever is set for the database or for who asks: a fenced one is read-only, and limits would end what takes long.
OWN = ("default_transaction_read_only=off", "statement_timeout=0", "lock_timeout=0",
       "idle_in_transaction_session_timeout=0")  # fmt: skip
POSTGRES = ["runuser", "-u", "postgres", "--", "env", "PGOPTIONS=" + " ".join(f"-c {setting}" for setting in OWN)]
PSQL = [*POSTGRES, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t",
        "--set=ON_ERROR_STOP=1"]  # fmt: skip
LOCK_SECONDS = 60
OBJECTS = "large objects"
# Limits that only some versions have.
NO_LIMITS = """
SELECT name FROM pg_settings WHERE CASE WHEN name IN ('idle_session_timeout', 'transaction_timeout')
THEN set_config(name, '0', false) IS NULL ELSE false END;
"""
READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"

# Whatever the settings of the database and of its roles: the text of equal rows is equal.
SAME_TEXT = f"""{NO_LIMITS}
SET search_path = ''; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content';
SET standard_conforming_strings = on;"""
HASH = "encode(sha256(convert_to((kunlun_row.*)::text, getdatabaseencoding())), 'hex')"
SUM = "coalesce(sum(('x' || substr(digest, %d, 16))::bit(64)::bigint::numeric), 0)"
# What an extension made is in no dump, but for the rows of tables that it calls its configuration.
CARRIED = """
c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND (NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
  OR EXISTS (SELECT FROM pg_extension WHERE c.oid = ANY (extconfig)))
"""
# Definitions are written anew when they are restored, with more casts and parentheses than before.
PLAIN = r"regexp_replace(words, '::[a-z0-9_. ]+(\([0-9,]+\)[a-z ]*)?(\[\])?|[()]|\s+', '', 'g')"
DIGEST = "encode(sha256(convert_to(%s, getdatabaseencoding())), 'hex')"
NEEDED = """
needed AS (
  SELECT r.oid FROM pg_shdepend AS s JOIN pg_roles AS r ON r.oid = s.refobjid
  WHERE s.refclassid = 'pg_authid'::regclass
  AND (s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    OR (s.dbid = 0 AND s.classid = 'pg_database'::regclass
        AND s.objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
  UNION SELECT CASE WHEN m.roleid = needed.oid THEN m.member ELSE m.roleid END
  FROM needed JOIN pg_auth_members AS m ON needed.oid IN (m.roleid, m.member)
  JOIN pg_roles AS r ON r.oid = CASE WHEN m.roleid = needed.oid THEN m.member ELSE m.roleid END
  WHERE NOT r.rolsuper AND r.rolname !~ '^pg_'
)"""
EVERY = "needed AS (SELECT oid FROM pg_roles)"
LISTS = ("search_path", "local_preload_libraries", "session_preload_libraries")
# Tablespaces are not copied, so neither is the wish for one.
MADE = """
made AS (
  SELECT a.*, format('%s %s %s CONNECTION LIMIT %s VALID UNTIL %L',
    CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
    CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END, rolconnlimit, coalesce(rolvaliduntil, 'infinity')
  ) AS attributes, ARRAY(
    SELECT setting FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
    WHERE s.setrole = a.oid AND s.setdatabase = 0
    AND setting ~ '^[A-Za-z_][A-Za-z0-9_.$]*=' AND setting !~ '^temp_tablespaces='
    ORDER BY setting COLLATE "C") AS settings
  FROM pg_authid AS a
  WHERE a.oid IN (SELECT oid FROM needed) AND a.rolname <> 'postgres' AND a.rolname !~ '^pg_')"""
TELL_ROLES = f"""
, {MADE}
SELECT 'role', format('%I', rolname), {DIGEST % "attributes"}, {DIGEST % "settings::text"} FROM made
UNION ALL SELECT 'role', format('%I in %I', m.rolname, g.rolname), 'member', ''
FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN made AS m ON m.oid = a.member
WHERE NOT g.rolsuper ORDER BY 2;
"""
TELL = f"""
SELECT 'version', current_setting('server_version_num')::int / 10000;
SELECT format($kunlun$SELECT 'table', %L, count(*), {SUM % 1} || ':' || {SUM % 17}
  FROM (SELECT {HASH} AS digest FROM ONLY %I.%I AS kunlun_row) AS every$kunlun$,
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {CARRIED} ORDER BY n.nspname, c.relname \\gexec
SELECT format('SELECT ''sequence'', %L, last_value, is_called FROM %I.%I',
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND {CARRIED} ORDER BY n.nspname, c.relname \\gexec
SELECT 'table', '{OBJECTS}', count(DISTINCT loid), coalesce(sum(('x' || substr(
  encode(sha256(convert_to(loid || '/' || pageno || '/', getdatabaseencoding()) || data), 'hex'),
  1, 16))::bit(64)::bigint::numeric), 0)
FROM pg_largeobject;
WITH own AS (SELECT oid FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'),
extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'), relation AS (
  SELECT * FROM pg_class WHERE relnamespace IN (SELECT oid FROM own)
  AND oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_class'::regclass)
), told AS (
  SELECT 'columns' AS kind, format('%s.%I %s %s %s', a.attrelid::regclass, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS words
  FROM pg_attribute AS a JOIN relation AS c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'indexes', pg_get_indexdef(i.indexrelid)
  FROM pg_index AS i JOIN relation AS c ON c.oid = i.indrelid
  UNION ALL SELECT 'constraints', format('%s %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace IN (SELECT oid FROM own) AND contype <> 'n'
  AND (conrelid = 0 OR conrelid IN (SELECT oid FROM relation))
  AND contypid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_type'::regclass)
  UNION ALL SELECT 'triggers', pg_get_triggerdef(oid) FROM pg_trigger
  WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'views', format('%s %s', oid::regclass, pg_get_viewdef(oid))
  FROM relation WHERE relkind IN ('v', 'm')
  UNION ALL SELECT 'functions', format('%s %s', oid::regprocedure, prosrc)
  FROM pg_proc WHERE pronamespace IN (SELECT oid FROM own)
  AND oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_proc'::regclass)
  UNION ALL SELECT 'owners', format('%s %s', oid::regclass, relowner::regrole)
  FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
), plain AS (
  SELECT kind, CASE WHEN kind IN ('functions', 'owners') THEN words ELSE {PLAIN} END AS words FROM told)
SELECT 'definitions', kind, count(*), {DIGEST % 'string_agg(words, chr(10) ORDER BY words COLLATE "C")'}
FROM plain GROUP BY kind ORDER BY kind;
"""

# Of this database: owners and everybody with a right, and who belongs to them, or they to. Nobody becomes a superuser.
# A role without a password here keeps the one that it may have there. A list, such as a search path, is set as it is
# stored, for it has quotes of its own; what the other release does not know is left out.
ROLES = f"""
SET log_statement = 'none';
WITH RECURSIVE {NEEDED}, {MADE}, wanted AS (
  SELECT rolname, split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value
  FROM made, unnest(settings) AS setting)
SELECT format('SELECT %L WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %L) \\gexec',
  format('CREATE ROLE %I', rolname), rolname) FROM made
UNION ALL SELECT format('ALTER ROLE %I WITH %s%s;', rolname, attributes, ' PASSWORD ' || quote_literal(rolpassword))
FROM made
UNION ALL SELECT format('GRANT %I TO %I;', g.rolname, m.rolname)
FROM pg_auth_members AS a JOIN pg_authid AS g ON g.oid = a.roleid JOIN made AS m ON m.oid = a.member
WHERE NOT g.rolsuper
UNION ALL SELECT format('ALTER ROLE %I RESET ALL;', rolname) FROM made
UNION ALL SELECT format(
  'SELECT %L WHERE %L ~ ''[.]'' OR EXISTS (SELECT FROM pg_settings WHERE lower(name) = %L) \\gexec',
  format('ALTER ROLE %I SET %s TO %L', rolname, name, value), name, lower(name))
FROM wanted WHERE name NOT IN {LISTS}
UNION ALL SELECT format('SELECT set_config(%L, %L, false); ALTER ROLE %I SET %s FROM CURRENT; RESET %s;',
  name, value, rolname, name, name)
FROM wanted WHERE name IN {LISTS};
"""


def psql(database, *more, **how):
    return subprocess.run([*PSQL, f"--dbname={database}", *more], check=True, text=True, **how)


def ask(database, sql):
    return psql(database, "--file=-", input=sql, stdout=subprocess.PIPE).stdout


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def roles(database):
    print("SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET client_min_messages = 'error';")
    print(ask(database, SAME_TEXT + ROLES))


def make(database):
    """In the database that is always there: the other may not be yet."""
    psql("postgres", "--file=-", stdin=sys.stdin, stdout=subprocess.DEVNULL)


def tell(database, snapshot=None, whose=NEEDED):
    at = f"SET TRANSACTION SNAPSHOT {literal(snapshot)};\n" if snapshot else ""
    return ask(database, f"{SAME_TEXT}{READ_ONLY}{at}{TELL}WITH RECURSIVE {whose}{TELL_ROLES}COMMIT;\n")


def dump(database, file):
    """What is told and what is dumped is one moment, whoever writes meanwhile: a transaction that waits holds it."""
    holder = subprocess.Popen([*PSQL, f"--dbname={database}", "--file=-"], text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)  # fmt: skip
    holder.stdin.write(f"{NO_LIMITS}{READ_ONLY}SELECT pg_export_snapshot();\n")
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
        ask("postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {literal(database)};")
        subprocess.run([*POSTGRES, "dropdb", "--if-exists", database], check=True, stdin=subprocess.DEVNULL)
        argv = [*POSTGRES, "pg_restore", "--create", "--exit-on-error", "--dbname=postgres"]
        subprocess.run(argv, check=True, stdin=sys.stdin)
        quoted = database.replace('"', '""')
        ask("postgres", f'ALTER DATABASE "{quoted}" SET default_transaction_read_only = on;')
        argv = [*POSTGRES, "vacuumdb", "--analyze-only", "--quiet", database]
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
    """`live`: with what was told while somebody wrote. No snapshot holds a sequence, so the copy's may have gone on.

    Of roles those count that the other side told: here there may be more, which the database has no need of.
    """
    here_text, there = tell(database, whose=EVERY), parsed(sys.stdin.read())
    here = {key: value for key, value in parsed(here_text).items() if key[0] != "role" or key in there}
    if here.get(("version", "")) != there.get(("version", "")):  # other releases have other words for the same
        here, there = ({key: value[:1] if key[0] in {"definitions", "role"} else value for key, value in side.items()}
                       for side in (here, there))  # fmt: skip
    gone_on = {key for key in {*here} & {*there} if live and key[0] == "sequence"}
    differ = sorted(key for key in {*here, *there} - gone_on if key[0] != "version" and here.get(key) != there.get(key))
    tables = {name: int(value[0]) for (kind, name), value in here.items() if kind == "table"}
    content = [line for line in here_text.splitlines() if not line.startswith(("version\t", "role\t"))]
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
