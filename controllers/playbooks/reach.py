"""How Ansible reaches a host: as whom, with which key, through what, and only the host whose key is pinned. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class GuestAccess:
    """As the operator was given it. `host_keys` holds `<server id>/host_key.pub`, written by the platform.

    `source_proxy` is the way to hosts of systems that are still outside the cloud; without it they are called directly.
    """

    key: Path | None = None
    host_keys: Path | None = None
    user: str = "root"
    proxy: str = ""
    source_proxy: str = ""
    deadline_seconds: float = 1800.0
    runs: int = 4


def connection(address: str, user: str, key: str, options: Sequence[str]) -> Mapping[str, Any]:
    """Ansible's variables of a host."""
    return {
        "ansible_host": address,
        "ansible_user": user,
        "ansible_become": user != "root",
        "ansible_ssh_private_key_file": key,
        "ansible_ssh_common_args": " ".join(options),
    }


def pinned_only(known_hosts: str) -> tuple[str, ...]:
    """With the pinned host key or not at all, and nothing of us is left there."""
    return (
        "-o StrictHostKeyChecking=yes",
        f'-o UserKnownHostsFile="{known_hosts}"',
        "-o BatchMode=yes",
        "-o GlobalKnownHostsFile=none",
        "-o IdentitiesOnly=yes",
        "-o ForwardAgent=no",
        # A host that vanished in the middle of a session ends the session, and not only the deadline of all.
        "-o ServerAliveInterval=10",
        "-o ServerAliveCountMax=3",
    )


def by_proxy(command: str) -> tuple[str, ...]:
    """Through a command, if there is one."""
    return (f'-o ProxyCommand="{command}"',) if command else ()
