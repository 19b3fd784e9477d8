"""Requests in the three zones as shipped, which ask flows of each other."""

from __future__ import annotations

from typing import Any

from controllers.api.plan import PlanSpec
from controllers.api.stored import APPROVALS, PLANS, REQUESTS, TENANTS, ZONES
from infra.stackplan import StackPlan
from tests.build import NAMESPACE, a_flow, a_server, a_spec, a_tenant, an_approval, resolved, shipped_zones
from tests.unit.world import World, versioned


def a_link_flow(request: str, servers: str, **fields: Any) -> dict[str, Any]:
    return a_flow(**{"from": {"request": request, "servers": servers}, "ports": ["tcp/8080"], **fields})


class Tiers:
    """The three zones as shipped, and requests in them."""

    def __init__(self) -> None:
        self.world = World()
        projects, quotas = [], []
        for name, zone in shipped_zones().items():
            self.world.keep(ZONES, name, zone, status=resolved(zone), namespace="")
            projects.append({"zone": name, "id": f"project-{name}", "name": f"civil-affairs-{name}"})
            quotas.append({"zone": name, "servers": 20, "vcpus": 40, "memoryGiB": 80})
        tenant = a_tenant(quotas=quotas)
        self.world.keep(TENANTS, "civil-affairs", tenant, status={"projects": projects}, namespace="")

    def ask(self, name: str, zone: str, *flows: dict[str, Any], count: int = 1, generation: int = 1) -> None:
        servers = [a_server(name=name, count=count)]
        self.world.ask(
            a_spec(zone=zone, servers=servers, flows=[{**flow, "to": name} for flow in flows]),
            name,
            generation=generation,
        )

    async def rest(self, *names: str) -> int:
        """Pass after pass, as the events would wake them, until nothing is written; returns the number of rounds."""
        for rounds in range(10):
            before = self.writes()
            for name in names:
                await self.world.turn(name)
            if self.writes() == before:
                return rounds
        raise AssertionError("it does not come to rest")

    def writes(self) -> tuple[int, int]:
        return len(self.world.cluster.statuses), sum(1 for _ in self.world.cache.all(PLANS))

    def plan(self, name: str) -> PlanSpec:
        plan = self.world.cache.get(PLANS, NAMESPACE, self.world.status(name)["plan"])
        assert plan is not None
        return plan.spec

    def stack(self, name: str) -> StackPlan:
        return self.plan(name).stack

    def rules(self, name: str) -> set[tuple[str, str | None, int | None]]:
        """Of the request's one group, those about other requests."""
        rules = self.stack(name).groups[0].rules
        return {(one.direction, one.remote_addresses, one.port_first) for one in rules if one.remote_addresses}

    def gone(self, name: str) -> None:
        body = self.world.cache.body(REQUESTS, NAMESPACE, name)
        assert body is not None
        self.world.cache.drop(REQUESTS, body)


async def a_pair() -> Tiers:
    """`app` in the extranet calls `db` in the private network; both are planned."""
    tiers = Tiers()
    tiers.ask("app", "extranet")
    tiers.ask("db", "private", a_link_flow("app", "app"))
    await tiers.rest("app", "db")
    return tiers


def approve(tiers: Tiers, name: str) -> None:
    """Every stage of the newest plan."""
    plan = tiers.world.cache.get(PLANS, NAMESPACE, tiers.world.status(name)["plan"])
    assert plan is not None
    for stage in plan.spec.stages:
        approval = an_approval(plan, stage=stage.stage).spec
        tiers.world.keep(APPROVALS, f"{stage.stage}-of-{plan.meta.name}", approval)


def observed_status(tiers: Tiers, name: str, **changed: Any) -> None:
    """As if the operator had written it."""
    body = tiers.world.cache.body(REQUESTS, NAMESPACE, name)
    assert body is not None
    tiers.world.cache.keep(REQUESTS, versioned({**body, "status": {**body.get("status", {}), **changed}}))
