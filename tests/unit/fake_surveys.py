"""The cloud of the small world: servers that are there at once, and pools in which nothing is taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from infra.catalogue import observe_prefixes
from infra.planned import planned_objects
from infra.provider.observe import ProjectListing
from infra.stackplan import MARKER_PREFIX, Kind, StackPlan, marker


class FakeClouds:
    """A pool in which nothing is taken."""

    def admin(self) -> FakeClouds:
        return self

    async def list(self, *_: Any) -> list[Any]:
        return []

    async def user_id(self) -> str:
        return "operator"


@dataclass(slots=True)
class FakeSurveys:
    """The cloud, as far as servers go; `build` makes each planned one anew."""

    servers_of: list[dict[str, Any]] = field(default_factory=list)
    by_hand: ProjectListing = field(default_factory=lambda: ProjectListing({}))
    failure: Exception | None = None
    looks: int = 0
    asked: list[str] = field(default_factory=list)  # while servers are waited for
    new_status: str = "ACTIVE"
    managed: list[str] = field(default_factory=list)  # addresses in use in the management network
    pools: FakeClouds = field(default_factory=FakeClouds)

    def build(self, plan: StackPlan) -> None:
        self.servers_of.clear()
        for name, item in planned_objects(plan).items():
            if item.kind is Kind.SERVER:
                text = marker(plan.origin.uid, name, item.fingerprint)
                identity = {"id": f"id-{name}", "name": item.inputs["name"], "metadata": {MARKER_PREFIX: text}}
                what = {"flavor": {"id": item.inputs["flavor_id"]}, "image": {"id": item.inputs["image_id"]}}
                self.servers_of.append({**identity, **what, "status": self.new_status, "created": "1"})

    async def everything(self, project_id: str, *, not_before: float) -> ProjectListing:
        self.looks += 1
        servers = await self.servers(project_id, not_before=not_before)
        everybodys = [*self.by_hand[Kind.SERVER], *servers[Kind.SERVER]]
        return ProjectListing({**self.by_hand.collections, Kind.SERVER: everybodys})

    async def servers(self, project_id: str, *, not_before: float) -> ProjectListing:
        self.asked.append("servers")
        if self.failure is not None:
            raise self.failure
        return ProjectListing({Kind.SERVER: self.servers_of})

    async def building(self, project_id: str, *, not_before: float) -> frozenset[str]:
        self.asked.append("building")
        if self.failure is not None:
            raise self.failure
        return frozenset(raw["id"] for raw in self.servers_of if raw["status"] == "BUILD")

    async def management_addresses(self, network_id: str, *, not_before: float) -> list[str]:
        self.looks += 1
        return self.managed

    async def prefixes(self, subnet_pool_id: str, *, not_before: float) -> list[str]:
        return await observe_prefixes(cast(Any, self.pools.admin()), subnet_pool_id)

    async def transits(self, *, not_before: float) -> list[str]:
        return []

    async def routers(self, project_id: str, *, not_before: float) -> list[Any]:
        return []
