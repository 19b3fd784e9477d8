"""A small world for passes over a cutover: an API server, two sides that take writes or not, and a runner that may die.

The hosts hold what must never happen: the moment both sides take writes, the test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from controllers.api import FINALIZER
from controllers.api.cutoverstep import Measure
from controllers.api.cutoversteps import Side, Step
from controllers.api.stored import ACCEPTANCES, CUTOVERS, PLANS, REPORTS, REQUESTS, STEPS, SYSTEMS, TENANTS, Kind, Meta
from controllers.api.times import later_by
from controllers.cache import Cache
from controllers.cutover.facts import Facts
from controllers.cutover.parts import CutoverParts
from controllers.cutover.reconcile import reconcile
from controllers.cutover.runner import Ended, Errand, Outcome
from controllers.settings import Settings
from infra.errors import PlaybookFailed
from policies.stages import load_stages
from tests.build import NAMESPACE, a_system, a_tenant
from tests.unit.cutover_case import MORNING, NAME, PLAN, UID, a_condition, a_cutover_spec, a_target
from tests.unit.world import versioned

MOST_PASSES = 400


@dataclass(slots=True)
class Hosts:
    """Which side takes writes; `writes` is what the target took since it was opened."""

    source: bool = True
    target: bool = False
    callers: Side = Side.SOURCE
    writes: int = 0
    released: bool = False

    def effect(self, step: Step) -> tuple[Measure, ...]:
        """What a step does to them, done twice as well as once."""
        match step:
            case Step.FREEZE_SOURCE:
                self.source = False
            case Step.FREEZE_TARGET:
                self.target = False
            case Step.SWITCH_CALLERS:
                self.callers = Side.TARGET
            case Step.RETURN_CALLERS:
                self.callers = Side.SOURCE
            case Step.UNFREEZE_TARGET:
                assert not self.source, "the target is opened while the source takes writes"
                self.target = True
            case Step.UNFREEZE_SOURCE:
                assert not self.target, "the source is opened while the target takes writes"
                assert not self.released
                self.source, self.writes = True, 0
            case Step.COUNT_LOSSES:
                assert not self.target, "what is counted still grows"
                return (Measure(name="writes", value=str(self.writes)), Measure(name="permits", value=str(self.writes)))
            case Step.RELEASE:
                self.released = True
        return ()


@dataclass(slots=True)
class FakeRunner:
    """Ends each step at once, unless it is told to hold or to fail it."""

    hosts: Hosts
    errand: Errand | None = None
    ended: Outcome | None = None
    held: set[Step] = field(default_factory=set)
    failing: dict[Step, Outcome] = field(default_factory=dict)
    began: list[tuple[Step, int]] = field(default_factory=list)
    stopped: list[Step] = field(default_factory=list)
    dies: Callable[[Step], bool] = lambda _: False
    dies_after: Callable[[Step], bool] = lambda _: False

    def deadline_seconds(self, step: Step, facts: Facts) -> float:
        return 600.0

    def at_work(self, uid: str) -> Errand | None:
        return self.errand

    def outcome(self, uid: str) -> Outcome | None:
        return self.ended

    async def begin(self, errand: Errand, facts: Facts) -> None:
        if self.dies(errand.step):
            raise Killed
        self.began.append((errand.step, errand.attempt))
        failing = self.failing.get(errand.step)
        measured = self.hosts.effect(errand.step) if failing is None else ()
        if self.dies_after(errand.step):
            raise Killed
        self.errand = errand
        if errand.step not in self.held:
            self.ended = failing or Outcome(measured)

    def finish(self) -> None:
        """What was held ends."""
        self.ended = Outcome()

    async def stop(self, uid: str) -> None:
        if self.errand is not None:
            self.stopped.append(self.errand.step)

    def take_off(self, uid: str) -> None:
        self.errand = self.ended = None

    def tell(self, ended: Ended) -> None:
        """Nobody waits: passes follow each other."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def kill(self) -> None: ...


class Killed(BaseException):
    """The operator is killed: not an error, and nobody catches it."""


@dataclass(slots=True)
class FakeCluster:
    """The API server: takes a name once, and says when."""

    cache: Cache
    clock: Callable[[], str]
    bodies: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    finalizers: list[list[str]] = field(default_factory=list)
    entitled: bool = True
    before_create: Callable[[Mapping[str, Any]], None] = lambda _: None

    async def objects(self, kind: Kind[Any, Any], namespace: str, **_: Any) -> list[Any]:
        return [body for (plural, _name), body in self.bodies.items() if plural == kind.plural]

    async def get(self, kind: Kind[Any, Any], namespace: str, name: str) -> dict[str, Any] | None:
        return self.bodies.get((kind.plural, name))

    async def create(self, kind: Kind[Any, Any], body: dict[str, Any]) -> dict[str, Any] | None:
        self.before_create(body)
        key = (kind.plural, body["metadata"]["name"])
        if key in self.bodies:
            return None
        meta = {**body["metadata"], "uid": f"uid-of-{key[1]}", "creationTimestamp": self.clock()}
        self.bodies[key] = versioned({**body, "metadata": meta})
        return self.bodies[key]

    async def apply_status(self, kind: Kind[Any, Any], meta: Meta, status: dict[str, Any]) -> dict[str, Any]:
        self.statuses.append(status)
        return versioned({**(self.cache.body(kind, meta.namespace, meta.name) or {}), "status": status})

    async def apply_finalizers(self, kind: Kind[Any, Any], meta: Meta, finalizers: list[str]) -> None:
        self.finalizers.append(finalizers)

    async def post_event(self, namespace: str, event: dict[str, Any]) -> None:
        pass

    async def may_sign(self, *_: Any, **__: Any) -> bool:
        return self.entitled


