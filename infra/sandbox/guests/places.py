"""Where guests lie in the state folder and what their namespaces are called: what others may rely on.

`guests/<server id>/` holds `name`, `address`, `namespace` and `host_key.pub` of a plugged guest; the sandbox's own
key, which every guest lets in as root, is `guests/ssh_key`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.errors import SandboxFailed
from infra.sandbox.layout import Layout
from infra.sandbox.processes import ProcessTable
from infra.sandbox.record import read_record

NAMESPACES = Path("/run/netns")
REACH = Path(__file__).parent / "reach.sh"


@dataclass(frozen=True, slots=True)
class GuestFolder:
    """The folder of one guest."""

    path: Path

    @property
    def server(self) -> str:
        return self.path.name

    @property
    def name_file(self) -> Path:
        return self.path / "name"

    @property
    def address(self) -> Path:
        return self.path / "address"

    @property
    def namespace(self) -> Path:
        return self.path / "namespace"

    @property
    def host_key(self) -> Path:
        """The private half; `host_key.pub` beside it is for whoever pins it."""
        return self.path / "host_key"

    @property
    def host_key_pub(self) -> Path:
        return self.path / "host_key.pub"

    @property
    def record(self) -> Path:
        """What the guest was last made of, written when that was finished."""
        return self.path / "guest.json"

    @property
    def disk(self) -> Path:
        """The layer of the root that the guest writes to, and which rebuild of its server it belongs to."""
        return self.path / "disk"

    @property
    def rebuild(self) -> Path:
        return self.path / "rebuild"


@dataclass(frozen=True, slots=True)
class Places:
    """The guests of one sandbox."""

    layout: Layout
    base: int

    @property
    def folder(self) -> Path:
        return self.layout.home / "guests"

    @property
    def ssh_key(self) -> Path:
        """Logs in as root on every guest."""
        return self.folder / "ssh_key"

    @property
    def packages(self) -> Path:
        """Leads to what every disk begins with."""
        return self.layout.home / "guest-packages"

    @property
    def processes(self) -> ProcessTable:
        """Guests' processes are recorded apart from the sandbox's own programs, under the server's id."""
        return ProcessTable(self.layout.run / "guests")

    @property
    def prefix(self) -> str:
        """All namespaces of this sandbox but the switch's begin with it."""
        return f"kunlun-{self.base}-"

    @property
    def broker_key(self) -> Path:
        """What the broker of desktops logs in with; desktops know the public half."""
        return self.layout.home / "broker_key"

    def guest(self, server: str) -> GuestFolder:
        return GuestFolder(self.folder / server)

    @property
    def seen(self) -> Path:
        """Written by the keeper after every pass that saw the whole cloud."""
        return self.layout.run / "guests" / "seen"

    def outside(self, zone: str) -> Path:
        """What the outside host of a zone was last made of."""
        return self.folder / f"outside-{zone}.json"

    def guest_namespace(self, server: str) -> str:
        return f"{self.prefix}guest-{server}"

    def outside_namespace(self, zone: str) -> str:
        return f"{self.prefix}outside-{zone}"

    def management_namespace(self, network: str) -> str:
        """From which the operator reaches the guests of a zone; `network` begins with `management-`."""
        return f"{self.prefix}{network}"

    def namespaces(self) -> list[str]:
        """Those that exist."""
        return sorted(path.name for path in NAMESPACES.glob(f"{self.prefix}*"))

    def servers(self) -> list[str]:
        """The servers of which anything is here: a folder, a namespace, a process."""
        guests = self.guest_namespace("")
        found = {path.name for path in self.folder.glob("*/") if path.is_dir()}
        found |= {name.removeprefix(guests) for name in self.namespaces() if name.startswith(guests)}
        return sorted(found | set(self.processes.names()))

    def ensure_folders(self) -> None:
        for folder in (self.folder, self.processes.folder):
            folder.mkdir(exist_ok=True, mode=0o700)


def places_of(layout: Layout) -> Places:
    """The guests of the sandbox in this folder. Raises SandboxFailed when there is none."""
    base = read_record(layout).base
    if base is None:
        raise SandboxFailed(f"there is no sandbox in {layout.home}: `kunlun sandbox up` starts one")
    return Places(layout, base)


def proxy_of(places: Places) -> str:
    """How SSH reaches a guest, for `kunlun run --ssh-proxy`."""
    return f"sh {REACH} {places.management_namespace('management-{zone}')} {{gateway}} %h %p"


def source_proxy_of(places: Places) -> str:
    """How SSH reaches what lies beyond a zone's uplink, for `kunlun run --source-proxy`."""
    return f"ip netns exec {places.outside_namespace('{zone}')} socat - TCP4:%h:%p,connect-timeout=10"


def exists(namespace: str) -> bool:
    return (NAMESPACES / namespace).exists()
