"""What a host has to say before anything is moved: `look.py WANTED`, both sides of the talk as JSON.

WANTED: units, folders (that exist), places (where some will), databases (that exist), postgres (whether one is needed).
"""

import json
import os
import shutil
import subprocess
import sys
import time

QUIET = ["--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
NO_LIMITS = ["env", "PGOPTIONS=-c statement_timeout=0 -c lock_timeout=0"]
PSQL = ["runuser", "-u", "postgres", "--", *NO_LIMITS, "psql", *QUIET]


def said(argv, **how):
    """Its words; None when it cannot be asked."""
    try:
        return subprocess.run(argv, check=True, text=True, capture_output=True, timeout=600, **how).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def asked(sql, database="postgres"):
    return said([*PSQL, f"--dbname={database}", "--file=-"], input=sql)


def has_unit(name):
    if os.path.isdir("/run/systemd/system"):
        return said(["systemctl", "cat", "--", name]) is not None
    return os.access(f"/etc/init.d/{name}", os.X_OK)


def free(path):
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return shutil.disk_usage(path).free


def folder(path):
    words = said(["du", "--summarize", "--bytes", "--dereference-args", "--", path]) if os.path.isdir(path) else None
    return int(words.split()[0]) if words else None


def database(name):
    """Its size and its extensions; None when there is none of this name."""
    quoted = "'" + name.replace("'", "''") + "'"
    size = asked(f"SELECT pg_database_size(oid) FROM pg_database WHERE datname = {quoted}")
    if not size:
        return None
    return {"bytes": int(size), "extensions": (asked("SELECT extname FROM pg_extension", name) or "").split()}


def postgres():
    number = asked("SHOW server_version_num")
    if not number:
        return None
    place = asked("SHOW data_directory") or "/"
    known = asked("SELECT name FROM pg_available_extensions") or ""
    return {"major": int(number) // 10000, "version": asked("SHOW server_version").split()[0], "free": free(place),
            "extensions": known.split()}  # fmt: skip


def system():
    with open("/etc/os-release") as file:
        known = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    return f"{known.get('ID', '?')} {known.get('VERSION_ID', '?')}".replace('"', "")


def main():
    wanted = json.loads(sys.argv[1])
    rsync = said(["rsync", "--version"])
    print(json.dumps({
        "is_root": os.geteuid() == 0,
        "system": system(),
        "rsync": rsync.split()[2] if rsync else None,
        "units": {name: has_unit(name) for name in wanted["units"]},
        "folders": {path: folder(path) for path in wanted["folders"]},
        "free": {path: free(path) for path in wanted["places"]},
        "databases": {name: database(name) for name in wanted["databases"]},
        "postgres": postgres() if wanted["postgres"] else None,
        "time": time.time(),
    }))  # fmt: skip


main()
