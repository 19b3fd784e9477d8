"""A world whose cloud shows every object, so that a pass can be followed beyond its first build."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from controllers.request.surveys import Surveys
from infra.cloud import Answer
from infra.cloud_answers import Absent
from infra.engine import Built
from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.builder import Builder, Steps
from infra.provider.observed import Observed
from infra.provider.server import is_stillborn
from infra.stackplan import StackPlan
from tests.component.fake_cloud import FakeCloud
from tests.unit.world import World


class LimitedCloud(FakeCloud):
    """`answers` are what a test says about limits and hosts (by path); `fault` what befalls new servers."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Answer] = {}
        self.fault: Answer | None = None

    def admin(self) -> LimitedCloud:
        return self

    async def get(self, service: Any, path: str, query: Any = None, *, microversion: str | None = None) -> Answer:
        if path.split("/")[0] in {"servers", "volumes"}:
            return await super().get(service, path, query)
        if path not in self.answers:
            raise Absent(f"nothing is known of {path}")
        return self.answers[path]

    def all(self, collection: str) -> list[Answer]:
        """With Nova's fault."""
        found = super().all(collection)
        for server in found if collection == "servers" else ():
            if server["status"] == "ERROR":
                server["fault"] = self.fault
        return found

    async def list(self, service: Any, path: str, query: Any = None) -> list[Answer]:
        """No subnet of anybody is taken."""
        return [] if query and "fields" in query else await super().list(service, path.lstrip("/"), query)


@dataclass(slots=True)
class BuilderEngine:
    """The engine without Pulumi: everything planned is made, one after the other."""

    cloud: LimitedCloud
    failure: Exception | None = None
    passes: int = 0
    discarded: list[list[str]] = field(default_factory=list)

    async def converge(self, plan: StackPlan, *, observed: Observed | None, on_progress: Any) -> Built:
        self.passes += 1
        if self.failure is not None:
            raise self.failure
        self.cloud.new_server_status = "ERROR" if self.cloud.fault else "ACTIVE"
        builder = Builder(self.cloud, authority_of(plan), observed or Observed(plan.origin.uid), Steps(99, on_progress))
        return Built({one.name: (await builder.ensure(one)).id for one in planned_objects(plan).values()})

    async def discard_faulty(self, plan: StackPlan, observed: Observed, *, on_progress: Any) -> Observed:
        gone = [found for found in observed.objects if is_stillborn(found.raw)]
        self.discarded += [[found.name for found in gone]] if gone else []
        for found in gone:
            await self.cloud.delete("compute", f"servers/{found.id}")
        return observed.without(gone)


class WholeWorld(World):
    """As `World`, over one cloud for everybody."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud = LimitedCloud()
        self.builder = BuilderEngine(self.cloud)
        source, settings = cast(Any, self.cloud), replace(self.parts.settings, server_poll_seconds=0.0)
        surveys, engine = Surveys(source), cast(Any, self.builder)
        self.parts = replace(self.parts, settings=settings, clouds=source, surveys=surveys, engine=engine)
