"""What the disks of guests begin with: the packages that roles need, installed once into a layer that is then copied.

Guests have no package source, as servers of a government cloud have none but the provider's. The machine itself gets
nothing: its own packages lie below, and the layer is made anew when they change.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.sandbox.commands import run
from infra.sandbox.errors import SandboxFailed

PACKAGES = (
    "auditd", "haproxy", "hey", "libpam-pwquality", "nftables", "nginx", "postgresql", "rsync", "systemd-timesyncd",
    "unattended-upgrades",
)  # fmt: skip
INSTALLED = Path("/var/lib/dpkg/status")
SCRIPT = Path(__file__).parent / "packages.sh"
INSTALL_SECONDS = 600.0


def ensure_layer(cache: Path, link: Path, environ: Mapping[str, str]) -> None:
    """`link` leads to the layer for this machine as it is. Where nothing can be installed, guests begin without."""
    layers = cache / "guest-packages"
    layers.mkdir(parents=True, exist_ok=True)
    layer = layers / _key()
    with (layers / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not layer.exists():
                _install(layer, environ)
        except SandboxFailed:
            link.unlink(missing_ok=True)
            return
    link.unlink(missing_ok=True)
    link.symlink_to(layer)


def begin_with(upper: Path, link: Path) -> None:
    """Copy the layer, if there is one, to where a guest will write. Whiteouts and attributes are part of it."""
    if link.exists():
        run(["cp", "--archive", "--reflink=auto", f"{link.resolve()}/.", upper])


def _install(layer: Path, environ: Mapping[str, str]) -> None:
    fresh = layer.with_name(f".{layer.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in ("upper", "work", "root"):
        (fresh / part).mkdir(parents=True)
    inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation=private"]
    quiet = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*inside, "/bin/sh", SCRIPT, fresh, *PACKAGES], env=quiet, deadline_seconds=INSTALL_SECONDS)
    (fresh / "upper").rename(layer)
    shutil.rmtree(fresh, ignore_errors=True)


def _key() -> str:
    """Of the packages below and of those on top."""
    installed = INSTALLED.read_bytes() if INSTALLED.exists() else b""
    return hashlib.sha256(installed + SCRIPT.read_bytes() + " ".join(PACKAGES).encode()).hexdigest()[:16]
