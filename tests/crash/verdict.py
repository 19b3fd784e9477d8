"""What came of a run: every object of the project compared with the plan, and with nothing when it is to be gone.

And the record of decisions, line by line, compared with the stages of the plan that came into force.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controllers.api.decision import Outcome
from controllers.api.plan import RequiredStage
from infra.cloud import Answer
from infra.planned import planned_objects
from infra.provider.observe import ProjectListing, list_project, list_routers, observed_from_listing
from infra.provider.observed import Deviation, Observed, differences
from infra.provider.resource import marker_text
from infra.stackplan import Kind, StackPlan
from tests.cloud import kept_clouds

Route = tuple[str, str, str]
"""The router it is on, destination, next hop."""
LOST = {Deviation.MISSING, Deviation.CHANGED, Deviation.FAULTY}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Names of what is planned and not there (as planned), there twice, or there and not planned."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether everything is as it should be."""
        return not (self.lost or self.doubled or self.left_over)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.lost + other.lost, self.doubled + other.doubled, self.left_over + other.left_over)


def listed(clouds_yaml: Path, project: str, beyond: Iterable[str] = ()) -> ProjectListing:
    """Every kind in the project, as OpenStack lists it now; of the projects `beyond`, their routers."""

    async def listing() -> ProjectListing:
        cloud = kept_clouds(clouds_yaml).project(project)
        found = await list_project(cloud)
        routers = {raw["id"]: raw for one in beyond for raw in await list_routers(cloud, one)}
        led_to = [raw for raw in found.beyond if raw["id"] not in routers]
        return replace(found, beyond=(*led_to, *routers.values()))

    return asyncio.run(listing())


def verdict_on(listing: ProjectListing, plans: Iterable[StackPlan], by_others: Collection[Route] = ()) -> Verdict:
    """What differs when exactly these plans are to be real, and nothing else in their project.

    `by_others` are routes that plans of other projects have on routers of this one.
    """
    verdict, known, routes = Verdict(), set[str](), set(by_others)
    for plan in plans:
        observed = observed_from_listing(listing, plan.origin.uid)
        known |= {found.id for found in observed.objects}
        routes |= _routes_of(observed)
        verdict += _compared(plan, observed)
    return verdict + Verdict(left_over=(*_strangers(listing, known), *_strange_routes(listing, routes)))


def verdict_across(clouds_yaml: Path, plans: Mapping[str, Sequence[StackPlan]]) -> Verdict:
    """The same of several projects at once, by their ids: links lead from one to the other."""
    listings = {project: listed(clouds_yaml, project, beyond=plans.keys() - {project}) for project in plans}
    observed = [
        observed_from_listing(listings[project], plan.origin.uid) for project in plans for plan in plans[project]
    ]
    routes = {route for one in observed for route in _routes_of(one)}
    verdict = Verdict()
    for project in plans:
        verdict += verdict_on(listings[project], plans[project], routes)
    return verdict


def record_verdict(plan_name: str, stages: Iterable[RequiredStage], lines: Iterable[dict[str, Any]]) -> Verdict:
    """Of a plan in force: one line for each signature that it needed, and one that says so."""
    found = Counter((line["spec"]["outcome"], line["spec"].get("stage", "")) for line in lines)
    wanted = Counter({(Outcome.APPROVED.value, one.stage): one.signatures for one in stages})
    wanted[Outcome.IN_FORCE.value, ""] = 1
    lost, doubled = wanted - found, found - wanted
    return Verdict(tuple(_lines(plan_name, lost)), tuple(_lines(plan_name, doubled)))


def remains(states: Iterable[Path], uid: str) -> Verdict:
    """What the engine still has of a request that is gone, locks and folders of killed runs included."""
    found = [str(path) for state in states for path in [*state.rglob(f"*{uid}*"), *state.rglob("run-*")]]
    return Verdict(left_over=tuple(sorted(found)))


def _compared(plan: StackPlan, observed: Observed) -> Verdict:
    found = differences(planned_objects(plan), observed)
    names = Counter((one.kind, one.name) for one in observed.objects)
    doubled = [f"{kind} {name} x{count}" for (kind, name), count in names.items() if count > 1]
    lost = [f"{one.deviation} {one.kind} {one.name} {' '.join(one.fields)}" for one in found if one.deviation in LOST]
    surplus = [one for one in found if one.deviation is Deviation.UNEXPECTED and names[one.kind, one.name] == 1]
    return Verdict(tuple(lost), tuple(doubled), tuple(f"{one.kind} {one.name}" for one in surplus))


def _strangers(listing: ProjectListing, known: set[str]) -> Iterator[str]:
    """Objects of nobody: Neutron's default group and the ports it makes for itself are no strangers."""
    for kind, items in listing.collections.items():
        for item in items:
            its_own = str(item.get("device_owner", "")).startswith("network:") and marker_text(item) is None
            by_neutron = its_own or item.get("name") == "default"
            if item["id"] not in known and not by_neutron:
                yield f"{kind} {item.get('name') or item['id']}"


def _strange_routes(listing: ProjectListing, known: set[Route]) -> Iterator[str]:
    """Routes on the project's routers that lead into no link of the plans."""
    for router in listing[Kind.ROUTER]:
        for destination, hop in _ends(router):
            if (router["id"], destination, hop) not in known:
                yield f"route to {destination} on {router['name']}"


def _routes_of(observed: Observed) -> set[Route]:
    links = [found.raw for found in observed.objects if found.kind is Kind.ROUTER_ROUTES]
    return {(raw["device_id"], destination, hop) for raw in links for destination, hop in _ends(raw)}


def _ends(raw: Answer) -> Iterator[tuple[str, str]]:
    return ((one["destination"], one["nexthop"]) for one in raw.get("routes") or ())


def _lines(plan_name: str, counted: Counter[tuple[str, str]]) -> Iterator[str]:
    for line, count in counted.items():
        yield f"record of {plan_name}: {' '.join(filter(None, line))} x{count}"
