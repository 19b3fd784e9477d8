"""A two-tier system on two old hosts, two new ones for it, and the plays of its cutover: no cloud, no cluster."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.sandbox.guests import body
from infra.sandbox.guests.inside import Host
from tests.component.guest_bench import Bench
from tests.e2e.moving import system
from tests.e2e.moving.machines import Machine

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
NAMES = ("source.old-web", "source.old-db", "target.web-0", "target.db-0")
OLD_WEB, OLD_DB, NEW_WEB, NEW_DB = NAMES
UID = "5d3f6a0e-7c1b-4f0a-9b60-2f8f4f0f9f11"
STEP_SECONDS = 900
END = re.compile(r"TASK \[End\].*?^ok: \[control\] => (\{.*?\})$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of the playbook went."""

    code: int
    said: str

    @property
    def measured(self) -> Mapping[str, str]:
        """What the last task wrote down; empty when the run did not come to it."""
        found = END.search(self.said)
        return dict(json.loads(found[1])["measured"]) if found else {}

    @property
    def changes(self) -> int:
        return sum(map(int, re.findall(r"changed=(\d+)", self.said)))


@dataclass(frozen=True, slots=True)
class Moving:
    """The four hosts, and what their cutover says."""

    bench: Bench
    machines: Mapping[str, Machine]
    folder: Path

    def step(self, name: str, *, key: str = "", **more: Any) -> Ran:
        """Run one step to its end."""
        with self._process(name, key, more) as process:
            said, _ = process.communicate(timeout=STEP_SECONDS)
        return Ran(process.returncode, said)

    def killed(self, name: str, *, at: str, key: str = "") -> bool:
        """Run a step and kill it, as a whole, when it begins the task `at`; whether it came to it."""
        with self._process(name, key, {}) as process:
            assert process.stdout is not None
            come = any(line.startswith("TASK [") and at in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGKILL)
        return come

    def fetch(self, machine: str, port: int, path: str = "/health") -> str:
        """The status of a host's answer, as callers outside see it; 000 when there is none."""
        url = f"http://{self.machines[machine].address}:{port}{path}"
        argv = ["curl", "--silent", "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}", url]
        done = subprocess.run(
            ["ip", "netns", "exec", self.bench.namespace, *argv], check=False, text=True, capture_output=True
        )
        return done.stdout

    def _process(self, name: str, key: str, more: Mapping[str, Any]) -> subprocess.Popen[str]:
        begun = {"step": name, "key": key or name.lower()}
        told = {**self.variables(), **more, "kunlun_step": name, "kunlun_begun": begun}
        files = {"hosts.json": self._inventory(), "vars.json": told}
        for file, content in files.items():
            (self.folder / file).write_text(json.dumps(content))
        argv = [sys.executable, "-m", "ansible", "playbook", "-v", "-i", str(self.folder / "hosts.json"),
                "-e", f"@{self.folder / 'vars.json'}", str(PLAYBOOKS / "cutover" / "site.yml")]  # fmt: skip
        environ = {
            **os.environ,
            "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.bench.folder / "cp"),
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONUNBUFFERED": "1",
        }
        return subprocess.Popen(
            argv, text=True, env=environ, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def variables(self) -> dict[str, Any]:
        """As the operator makes them of the spec."""
        web = {"host": NEW_WEB, "address": self.machines[NEW_WEB].address}
        return {
            "kunlun_cutover": {"name": "portal-moves", "namespace": "civil-affairs", "uid": UID},
            "kunlun_files": [{"name": "uploads", "source": OLD_WEB, "path": system.UPLOADS, "targets": [NEW_WEB],
                              "target_path": system.UPLOADS}],
            "kunlun_databases": [{"name": "permits", "database": "permits", "source": OLD_DB, "target": NEW_DB}],
            "kunlun_source_units": [{"host": OLD_WEB, "unit": "portal"}],
            "kunlun_target_units": [{"host": NEW_WEB, "unit": "portal"}],
            "kunlun_health": {"port": 8080, "path": "/health", "within_seconds": 5},
            "kunlun_proxy": {"host": OLD_WEB, "port": 80, "servers": [web], "to_port": 8080,
                             "back": {"address": "127.0.0.1", "port": 8080}},
            "kunlun_callers": [{"host": OLD_DB, "url": f"http://{self.machines[OLD_WEB].address}:80/health"}],
            "kunlun_stress": {"requests_per_second": 5, "seconds": 3, "p95_milliseconds": 20000,
                              "errors_per_thousand": 1000, "servers": [web], "port": 8080, "path": "/health",
                              "host": OLD_WEB},
            "kunlun_watch": {"seconds": 5, "every_seconds": 1, "failures": 3},
            "kunlun_retention": {"keep": "ReadOnly", "afterwards": "Erase"},
            "kunlun_hooks": [],
            "kunlun_hooks_folder": "",
            "kunlun_answer_seconds": 60,
        }  # fmt: skip

    def _inventory(self) -> dict[str, Any]:
        control = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        groups = {side: {"hosts": {name: self._reached(name) for name in NAMES if name.startswith(side)}}
                  for side in ("source", "target")}  # fmt: skip
        return {"all": {"children": {"control": {"hosts": {"control": control}}, **groups}}}

    def _reached(self, name: str) -> dict[str, Any]:
        proxy = f"ip netns exec {self.bench.namespace} socat - TCP4:%h:%p,connect-timeout=5"
        pins = self.folder / "known_hosts"
        pins.write_text("".join(f"{one.address} {one.public_key}\n" for one in self.machines.values()))
        options = f'-o StrictHostKeyChecking=yes -o UserKnownHostsFile="{pins}" -o ProxyCommand="{proxy}"'
        return {
            "ansible_host": self.machines[name].address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.bench.places.ssh_key),
            "ansible_ssh_common_args": options,
        }


def a_moving_system(bench: Bench, folder: Path) -> Moving:
    """The old hosts serve the portal at 8080; the new ones have all but its data, and a role that is not quite its own.

    On the old one uploads lie elsewhere, behind a link.
    """
    (bench.folder / "cp").mkdir()
    machines = {name: _machine(bench, index) for index, name in enumerate(NAMES)}
    for web, db in ((OLD_WEB, OLD_DB), (NEW_WEB, NEW_DB)):
        machines[db].run("/bin/sh", "-ec", "pg_dropcluster --stop 15 main || true; pg_createcluster 15 main --start")
        system.ensure_database_server(machines[db], machines[web])
        system.install_portal(machines[web], machines[db])
    system.make_database(machines[OLD_DB])
    machines[NEW_DB].sql(f"CREATE ROLE {system.ROLE} LOGIN PASSWORD 'another' VALID UNTIL '2000-01-01'")
    link = f"mkdir /data && mv {system.UPLOADS} /data/uploads && ln -s /data/uploads {system.UPLOADS}"
    machines[OLD_WEB].run("/bin/sh", "-ec", link)
    machines[OLD_WEB].run("service", "portal", "start")
    return Moving(bench, machines, folder)


def _machine(bench: Bench, index: int) -> Machine:
    guest = bench.plug(index)
    folder = bench.places.guest(guest.server)
    kind, key, *_ = folder.host_key_pub.read_text().split()
    first = body.first_process(bench.places, guest.server)
    inner = bench.places.guest_namespace(guest.server)
    return Machine(Host(guest.name, inner, guest.address, server=guest.server, first_process=first), f"{kind} {key}")
