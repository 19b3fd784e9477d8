"""A guest's machine: a root of its own over this one's, and an SSH server in namespaces of its own."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.kernel import KernelLine
from infra.sandbox.errors import SandboxFailed
from infra.sandbox.guests.packages import begin_with
from infra.sandbox.guests.places import NAMESPACES, GuestFolder, Places
from infra.sandbox.layout import SYSTEM_PATH, write_private
from infra.sandbox.processes import Program
from infra.sandbox.waiting import wait_until

SCRIPT = Path(__file__).parent / "body.sh"
SSH_SECONDS = 20.0
SSH_LISTENS = ":0016 "  # port 22 as proc(5) writes it
LISTENING = " 0A "
SSHD_CONFIG = """\
# Of the guest's own; a playbook may change it.
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
Subsystem sftp internal-sftp
"""


def ensure_key(path: Path, comment: str) -> str:
    """An Ed25519 key in OpenSSH's format, `.pub` beside it; returns the public line."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        ssh, plain = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        public = key.public_key().public_bytes(ssh, plain).decode()
        path.with_name(f"{path.name}.pub").write_text(f"{public} {comment}\n")
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        write_private(path, private.decode())
    return path.with_name(f"{path.name}.pub").read_text()


def prepare_disk(places: Places, folder: GuestFolder, name: str) -> None:
    """The layer that the guest writes to, as after a first boot; one that exists is left alone.

    Opaque folders hide what lies below: the machine's own keys, and this sandbox with its passwords.
    """
    if folder.disk.exists():
        return
    fresh = folder.path / "disk.new"
    shutil.rmtree(fresh, ignore_errors=True)
    folder.host_key.unlink(missing_ok=True)  # another disk is another machine
    host_key = ensure_key(folder.host_key, name)
    for part in ("upper", "work", "root"):
        (fresh / part).mkdir(parents=True)
    upper = fresh / "upper"
    begin_with(upper, places.packages)
    for hidden in ("etc/ssh", "root", str(places.layout.home).lstrip("/")):
        hide(upper, hidden)
    (upper / "root").chmod(0o700)
    (upper / "root/.ssh").mkdir(mode=0o700)
    write_private(upper / "root/.ssh/authorized_keys", ensure_key(places.ssh_key, "kunlun-sandbox"))
    write_private(upper / "etc/ssh/ssh_host_ed25519_key", folder.host_key.read_text())
    (upper / "etc/ssh/ssh_host_ed25519_key.pub").write_text(host_key)
    (upper / "etc/ssh/sshd_config").write_text(SSHD_CONFIG)
    (upper / "etc/machine-id").write_text(f"{uuid.UUID(folder.server).hex}\n")
    (upper / "etc/resolv.conf").write_text("")
    write_name(upper, name)
    fresh.rename(folder.disk)


def hide(upper: Path, path: str) -> None:
    """An empty folder in the layer, in the place of what the lower one has (overlayfs documentation, "opaque")."""
    folder = upper / path
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        os.setxattr(folder, "trusted.overlay.opaque", b"y")
    except OSError as error:
        raise SandboxFailed(f"guests need a file system that can hold overlays below {upper}: {error}") from error


def write_name(upper: Path, name: str) -> None:
    (upper / "etc/hostname").write_text(f"{name}\n")
    (upper / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n")


def start(places: Places, folder: GuestFolder, name: str) -> None:
    """The guest runs, from its disk as it is; one that ran before is ended. It may not answer yet."""
    stop(places, folder)
    prepare_disk(places, folder, name)
    network = NAMESPACES / places.guest_namespace(folder.server)
    argv = (
        "nsenter", f"--net={network}", "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL",
        "--propagation=private", "/bin/sh", str(SCRIPT), str(folder.disk / "root"), str(folder.disk), name,
    )  # fmt: skip
    environ = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}
    places.processes.launch(Program(folder.server, argv, folder.path / "log", environ))


def await_ssh(places: Places, folder: GuestFolder) -> None:
    """Return when the guest's SSH server listens. Raises SandboxFailed when the guest has ended instead."""

    def listens() -> bool:
        if places.processes.alive(folder.server) is None:
            raise SandboxFailed(f"guest {folder.server} ended while starting; its log is {folder.path / 'log'}")
        init = first_process(places, folder.server)
        return init is not None and listens_for_ssh(init)

    wait_until(f"SSH of guest {folder.server}", listens, deadline_seconds=SSH_SECONDS, every_seconds=0.02)


def stop(places: Places, folder: GuestFolder) -> None:
    """Everything in the guest ends at once: its first process does, and the kernel ends the rest."""
    places.processes.end(folder.server, grace_seconds=0)


def first_process(places: Places, server: str) -> int | None:
    """The guest's process number 1, as this machine counts it; None when the guest does not run."""
    return next((line.pid for line in places.processes.members(server) if is_first(line)), None)


def is_first(line: KernelLine) -> bool:
    """Whether it is process 1 in a namespace below ours (proc(5), NSpid)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for row in Path(f"/proc/{line.pid}/status").read_text().splitlines():
            if row.startswith("NSpid:"):
                numbers = row.split()[1:]
                return len(numbers) > 1 and numbers[-1] == "1"
    return False


def listens_for_ssh(pid: int) -> bool:
    """Whether somebody in the process's network listens on port 22."""
    with suppress(FileNotFoundError, ProcessLookupError):
        rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()
        return any(SSH_LISTENS in row and LISTENING in row for row in rows)
    return False
