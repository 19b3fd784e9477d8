"""Faults on the calls that keep zones and tenants: each object meets rows of its own, one after another."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product

from infra.correlation import call_id
from tests.crash.lane import Interrupted, Lane
from tests.faults.calls import Kind
from tests.faults.rules import Match, Rule
from tests.faults.table.calls import OF_TENANTS, OF_ZONES
from tests.faults.table.faults import EVERYWHERE, OF_LISTS
from tests.faults.table.judging import Result
from tests.faults.table.lives import Forms, row_of
from tests.faults.table.places import MODEL, operator_pid, read
from tests.faults.table.rows import Row
from tests.faults.table.script import Script
from tests.faults.table.statuses import Shown, Statuses

PATIENCE_SECONDS = 90.0
POLL_SECONDS = 0.2
SETTLING_SECONDS = 1.0
"""What one row leaves behind, such as the event of a status that was written, must not meet the next one."""
NAME = "faults-kept"
ZONE, TENANT = "zone", "tenant"


def every_upkeep_row(forms: Forms) -> list[Row]:
    """The part of the table that is about zones and tenants."""
    of_zones = [*product(EVERYWHERE, OF_ZONES), *product(OF_LISTS, OF_ZONES)]
    rows = [row_of(pair, forms, ZONE) for pair in of_zones]
    return rows + [row_of(pair, forms, TENANT) for pair in product(EVERYWHERE, OF_TENANTS)]


@dataclass(slots=True)
class Kept:
    """A zone or a tenant that is changed for each row, so that the operator looks after it."""

    lane: Lane
    kind: str
    name: str
    statuses: Statuses
    script: Script = field(default_factory=Script)

    def results(self, rows: Sequence[Row], heard: Callable[[Result], None]) -> list[Result]:
        """Every row, from the change until the call that met the fault went through."""
        found = []
        for number, row in enumerate(rows):
            pid = operator_pid(self.lane)
            self.script.rows = (row,)
            self._change(number)
            self._until_over(row)
            shown = self._shown()[-1:]
            unfinished = "" if row.went_on else f"not asked again; {shown[0].reason if shown else 'nothing shown'}"
            lived = pid is not None and operator_pid(self.lane) == pid
            found.append(Result(row, row.went_on or time.monotonic(), lived, (), unfinished))
            heard(found[-1])
            self.lane.stopping.wait(SETTLING_SECONDS)
        self.script.rows = ()
        return found

    def _change(self, number: int) -> None:
        """Any event wakes a zone; a tenant does something only for another spec."""
        changed = {"description": f"row {number}"} if self.kind == ZONE else {"monthlyBudgetYuan": 1000 + number}
        patch = f"--patch={json.dumps({'spec': changed})}"
        self.lane.sandbox.kubectl("admin", "patch", self.kind, self.name, "--type=merge", patch)

    def _until_over(self, row: Row) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while row.went_on is None and time.monotonic() < deadline:
            if self.lane.stopping.is_set():
                raise Interrupted
            time.sleep(POLL_SECONDS)
            row.see(self._shown(), time.monotonic())
            if row.may_end(time.monotonic()):
                row.end(time.monotonic())
        self.statuses.looked_again()

    def _shown(self) -> list[Shown]:
        return self.statuses.history(self.name)


def shared_out(rows: Sequence[Row], kept: Sequence[Kept]) -> list[tuple[Kept, list[Row]]]:
    """To each object rows of its kind."""
    found: list[tuple[Kept, list[Row]]] = []
    for kind in (ZONE, TENANT):
        takers = [one for one in kept if one.kind == kind]
        mine = [row for row in rows if row.of == kind]
        found += [(taker, mine[place :: len(takers)]) for place, taker in enumerate(takers)]
    return found


@contextmanager
def kept_objects(lane: Lane, tenants: int) -> Iterator[list[Kept]]:
    """A zone and so many tenants, none for 0; all of them go afterwards, with the tenants' projects."""
    if not tenants:
        yield []
        return
    kubeconfig = lane.sandbox.home / "kubeconfig"
    names = [f"{NAME}-{number}" for number in range(tenants)]
    with Statuses(kubeconfig, "zones") as zones, Statuses(kubeconfig, "tenants") as of_tenants:
        try:
            _make(lane, names)
            found = [_kept(lane, ZONE, NAME, zones, OF_ZONES)]
            yield found + [_kept(lane, TENANT, name, of_tenants, OF_TENANTS) for name in names]
        finally:
            lane.sandbox.kubectl("admin", "delete", "tenants", *names, "--ignore-not-found", "--timeout=60s")
            lane.sandbox.kubectl("admin", "delete", "zones", NAME, "--ignore-not-found")


def _make(lane: Lane, tenants: Sequence[str]) -> None:
    model = read(lane.sandbox, "zone", MODEL)
    head = {"apiVersion": model["apiVersion"]}
    items = [{**head, "kind": "Zone", "metadata": {"name": NAME}, "spec": model["spec"]}]
    for name in tenants:
        spec = {"displayName": name, "namespace": name, "monthlyBudgetYuan": 1, "quotas": [{"zone": MODEL}]}
        items.append({**head, "kind": "Tenant", "metadata": {"name": name}, "spec": spec})
    kubectl = lane.sandbox.kubectl
    kubectl("admin", "apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    kubectl("admin", "wait", f"zones/{NAME}", "--for=condition=Ready", "--timeout=60s")
    kubectl("admin", "wait", "tenants", *tenants, "--for=condition=Ready", "--timeout=120s")


def _kept(lane: Lane, kind: str, name: str, statuses: Statuses, calls: Sequence[Kind]) -> Kept:
    """The faults meet the calls made for it: other zones and the audit make the same ones, in their own time."""
    kept = Kept(lane, kind, name, statuses)
    cause = call_id(read(lane.sandbox, kind, name)["metadata"]["uid"])
    lane.book.add(Rule(Match(where=lambda call: call.kind in calls and call.cause == cause), kept.script, count=None))
    return kept
