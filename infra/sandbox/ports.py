"""Where a sandbox listens: a base port chosen free and remembered, and a fixed offset for each service.

The range lies below the kernel's ephemeral ports. While a sandbox starts it holds a lock on its base, so
that two sandboxes starting at once choose different ones.
"""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from infra.sandbox.errors import SandboxFailed

Listener = Literal[
    "apiserver", "etcd", "etcd-peer", "controller-manager", "mariadb",
    "identity", "image", "placement", "compute", "network", "volume",
    "rabbitmq", "epmd", "erlang", "broker", "operator",
]  # fmt: skip

LISTENERS: tuple[Listener, ...] = get_args(Listener)
FIRST, LAST, STRIDE = 20_000, 32_000, 20


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one sandbox."""

    base: int

    def __getitem__(self, listener: Listener) -> int:
        return self.base + LISTENERS.index(listener)

    def url(self, listener: Listener) -> str:
        return f"http://127.0.0.1:{self[listener]}"

    def by_name(self) -> dict[str, int]:
        return {listener: self[listener] for listener in LISTENERS}


@contextmanager
def reserved_ports(claims: Path, *, remembered: int | None, in_use: bool) -> Iterator[Ports]:
    """Ports nobody else has, held until the block ends.

    A running sandbox (`in_use`) keeps what it has; a stopped one gets its old base again if that is still free.
    """
    claims.mkdir(parents=True, exist_ok=True)
    if remembered is not None and in_use:
        yield Ports(remembered)
        return
    candidates = [remembered] if remembered is not None else []
    for base in (*candidates, *range(FIRST, LAST, STRIDE)):
        with (claims / str(base)).open("w") as claim:
            if locked(claim.fileno()) and all(is_free(port) for port in Ports(base).by_name().values()):
                yield Ports(base)
                return
    raise SandboxFailed(f"no free ports between {FIRST} and {LAST}")


def locked(descriptor: int) -> bool:
    """Take the lock without waiting; False when somebody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_free(port: int) -> bool:
    """Whether nobody listens there; connections of a predecessor that are still closing do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
