"""A small world for reconciles: an API server, an engine and a cloud as plain objects that record what they did."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast

from controllers.api import FINALIZER
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.stored import APPROVALS, DECISIONS, PLANS, REQUESTS, SYSTEMS, TENANTS, ZONES, Kind, Meta
from controllers.cache import Cache
from controllers.cutover.parts import CutoverParts
from controllers.playbooks.moments import Course
from controllers.request.configuration import Configuration
from controllers.request.reconcile import reconcile
from controllers.request.roles import Playbooks
from controllers.settings import Settings
from infra.engine import Built
from infra.errors import ClusterUnavailable
from infra.planned import planned_objects
from infra.stackplan import Kind as CloudKind
from infra.stackplan import StackPlan
from policies.stages import load_stages
from tests.build import NAMESPACE, a_spec, a_system, a_tenant, a_zone, an_approval, resolved
from tests.unit.fake_surveys import FakeClouds, FakeSurveys

VERSIONS = count(1)
UID = "uid-1"


@dataclass(slots=True)
class FakeCluster:
    """Keeps what is written in the cache, as the watches would."""

    cache: Cache
    statuses: list[dict[str, Any]] = field(default_factory=list)
    finalizers: list[list[str]] = field(default_factory=list)
    entitled: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)  # as it was read
    failure: Exception | None = None  # of Events
    record: dict[str, dict[str, Any]] = field(default_factory=dict)  # of decisions, by name
    unserved: bool = False  # the kind Decision is not installed

    async def objects(self, kind: Kind[Any, Any], namespace: str, **_: Any) -> list[Any]:
        if kind is DECISIONS:
            return [] if self.unserved else [*self.record.values()]
        return [self.cache.body(kind, namespace, item.meta.name) for item in self.cache.all(kind, namespace)]

    async def create(self, kind: Kind[Any, Any], body: dict[str, Any]) -> dict[str, Any] | None:
        if kind is DECISIONS:
            return self._record(body)
        return versioned({**body, "metadata": {**body["metadata"], "uid": f"uid-of-{body['metadata']['name']}"}})

    def _record(self, body: dict[str, Any]) -> dict[str, Any] | None:
        name = body["metadata"]["name"]
        if self.unserved or name in self.record:
            return None
        self.record[name] = body["spec"]
        return body

    async def delete(self, kind: Kind[Any, Any], meta: Meta) -> None:
        body = self.cache.body(kind, meta.namespace, meta.name)
        if body is not None:
            self.cache.drop(kind, body)

    async def delete_unchanged(self, kind: Kind[Any, Any], meta: Meta) -> None:
        body = self.cache.body(kind, meta.namespace, meta.name)
        if body is not None and int(body["metadata"]["resourceVersion"]) != meta.version:
            raise ClusterUnavailable("it has changed")
        self.deleted.append(meta.name)

    async def apply_status(self, kind: Kind[Any, Any], meta: Meta, status: dict[str, Any]) -> dict[str, Any]:
        self.statuses.append(status)
        return versioned({**(self.cache.body(kind, meta.namespace, meta.name) or {}), "status": status})

    async def apply_finalizers(self, kind: Kind[Any, Any], meta: Meta, finalizers: list[str]) -> None:
        self.finalizers.append(finalizers)

    async def post_event(self, namespace: str, event: dict[str, Any]) -> None:
        if self.failure is not None:
            raise self.failure
        self.events.append(event)

    async def may_approve(self, *_: Any, **__: Any) -> bool:
        return self.entitled


@dataclass(slots=True)
class FakeEngine:
    """Builds what it is told, or fails as it is told; remembers what the status said when it was called."""

    world: World
    failure: Exception | None = None
    passes: list[tuple[str | None, bool]] = field(default_factory=list)  # (intent, whether anything was observed)
    removed: list[set[str]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    expected: dict[str, CloudKind] = field(default_factory=dict)  # at the end of a request
    stuck: Exception | None = None  # what forgetting meets
    at_work: tuple[int, int] = (0, 0)  # with a slot, and waiting for one

    def turns(self) -> tuple[int, int]:
        return self.at_work

    async def converge(self, plan: StackPlan, *, observed: Any, on_progress: Any) -> Built:
        self.passes.append((self.world.status(plan.origin.name).get("buildingPlan"), observed is not None))
        if self.failure is not None:
            raise self.failure
        self.world.surveys.build(plan)
        return Built({name: f"id-{name}" for name in planned_objects(plan)})

    async def forget(self, uid: str) -> None:
        if self.stuck is not None:
            raise self.stuck
        self.forgotten.append(uid)

    async def remove(
        self, origin: Any, project_id: str, *, expected: dict[str, CloudKind], discard: set[str], on_progress: Any
    ) -> list[str]:
        if self.failure is not None:
            raise self.failure
        self.expected = expected
        self.removed.append(discard)
        return []

    async def release(self, origin: Any, project_id: str, *, expected: dict[str, CloudKind], on_progress: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.expected = expected
        self.released.append(self.world.status(origin.name)["conditions"][-1]["message"])


@dataclass(slots=True)
class FakeConfigurator:
    """Configures what it is told, or fails as it is told; remembers what it was told."""

    playbooks: Playbooks = field(default_factory=Playbooks)
    runs: list[Configuration] = field(default_factory=list)
    failure: Exception | None = None

    async def configure(self, uid: str, wanted: Configuration, *, on_progress: Any) -> Course:
        self.runs.append(wanted)
        if self.failure is not None:
            raise self.failure
        return Course(1, ended="successful")


class NoRunner:
    """No cutover runs here."""

    def tell(self, _: Any) -> None: ...


class World:
    """A department with a registered system, a zone and a project; requests come and go."""

    def __init__(self) -> None:
        self.cache, self.clock, self.today = Cache(), 1000.0, "2026-01-01T00:00:00Z"
        self.cluster, self.surveys = FakeCluster(self.cache), FakeSurveys()
        self.engine, self.configurator = FakeEngine(self), FakeConfigurator()
        self.parts = CutoverParts(
            runner=cast(Any, NoRunner()),
            cluster=cast(Any, self.cluster),
            cache=self.cache,
            clouds=cast(Any, FakeClouds()),
            settings=Settings(
                "cloud",
                None,
                None,
                Path("pulumi"),
                Path("state"),
                second_looks_seconds=(0, 0),
                broker_key="ssh-ed25519 A",
            ),
            now=lambda: self.today,
            monotonic=lambda: self.clock,
            started=0.0,
            engine=cast(Any, self.engine),
            surveys=cast(Any, self.surveys),
            configurator=cast(Any, self.configurator),
            procedure=load_stages(),
        )
        zone = a_zone()
        self.keep(ZONES, "extranet", zone, status=resolved(zone), namespace="")
        project = {"projects": [{"zone": "extranet", "id": "project-1", "name": "civil-affairs-extranet"}]}
        self.keep(TENANTS, "civil-affairs", a_tenant(), status=project, namespace="")
        self.keep(SYSTEMS, "permit-portal", a_system())

    def keep(self, kind: Kind[Any, Any], name: str, spec: Any, *, status: Any = None, **metadata: Any) -> None:
        """As if a watch had brought it."""
        meta = {"name": name, "namespace": NAMESPACE, "uid": f"uid-of-{name}", "generation": 1} | metadata
        body = {"metadata": meta, "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True)}
        if status is not None:
            body["status"] = status if isinstance(status, dict) else status.model_dump(mode="json", by_alias=True)
        self.cache.keep(kind, versioned(body))

    def ask(self, spec: ResourceRequestSpec | None = None, name: str = "permit-portal", **metadata: Any) -> None:
        """Apply a request, or change it; its status stays."""
        known = self.cache.body(REQUESTS, NAMESPACE, name) or {}
        meta = {"uid": UID if name == "permit-portal" else f"uid-of-{name}", "finalizers": [FINALIZER]} | metadata
        self.keep(REQUESTS, name, spec or a_spec(), status=known.get("status"), **meta)

    async def turn(self, name: str = "permit-portal") -> float | None:
        """One pass."""
        request = self.cache.get(REQUESTS, NAMESPACE, name)
        assert request is not None
        return await reconcile(request, self.parts)

    def approve(self, name: str = "permit-portal") -> str:
        """The officer approves the newest plan."""
        plan = self.cache.get(PLANS, NAMESPACE, self.status(name)["plan"])
        assert plan is not None
        self.keep(APPROVALS, f"approval-of-{plan.meta.name}", an_approval(plan).spec)
        return plan.meta.name

    async def built(self) -> str:
        """A request that is asked for, approved, built and settled; returns its plan."""
        self.ask()
        await self.turn()
        plan = self.approve()
        await self.turn()
        await self.turn()
        return plan

    def status(self, name: str = "permit-portal") -> dict[str, Any]:
        return dict((self.cache.body(REQUESTS, NAMESPACE, name) or {}).get("status") or {})

    def standing(self, condition: str = "Ready", name: str = "permit-portal") -> tuple[str, str]:
        """(status, reason)."""
        found = self._condition(condition, name)
        return found["status"], found["reason"]

    def message(self, condition: str, name: str = "permit-portal") -> str:
        return str(self._condition(condition, name)["message"])

    def _condition(self, condition: str, name: str) -> dict[str, Any]:
        return next(item for item in self.status(name)["conditions"] if item["type"] == condition)


def versioned(body: dict[str, Any]) -> dict[str, Any]:
    meta = {"creationTimestamp": "2026-01-01T00:00:00Z", **body["metadata"], "resourceVersion": str(next(VERSIONS))}
    return {**body, "metadata": meta}
