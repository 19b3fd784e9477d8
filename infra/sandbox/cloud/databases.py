"""MariaDB: one server for all services, tuned for a start in a second; nothing here is worth an fsync."""

from __future__ import annotations

import shutil

from infra.sandbox.cloud.services import await_program
from infra.sandbox.cloud.site import Site
from infra.sandbox.commands import attempt, run
from infra.sandbox.processes import Program

PROGRAM = "mariadbd"
DATABASES = ("keystone", "glance", "placement", "nova_api", "nova_cell0", "nova", "neutron", "cinder")
TUNING = (
    "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
    "--innodb-log-file-size=32M", "--innodb-buffer-pool-size=128M", "--innodb-file-per-table=0",
    "--innodb-stats-persistent=0", "--performance-schema=0", "--skip-log-bin",
)  # fmt: skip


def start(site: Site) -> None:
    """The server answers, and every service may use its databases."""
    folder = site.state / "mysql"
    if not site.stamps.has("mysql", "initialised"):
        initialise(site)
    argv = (
        PROGRAM, "--no-defaults", "--user=root", f"--datadir={folder}", "--skip-name-resolve",
        f"--socket={site.mysql_socket}", f"--port={site.ports['mariadb']}", "--bind-address=127.0.0.1",
        f"--pid-file={site.layout.run}/mariadb.pid", "--max-connections=400", "--max-allowed-packet=32M", *TUNING,
    )  # fmt: skip
    fresh = site.processes.alive(PROGRAM) is None
    site.processes.launch(Program(PROGRAM, argv, site.layout.log(PROGRAM), site.service_environ(), folder))
    await_program(site, PROGRAM, lambda: answers(site))
    if fresh:
        grant(site)


def initialise(site: Site) -> None:
    """A fresh data folder; what a crash left of an earlier attempt is thrown away."""
    shutil.rmtree(site.state / "mysql", ignore_errors=True)
    run(
        [
            "mariadb-install-db", "--no-defaults", f"--datadir={site.state / 'mysql'}", "--user=root",
            "--skip-test-db", "--auth-root-authentication-method=normal", *TUNING,
        ],
        env=site.service_environ(),
    )  # fmt: skip
    site.stamps.put("mysql", "initialised")


def grant(site: Site) -> None:
    """The databases, and the one user that the services share."""
    user = "cloud@127.0.0.1"
    execute(
        site,
        f"create user if not exists {user}",
        f"alter user {user} identified by '{site.password}'",
        f"grant all on *.* to {user}",
        *(f"create database if not exists {name} character set utf8mb3" for name in DATABASES),
    )


def execute(site: Site, *statements: str, database: str = "") -> list[str]:
    """Run statements as the server's administrator; the rows of the answers, tab-separated."""
    argv = [*client(site), f"--database={database}"] if database else client(site)
    return run(argv, text_in=";\n".join(statements) + ";\n", env=site.service_environ()).splitlines()


def answers(site: Site) -> bool:
    return attempt([*client(site), "--execute=select 1"], env=site.service_environ()).returncode == 0


def client(site: Site) -> list[object]:
    return [
        "mariadb",
        "--no-defaults",
        f"--socket={site.mysql_socket}",
        "--user=root",
        "--batch",
        "--skip-column-names",
    ]
