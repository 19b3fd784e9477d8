"""Taking everything of guests away at the end of a sandbox; their disks stay with its state."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from infra.sandbox.errors import SandboxFailed
from infra.sandbox.guests.places import Places
from infra.sandbox.guests.wiring import processes_in, remove_namespaces, switch_of


def clear_guests(places: Places) -> None:
    """No process, no namespace and no port of a guest or outside host is left. The keeper must have ended before."""
    processes, names = places.processes, places.namespaces()
    for server in processes.names():
        processes.end(server, grace_seconds=0)
    for pid in processes_in(names):  # what people left running in there
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if names:
        forget_ports(places)
    remove_namespaces(names)
    places.seen.unlink(missing_ok=True)


def forget_ports(places: Places) -> None:
    """The switch's database outlives it, and would look for the wires at the next start. Nobody has to carry it out."""
    switch = switch_of(places)
    with suppress(SandboxFailed):  # the database may be dead: the keeper removes what is stale when it plugs anew
        switch.remove_ports([port for ports in switch.plugged().values() for port in ports], "--no-wait")
