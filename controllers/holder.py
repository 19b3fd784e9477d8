"""The name under which an operator leads: exact enough to prove, on the same machine, that its bearer is dead."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from infra.kernel import boot_id, is_gone, kernel_line, pid_namespace

PARTS = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """One process of one boot of one machine, for ever."""

    host: str
    boot: str
    pid_namespace: int
    pid: int
    start: int

    @classmethod
    def of_this_process(cls) -> Holder:
        line = kernel_line(os.getpid())
        return cls(socket.gethostname(), boot_id(), pid_namespace(), os.getpid(), line.start if line else 0)

    @classmethod
    def parsed(cls, identity: str) -> Holder | None:
        """None when the name was not given by us."""
        parts = identity.split("/")
        if len(parts) != PARTS or not all(part.isdigit() for part in parts[2:]):
            return None
        return cls(parts[0], parts[1], *map(int, parts[2:]))

    @property
    def identity(self) -> str:
        """As it stands in the Lease's `holderIdentity`."""
        return f"{self.host}/{self.boot}/{self.pid_namespace}/{self.pid}/{self.start}"

    def is_surely_gone(self, here: Holder) -> bool:
        """Whether the bearer has ended, seen from the process `here` (which must be the caller).

        Sound, because the same boot and the same pid namespace mean: the process table we see is the one the bearer
        lived in, and within a boot a pid with a start time is given once. The inode of a namespace is used again only
        when the namespace is gone with all its processes, so an equal number never hides a living bearer. Another boot
        or namespace, a process we cannot see, or a name we did not give prove nothing: then the Lease must expire.
        Not sound on a machine that was cloned while it ran and kept its host name: do not clone a running operator.
        Calls the dead process had sent may still arrive; the recovery delay after taking over covers them.
        """
        same_table = (self.host, self.boot, self.pid_namespace) == (here.host, here.boot, here.pid_namespace)
        return same_table and is_gone(self.pid, self.start)
