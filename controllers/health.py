"""Whether this process is alive and ready, decided from signs. Pure.

Alive: the event loop answers at all (that is what the question itself proves) and, of one that leads, every watch has
been heard of lately. A new process is the cure for what is not alive, so nothing counts here that a new process would
not change: neither an API server that is away (then the Lease is lost, and the operator begins anew by itself), nor
kinds that are not installed, nor a full disk.

Ready: it does what its role asks. One that leads has read every list; one that stands by hears about the Lease, so it
can take over. A standby is ready on purpose: roll-outs and disruption budgets wait for readiness, and two replicas of
which only one may ever be ready could never be rolled out. Who works is told by the metric `kunlun_leading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controllers.hearing import DEAD_SECONDS

UNANSWERED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Signs:
    """What can be seen of the process. Without a Lease it waits for its state folder."""

    candidate: bool = False
    leading: bool = False
    unanswered_seconds: float = 0.0  # about the Lease
    silences: Mapping[str, float] = field(default_factory=dict)
    lists_in: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """`because` is for people."""

    well: bool
    because: str


def liveness(signs: Signs, *, dead_seconds: float = DEAD_SECONDS) -> Health:
    """Whether it should go on."""
    dead = [f"{kind} ({seconds:.0f} s)" for kind, seconds in signs.silences.items() if seconds > dead_seconds]
    if dead:
        return Health(False, f"nothing is heard of the watches of {', '.join(dead)}")
    return Health(True, "every watch is heard of" if signs.silences else role(signs))


def readiness(signs: Signs, *, dead_seconds: float = DEAD_SECONDS) -> Health:
    """Whether it does what its role asks."""
    if not signs.candidate:
        return Health(False, "another operator uses the state folder")
    if signs.unanswered_seconds > UNANSWERED_SECONDS:
        return Health(False, "the Kubernetes API does not answer about the Lease")
    if not signs.leading:
        return Health(True, role(signs))
    if not signs.lists_in:
        return Health(False, "leads, and reads what there is")
    alive = liveness(signs, dead_seconds=dead_seconds)
    return Health(True, role(signs)) if alive.well else alive


def role(signs: Signs) -> str:
    """In words."""
    return "leads" if signs.leading else "stands by"
