"""Figures that are looked at only when somebody asks: the queue, the Lease, the watches, and what stands in the cache.

So they cost nothing at rest. Everything is read in the event loop's own thread, so nothing changes meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from controllers.api.conditions import ConditionType, Reason
from controllers.api.stored import CUTOVERS, PLANS, REQUESTS, SYSTEMS, TENANTS, ZONES, Kind
from controllers.api.times import seconds_between
from controllers.cache import Cache
from controllers.cutoverfigures import cutover_figures
from controllers.operator import Operator
from controllers.queue import Standing
from controllers.vitals import Vitals

Body = Mapping[str, Any]
RELEASE = version("kunlun")
SUMMED: Mapping[Kind[Any, Any], tuple[ConditionType, ...]] = {
    ZONES: (ConditionType.READY, ConditionType.CONTAINED),
    TENANTS: (ConditionType.READY,),
    SYSTEMS: (ConditionType.READY,),
    REQUESTS: (ConditionType.READY,),
    CUTOVERS: (ConditionType.READY,),
}


def registry_of(vitals: Vitals) -> CollectorRegistry:
    """Everything this process exports."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter
    registry = CollectorRegistry()
    for family in vitals.measures.families():
        registry.register(family)
    registry.register(Figures(vitals))
    ProcessCollector(registry=registry)
    return registry


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps collectors by identity
class Figures(Collector):
    """All families are there from the first moment on; without an operator most have no values."""

    vitals: Vitals

    def collect(self) -> Iterator[Metric]:
        operator = self.vitals.operator
        yield InfoMetricFamily("kunlun_build", "The release that runs.", {"version": RELEASE})
        yield from _lease(self.vitals)
        standing: Standing[Any] = Standing({}, {}, frozenset(), {})
        yield from _queue(operator.queue.standing() if operator is not None else standing)
        yield from _engine(operator)
        silent = _family("kunlun_watch_silence_seconds", "Seconds since a watch was last heard of.", "kind")
        for kind, seconds in self.vitals.signs().silences.items():
            silent.add_metric([kind], seconds)
        yield silent
        cache = operator.parts.cache if operator is not None else Cache()
        yield _objects(cache)
        now = operator.parts.now() if operator is not None else ""
        yield from _waiting(cache, now)
        yield from cutover_figures(list(cache.all(CUTOVERS)), now)


def _lease(vitals: Vitals) -> Iterator[Metric]:
    lease, signs = vitals.lease, vitals.signs()
    yield GaugeMetricFamily("kunlun_leading", "1 while this operator holds the Lease and works.", int(signs.leading))
    yield GaugeMetricFamily(
        "kunlun_lease_left_seconds",
        "Seconds for which the Lease is still this operator's without another renewal.",
        lease.left_seconds() if lease is not None else 0,
    )
    yield GaugeMetricFamily(
        "kunlun_lease_transitions",
        "How often the Lease has changed hands, as it says itself; nothing before it was read.",
        lease.transitions if lease is not None else None,
    )


def _queue(standing: Standing[Any]) -> Iterator[Metric]:
    depth = _family("kunlun_queue_depth", "Keys that are due: not begun, or once more after the running pass.", "kind")
    for kind, count in sorted(Counter(key[0] for key in [*standing.due, *standing.again]).items()):
        depth.add_metric([kind], count)
    yield depth
    running = _family("kunlun_passes_running", "Passes that run now; most of them wait for something.", "kind")
    for kind, count in sorted(Counter(key[0] for key in standing.at_work).items()):
        running.add_metric([kind], count)
    yield running
    later = _family("kunlun_queue_later", "Keys that are due at a later time.", "kind")
    for kind, count in sorted(Counter(key[0] for key in standing.later).items()):
        later.add_metric([kind], count)
    yield later
    wait, oldest = max(standing.due.values(), default=0), max(standing.at_work.values(), default=0)
    yield GaugeMetricFamily(
        "kunlun_queue_oldest_wait_seconds", "Seconds for which the oldest due key has not been begun.", wait
    )
    yield GaugeMetricFamily("kunlun_pass_oldest_seconds", "Seconds since the oldest running pass began.", oldest)


def _engine(operator: Operator | None) -> Iterator[Metric]:
    running, waiting = operator.parts.engine.turns() if operator is not None else (0, 0)
    family = _family("kunlun_engine_turns", "Requests that have a slot of the engine, or wait for one.", "state")
    family.add_metric(["running"], running)
    family.add_metric(["waiting"], waiting)
    yield family


def _objects(cache: Cache) -> Metric:
    """By the reason of the condition that sums up; objects without one are `NotReached`."""
    family = GaugeMetricFamily(
        "kunlun_objects",
        "Objects, by kind, the condition that sums up, its status and its reason.",
        labels=["kind", "condition", "status", "reason"],
    )
    for kind, conditions in SUMMED.items():
        counted = Counter((name.value, *_standing(body, name)) for body in cache.bodies(kind) for name in conditions)
        for labels, count in sorted(counted.items()):
            family.add_metric([kind.name, *labels], count)
    return family


def _standing(body: Body, name: ConditionType) -> tuple[str, str]:
    condition = _condition(body, name) or {}
    return str(condition.get("status", "Unknown")), str(condition.get("reason", Reason.NOT_REACHED.value))


def _condition(body: Body, name: ConditionType) -> Body | None:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == name.value), None)


def _waiting(cache: Cache, now: str) -> Iterator[Metric]:
    """Requests that wait for people. Stages are data of the platform, not of who asks: few, and bounded by it."""
    stages, oldest = Counter[str](), 0.0
    for body in cache.bodies(REQUESTS):
        approved = _condition(body, ConditionType.APPROVED)
        if approved is not None and approved["reason"] == Reason.AWAITING_APPROVAL.value:
            stages.update(missing_stages(body, cache))
            oldest = max(oldest, seconds_between(approved["lastTransitionTime"], now))
    family = _family(
        "kunlun_approvals_waiting", "Requests that wait for an approval, by the stage that is missing.", "stage"
    )
    for stage, count in sorted(stages.items()):
        family.add_metric([stage], count)
    yield family
    yield GaugeMetricFamily(
        "kunlun_approval_oldest_wait_seconds", "Seconds for which the oldest request has waited to be approved.", oldest
    )


def missing_stages(request: Body, cache: Cache) -> list[str]:
    """Which stages of the newest plan lack a signature that counts."""
    status = request["status"]
    plan = cache.body(PLANS, request["metadata"]["namespace"], status.get("plan", "")) or {}
    needed = {one["stage"]: one.get("signatures", 1) for one in (plan.get("spec") or {}).get("stages") or ()}
    given = Counter(one["stage"] for one in status.get("approvals") or () if one["decision"] == "Approved")
    return [stage for stage in status.get("requiredStages") or () if given[stage] < needed.get(stage, 1)]


def _family(name: str, text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=[label])
