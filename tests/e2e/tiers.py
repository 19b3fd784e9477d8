"""Three requests in three zones, each called by the one before it, and everybody who has to sign for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from infra.planned import planned_objects
from infra.provider.observe import list_project, list_routers, observed_from_listing
from infra.provider.observed import Difference, Observed, differences
from infra.stackplan import StackPlan
from tests.cloud import kept_clouds
from tests.e2e.story import Sandbox, Story, a_server, eventually

ZONES = {"web": "internet", "app": "extranet", "db": "private"}
OFFICERS = {"resource-office": "officer", "security": "security", "finance": "finance"}
PATIENCE_SECONDS = 480.0


@dataclass(frozen=True, slots=True)
class Tiers:
    """The stories by their tier."""

    sandbox: Sandbox
    stories: dict[str, Story]
    callers: dict[str, str | None] = field(default_factory=dict)

    def ask(self, tier: str, caller: str | None = None, *, count: int = 1) -> None:
        """Servers that `caller` may call on tcp/8080; without one, nobody."""
        self.callers[tier] = caller
        flow = {"to": tier, "ports": ["tcp/8080"], "purpose": "the tier before"}
        source = {"request": self.stories[caller].name, "servers": caller} if caller else {}
        self.stories[tier].apply(
            zone=ZONES[tier],
            servers=[a_server(name=tier, count=count)],
            flows=[{"from": source, **flow}] if caller else [],
        )

    def sign(self, *tiers: str) -> None:
        """Every officer approves the newest plans, until each is in force, with the calls that are asked for."""
        assert eventually(lambda: self._are_signed(tiers), PATIENCE_SECONDS), self.told()

    def ready(self, *tiers: str) -> None:
        self.sign(*tiers)
        for tier in tiers:
            self.stories[tier].ready(PATIENCE_SECONDS)

    def stack(self, tier: str) -> StackPlan:
        """What is in force."""
        story = self.stories[tier]
        return story.plan(story.read()["status"]["approvedPlan"]).stack

    def observed(self, tier: str) -> Observed:
        """What OpenStack shows of a tier, on other tiers' routers too."""
        return asyncio.run(observe_stack(self.sandbox, self.stack(tier)))

    def unplanned(self, *tiers: str) -> list[str]:
        """Where the cloud is not exactly what the plans in force say, but for what waits for another's signature."""
        found = [(tier, one) for tier in tiers for one in self._differences(tier)]
        return [f"{tier}: {one.deviation} {one.kind} {one.name} {one.fields}" for tier, one in found]

    def _differences(self, tier: str) -> list[Difference]:
        stack, observed = self.stack(tier), self.observed(tier)
        signed = [other for other in self.stories if "approvedPlan" in self.stories[other].read().get("status", {})]
        callers = {self.stack(other).origin.uid for other in signed if self._calls(other, stack)}
        unsigned = frozenset(link.uid for link in stack.links) - callers
        return differences(planned_objects(stack), replace(observed, barred=unsigned))

    def _calls(self, other: str, stack: StackPlan) -> bool:
        return any(call.uid == stack.origin.uid for call in self.stack(other).calls)

    def _are_signed(self, tiers: tuple[str, ...]) -> bool:
        """Each is asked, so that nobody waits for somebody else's signature."""
        signed = [self._is_signed(tier) for tier in tiers]
        return all(signed)

    def _called_by(self, tier: str) -> set[str]:
        """Uids of the others that asked to be called by a tier: its plan follows theirs a moment later."""
        asked = [self.stories[called].read() for called, caller in self.callers.items() if caller == tier]
        return {str(request["metadata"]["uid"]) for request in asked if request}

    def told(self) -> dict[str, object]:
        return {tier: story.read().get("status", {}).get("conditions") for tier, story in self.stories.items()}

    def _is_signed(self, tier: str) -> bool:
        story = self.stories[tier]
        request = story.read()
        status = request.get("status", {})
        if status.get("observedGeneration") != request["metadata"]["generation"] or "plan" not in status:
            return False
        if status["plan"] == status.get("approvedPlan"):
            stack = story.plan(status["plan"]).stack
            calls = {call.uid for call in stack.calls}
            return stack.origin.generation == request["metadata"]["generation"] and calls == self._called_by(tier)
        decided = {one["stage"] for one in status.get("approvals", ())}
        for stage in set(status.get("requiredStages", ())) - decided:
            story.decide(status["plan"], OFFICERS[stage], stage=stage)
        return False


async def observe_stack(sandbox: Sandbox, stack: StackPlan) -> Observed:
    """What OpenStack shows of a stack, on other requests' routers too."""
    cloud = kept_clouds(sandbox.home / "clouds.yaml").project(stack.project.id)
    listing = await list_project(cloud)
    beyond = [raw for link in stack.links for raw in await list_routers(cloud, link.project_id)]
    return observed_from_listing(replace(listing, beyond=(*listing.beyond, *beyond)), stack.origin.uid)


def gone(story: Story) -> None:
    """Delete a request, and wait until nothing is left of it."""
    story.delete(wait=False)
    assert eventually(lambda: not story.read(), PATIENCE_SECONDS), story.read().get("status")


@contextmanager
def tiers(sandbox: Sandbox, name: str) -> Iterator[Tiers]:
    """Three names; whatever was asked for is gone afterwards."""
    stories = {tier: Story(sandbox, f"{name}-{tier}") for tier in ZONES}
    try:
        yield Tiers(sandbox, stories)
    finally:
        for story in stories.values():
            story.delete(wait=False)
        for story in stories.values():
            gone(story)
