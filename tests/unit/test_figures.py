"""What is looked at when somebody asks: of the real registry, in the form that Prometheus reads."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from controllers.figures import registry_of
from controllers.lease import Lease
from controllers.operator import Operator
from controllers.vitals import Vitals
from tests.build import a_spec
from tests.unit.test_lease import FAR, NAME, ApiServer, Clock
from tests.unit.world import World


class Scrape:
    """What Prometheus would read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.text = generate_latest(registry).decode()
        self.families = list(text_string_to_metric_families(self.text))
        samples = [one for family in self.families for one in family.samples]
        self._values = {(one.name, frozenset(one.labels.items())): one.value for one in samples}

    def labels(self) -> dict[str, frozenset[str]]:
        """Names of series, and which labels they have."""
        return {name: frozenset(label for label, _ in labels) for name, labels in self._values}

    def value(self, name: str, **labels: str) -> float:
        return self._values[name, frozenset(labels.items())]


async def leading(world: World) -> Vitals:
    """An operator that leads, over what a world has cached."""
    clock = Clock()
    lease = Lease(ApiServer(), NAME, FAR, clock=clock, sleep=clock.sleep)
    await lease.acquire()
    operator = Operator(world.parts, Path("ready"))
    return Vitals(measures=world.parts.measures, lease=lease, operator=operator, candidate=True)


async def test_the_figures_are_those_of_the_moment() -> None:
    """Requests by reason, who is waited for and how long, the queue, the Lease, the watches."""
    world = World()
    await world.built()
    world.ask(a_spec(), name="waiting")
    await world.turn("waiting")
    world.today, world.engine.at_work = "2026-01-01T02:00:00Z", (2, 1)
    vitals = await leading(world)
    assert vitals.operator is not None
    vitals.operator.watches.hearing.expect()
    vitals.operator.queue.add(("ResourceRequest", "civil-affairs", "waiting"))
    found = Scrape(registry_of(vitals))
    await vitals.operator.queue.stop()

    request = {"kind": "ResourceRequest", "condition": "Ready"}
    assert 1 == found.value("kunlun_objects", **request, status="True", reason="Ready")
    assert 1 == found.value("kunlun_objects", **request, status="False", reason="AwaitingApproval")
    assert 1 == found.value("kunlun_objects", kind="Zone", condition="Contained", status="Unknown", reason="NotReached")
    assert 1 == found.value("kunlun_approvals_waiting", stage="resource-office")
    assert 7200 == found.value("kunlun_approval_oldest_wait_seconds")
    assert (1, 1) == (found.value("kunlun_leading"), found.value("kunlun_lease_transitions"))
    assert 10 == found.value("kunlun_lease_left_seconds")
    assert 1 == found.value("kunlun_queue_depth", kind="ResourceRequest")
    assert 2 == found.value("kunlun_engine_turns", state="running")
    assert 1 == found.value("kunlun_engine_turns", state="waiting")
    assert 60 > found.value("kunlun_watch_silence_seconds", kind="approvals")
    assert 2 == found.value("kunlun_steps_total", step="Provisioned", reason="Provisioned")


async def test_no_figure_names_a_request_or_a_department() -> None:
    """However many there are, the number of series stays the same."""
    world = World()
    for number in range(40):
        world.ask(a_spec(), name=f"request-{number}")
        await world.turn(f"request-{number}")
    found = Scrape(registry_of(await leading(world)))

    assert 40 == found.value("kunlun_approvals_waiting", stage="resource-office")
    assert not any(word in found.text for word in ("request-1", "civil-affairs", "li.na", "permit-portal"))
    assert 250 > len(found.text.splitlines())


def test_a_standby_exports_the_same_families() -> None:
    """No query breaks because another replica works now; and what is not known yet is no 0, which would be a change."""
    found = Scrape(registry_of(Vitals()))

    wanted = {"kunlun_leading", "kunlun_queue_depth", "kunlun_objects", "kunlun_openstack_calls"}
    assert wanted <= {family.name for family in found.families}
    assert 0 == found.value("kunlun_leading")
    assert "kunlun_lease_transitions" not in found.labels()