class World:
    """A department with a target that stands, and a cutover onto it."""

    def __init__(self, **fields: Any) -> None:
        self.cache, self.today, self.generation = Cache(), MORNING, 1
        self.cluster, self.hosts = FakeCluster(self.cache, lambda: self.today), Hosts()
        self.fields: dict[str, Any] = {"stage": "Prepare"} | fields
        self.start()
        self.keep(TENANTS, "civil-affairs", a_tenant(), namespace="")
        self.keep(SYSTEMS, "permit-portal", a_system())
        self.keep(PLANS, PLAN.meta.name, PLAN.spec)
        self.keep(REQUESTS, "permit-portal", a_target().spec, status=a_target().status)
        self.ask()

    def start(self) -> None:
        """A new operator: it remembers nothing."""
        self.runner = FakeRunner(self.hosts)
        self.parts = CutoverParts(
            cluster=cast(Any, self.cluster),
            cache=self.cache,
            clouds=cast(Any, None),
            engine=cast(Any, None),
            surveys=cast(Any, None),
            configurator=cast(Any, None),
            settings=Settings("cloud", None, None, Path("pulumi"), Path("state")),
            now=lambda: self.today,
            monotonic=lambda: 0.0,
            started=0.0,
            runner=self.runner,
            procedure=load_stages(),
        )

    def keep(self, kind: Kind[Any, Any], name: str, spec: Any, *, status: Any = None, **metadata: Any) -> None:
        """As if a watch had brought it."""
        meta = {"name": name, "namespace": NAMESPACE, "uid": f"uid-of-{name}", "generation": 1} | metadata
        body = {"metadata": meta, "spec": _wire(spec)}
        if status is not None:
            body["status"] = _wire(status)
        self.cache.keep(kind, versioned(body))

    def ask(self, **fields: Any) -> None:
        """Somebody applies the cutover, changed."""
        self.fields |= fields
        known = self.cache.body(CUTOVERS, NAMESPACE, NAME)
        self.generation += 1 if known else 0
        meta = {"uid": UID, "generation": self.generation, "finalizers": [FINALIZER]}
        self.keep(CUTOVERS, NAME, a_cutover_spec(**self.fields), status=(known or {}).get("status"), **meta)

    async def turn(self) -> float | None:
        """One pass."""
        cutover = self.cache.get(CUTOVERS, NAMESPACE, NAME)
        assert cutover is not None
        return await reconcile(cutover, self.parts)

    async def settle(self) -> float | None:
        """Passes, as long as one is wanted at once; every second has one at most."""
        for _ in range(MOST_PASSES):
            pause = await self.turn()
            if pause != 0.0:
                return pause
            self.today = later_by(self.today, 1)
        raise AssertionError("it never settles")

    async def go(self, **fields: Any) -> None:
        """Ask, and let it go as far as it goes."""
        self.ask(**fields)
        await self.settle()

    async def tried(self) -> None:
        """As far as the signatures."""
        await self.go(stage="Trial")
        self.today = later_by(self.today, 31 * 86_400.0)
        await self.settle()

    def sign(self, party: str, signer: str, *, of: str = "Trial") -> None:
        """Somebody signs the report in the status."""
        status = self.status()
        spec = {"report": status["report"], "digest": status["reportDigest"], "of": of, "party": party,
                "decision": "Accepted", "signer": signer}  # fmt: skip
        name = f"{of.lower()}-{party}"
        meta = {"name": name, "namespace": NAMESPACE, "uid": name, "creationTimestamp": self.today}
        self.cluster.bodies[ACCEPTANCES.plural, name] = versioned({"metadata": meta, "spec": spec})

    def lose_compliance(self) -> None:
        """The target breaks a rule from now on."""
        lost = a_target(conditions=[a_condition("Ready"), a_condition("Compliant", "False", "its image was withdrawn")])
        self.keep(REQUESTS, "permit-portal", lost.spec, status=lost.status)

    async def ready_to_cut(self, **window: Any) -> None:
        """Signed by both, the window just open for an hour; a cut is asked for."""
        await self.tried()
        self.sign("department", "li.na")
        self.sign("provider", "ops.wang")
        opens, closes = self.today, later_by(self.today, 3600)
        self.ask(stage="Cut", window={"opens": opens, "closes": closes} | window)

    def status(self) -> dict[str, Any]:
        return dict((self.cache.body(CUTOVERS, NAMESPACE, NAME) or {}).get("status") or {})

    def standing(self, condition: str = "Ready") -> tuple[str, str]:
        """(status, reason)."""
        found = next(item for item in self.status()["conditions"] if item["type"] == condition)
        return found["status"], found["reason"]

    def message(self, condition: str = "Ready") -> str:
        return str(next(item["message"] for item in self.status()["conditions"] if item["type"] == condition))

    def journal(self) -> list[str]:
        """Its lines in order, as `Step/attempt Event`."""
        lines = [body["spec"] for (plural, _), body in self.cluster.bodies.items() if plural == STEPS.plural]
        return [f"{line['step']}/{line['attempt']} {line['event']}" for line in lines]

    def reports(self) -> list[str]:
        return [name for plural, name in self.cluster.bodies if plural == REPORTS.plural]


def _wire(content: Any) -> dict[str, Any]:
    if isinstance(content, dict):
        return content
    return dict(content.model_dump(mode="json", by_alias=True, exclude_none=True))


def failed(message: str, **measured: Any) -> Outcome:
    """The outcome of a step that went wrong."""
    told = tuple(Measure(name=name.replace("_", " "), value=str(value)) for name, value in measured.items())
    return Outcome(told, PlaybookFailed(message))
