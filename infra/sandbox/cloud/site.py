"""What every service has to know to start here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.cloud.zonefacts import ZoneFacts
from infra.sandbox.layout import Layout, write_private
from infra.sandbox.ports import Ports
from infra.sandbox.processes import ProcessTable
from infra.sandbox.stamps import Stamps

HOST = "sandbox"
REGION = "sandbox"
INSIDE = Path(__file__).parent / "inside"
STATE_FOLDERS = ("mysql", "keystone", "glance", "nova", "neutron", "cinder", "ovs")


@dataclass(frozen=True, slots=True)
class Site:
    """One cloud in one state folder: a value; what changes is on disk or in the process table."""

    layout: Layout
    ports: Ports
    processes: ProcessTable
    venv: Path
    zones: tuple[ZoneFacts, ...]
    zones_digest: str
    environ: Mapping[str, str]
    cinder: bool = False

    @property
    def state(self) -> Path:
        return self.layout.cloud

    @property
    def scratch(self) -> Path:
        return self.layout.run / "scratch"

    @property
    def stamps(self) -> Stamps:
        return Stamps(self.state / "stamps.json")

    @property
    def netns(self) -> str:
        """The network namespace of the switch: no bridge or tap ever appears on the machine itself."""
        return f"kunlun-{self.ports.base}"

    @property
    def ovsdb(self) -> str:
        return f"unix:{self.layout.run}/ovsdb.sock"

    @property
    def mysql_socket(self) -> Path:
        return self.layout.run / "mariadb.sock"

    @property
    def password(self) -> str:
        """One password for this cloud's own users; it comes with the seed."""
        return (self.state / "password").read_text()

    def ensure_state(self) -> None:
        """The state folder of a cloud that has never run; nothing if it exists."""
        for name in STATE_FOLDERS:
            (self.state / name).mkdir(parents=True, exist_ok=True)
        if not (self.state / "password").exists():
            write_private(self.state / "password", secrets.token_hex(16))

    def service_environ(self) -> dict[str, str]:
        """The environment of the services and of their management commands."""
        run, etc = self.layout.run, self.layout.etc
        configurations = ("keystone", "glance", "placement", "nova", "neutron")
        return {
            **self.environ,
            "PYTHONWARNINGS": "ignore",
            "PYTHONPATH": str(INSIDE),
            "MALLOC_ARENA_MAX": "2",
            "TMPDIR": str(self.scratch),
            "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            "ASGI_WORKERS": "1",
            "OVS_RUNDIR": str(run),
            "OVN_RUNDIR": str(run),
            "no_proxy": "127.0.0.1,localhost",
            "NO_PROXY": "127.0.0.1,localhost",
            **{f"OS_{service.upper()}_CONFIG_DIR": str(etc / service) for service in configurations},
        }
