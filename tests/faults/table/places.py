"""Places to live in: each a zone of its own, so that the calls, lists and logins of one project are one request's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from openstack.config import OpenStackConfig
from openstack.connection import Connection

from tests.conftest import Sandbox
from tests.crash.lane import Lane
from tests.e2e.story import NAMESPACE, a_server, eventually
from tests.faults.rules import Match, Rule
from tests.faults.table.script import ProjectScript
from tests.faults.table.statuses import Statuses

MODEL = "internet"  # the zone in which a request has every kind of object
MOST_PLACES = 13
"""A tenant has at most 16 zones, and three are there already."""


@dataclass(frozen=True, slots=True)
class Place:
    """A zone and the department's project in it. Requests live here one after another."""

    sandbox: Sandbox
    zone: str
    prefix: str
    project: str
    script: ProjectScript
    statuses: Statuses
    operator_pid: Callable[[], int | None]
    stopping: threading.Event

    def spec(self) -> dict[str, Any]:
        """What differs from the ordinary request of the end-to-end tests."""
        counter = self.prefix.replace(".0.0/16", ".200.0/24")
        flow = {"from": {"cidr": counter}, "to": "web", "ports": ["tcp/443"], "purpose": "counter"}
        return {"zone": self.zone, "flows": [flow], "servers": [a_server(publicAddress=True)]}

    def called_spec(self, caller: str) -> dict[str, Any]:
        """The same with a flow from another request that lives here."""
        source = {"request": caller, "servers": "web"}
        flow = {"from": source, "to": "web", "ports": ["tcp/8080"], "purpose": "the request before"}
        spec = self.spec()
        return {**spec, "flows": [*spec["flows"], flow]}

    def caller_spec(self) -> dict[str, Any]:
        """A request that only calls."""
        return {"zone": self.zone, "flows": []}


@contextmanager
def places(lane: Lane, number: int, statuses: Statuses) -> Iterator[list[Place]]:
    """So many places; their zones are taken back afterwards (their empty projects stay)."""
    if not number:
        yield []
        return
    assert number <= MOST_PLACES, f"at most {MOST_PLACES} places"
    zones = {f"faults-{place}": f"10.{180 + place}.0.0/16" for place in range(number)}
    known = read(lane.sandbox, "tenant", NAMESPACE)["spec"]["quotas"]
    before = [quota for quota in known if quota["zone"] not in zones]
    try:
        _offer(lane.sandbox, zones, before)
        projects = _projects(lane.sandbox)
        yield [_place(lane, zone, prefix, projects[zone], statuses) for zone, prefix in zones.items()]
    finally:
        _patch_quotas(lane.sandbox, before)
        lane.sandbox.kubectl("admin", "delete", "zones", *zones, "--ignore-not-found")


def operator_pid(lane: Lane) -> int | None:
    """The operator under test, if it lives."""
    return lane.operator.table.alive(lane.operator.name)


def read(sandbox: Sandbox, kind: str, name: str) -> dict[str, Any]:
    """An object as the administrator sees it."""
    return dict(json.loads(sandbox.kubectl("admin", "get", kind, name, "-o", "json").stdout))


def _place(lane: Lane, zone: str, prefix: str, project: str, statuses: Statuses) -> Place:
    script = ProjectScript(project=project)
    lane.book.add(Rule(Match(where=script.owns), script, count=None))
    return Place(
        sandbox=lane.sandbox,
        zone=zone,
        prefix=prefix,
        project=project,
        script=script,
        statuses=statuses,
        operator_pid=partial(operator_pid, lane),
        stopping=lane.stopping,
    )


def _offer(sandbox: Sandbox, zones: dict[str, str], quotas: list[dict[str, Any]]) -> None:
    """Subnet pools, zones on them, and the department's quota in them; returns when its projects are there."""
    _make_pools(sandbox, zones)
    model = read(sandbox, "zone", MODEL)
    manifests = [
        {
            **{key: model[key] for key in ("apiVersion", "kind")},
            "metadata": {"name": zone},
            "spec": {**_within(zone, model["spec"]), "subnetPool": zone, "prefixes": [prefix], "reservedPrefixes": []},
        }
        for zone, prefix in zones.items()
    ]
    items = {"apiVersion": "v1", "kind": "List", "items": manifests}
    sandbox.kubectl("admin", "apply", "-f", "-", input=json.dumps(items))
    sandbox.kubectl("admin", "wait", "zones", *zones, "--for=condition=Ready", "--timeout=60s")
    mine = next(quota for quota in quotas if quota["zone"] == MODEL)
    _patch_quotas(sandbox, [*quotas, *({**mine, "zone": zone} for zone in zones)])
    assert eventually(lambda: zones.keys() <= _projects(sandbox).keys()), "the department got no projects"


def _within(zone: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A zone's spec that permits what stays within this zone, too."""
    flow = {"from": {"zone": zone}, "ports": ["tcp/1-65535"], "purpose": "within the zone"}
    return {**spec, "flows": [flow, *spec["flows"]]}


def _patch_quotas(sandbox: Sandbox, quotas: list[dict[str, Any]]) -> None:
    patch = json.dumps({"spec": {"quotas": quotas}})
    sandbox.kubectl("admin", "patch", f"tenants/{NAMESPACE}", "--type=merge", f"--patch={patch}")


def _projects(sandbox: Sandbox) -> dict[str, str]:
    return {item["zone"]: item["id"] for item in read(sandbox, "tenant", NAMESPACE)["status"].get("projects", ())}


def _make_pools(sandbox: Sandbox, zones: dict[str, str]) -> None:
    cloud = Connection(config=OpenStackConfig(config_files=[str(sandbox.clouds)]).get_one(cloud="admin"))
    try:
        for name, prefix in zones.items():
            if not list(cloud.network.subnet_pools(name=name)):
                cloud.network.create_subnet_pool(
                    name=name, prefixes=[prefix], default_prefixlen=28, min_prefixlen=16, max_prefixlen=29
                )
    finally:
        cloud.close()
