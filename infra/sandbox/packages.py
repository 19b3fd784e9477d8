"""The system's own packages: looked for by their programs, installed by apt-get when we may."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.sandbox.commands import run
from infra.sandbox.errors import SandboxFailed
from infra.sandbox.graph import Say
from infra.sandbox.layout import SYSTEM_PATH

# package -> a file that only it brings
PACKAGES: dict[str, tuple[str, ...]] = {
    "mariadb-server": ("mariadbd", "mariadb-install-db", "mariadb"),
    "openvswitch-switch": ("ovs-vswitchd", "ovsdb-server", "ovs-vsctl"),
    "ovn-central": ("ovn-northd",),
    "ovn-host": ("ovn-controller",),
    "iproute2": ("ip",),
    "ethtool": ("ethtool",),
    "util-linux": ("nsenter", "unshare", "setpriv", "pivot_root"),
    "openssh-server": ("sshd",),
    "socat": ("socat",),
}
# Seen from the guests, too: the machine lies below them.
DESKTOP_PACKAGES: dict[str, tuple[str, ...]] = {
    "fonts-dejavu-core": ("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",),
    "novnc": ("/usr/share/novnc/core/rfb.js",),
    "tigervnc-standalone-server": ("Xvnc",),
    "openbox": ("openbox",),
    "x11-xserver-utils": ("xsetroot",),
    "xterm": ("xterm",),
}
CINDER_PACKAGES: dict[str, tuple[str, ...]] = {"rabbitmq-server": ("rabbitmq-server",)}
POLICY = Path("/usr/sbin/policy-rc.d")


def ensure_root() -> None:
    """Network namespaces and the switch need it."""
    if os.geteuid() != 0:
        raise SandboxFailed("the sandbox makes network namespaces and must run as root: try `sudo kunlun sandbox up`")


def ensure_packages(wanted: Mapping[str, tuple[str, ...]], environ: Mapping[str, str], say: Say) -> None:
    """Install what is missing; SandboxFailed, naming it all, when that is impossible here."""
    missing = missing_packages(wanted)
    if not missing:
        return
    if shutil.which("apt-get", path=SYSTEM_PATH) is None:
        raise SandboxFailed(f"these packages are missing, and there is no apt-get to install them: {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    quiet = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    with services_stay_down():
        run(["apt-get", "update"], env=quiet)
        run(["apt-get", "install", "--yes", "--no-install-recommends", *missing], env=quiet, deadline_seconds=1800)
    if still := missing_packages(wanted):
        raise SandboxFailed(f"installed, but their programs are not there: {' '.join(still)}")


def missing_packages(wanted: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Packages of which a program is missing."""
    return [package for package, programs in wanted.items() if not all(map(_is_there, programs))]


def _is_there(program: str) -> bool:
    """A program by name, or any file by its path."""
    return Path(program).exists() if "/" in program else shutil.which(program, path=SYSTEM_PATH) is not None


@contextmanager
def services_stay_down() -> Iterator[None]:
    """Keep packages from starting their services at install (Debian policy, chapter 9.3.3.1: policy-rc.d)."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
