"""The Pulumi program against the plan: two derivations of the same objects, which must agree."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockMonitor

from infra.planned import planned_objects
from infra.provider.kinds import BY_PULUMI_TYPE
from infra.provider.observed import Observed
from infra.provider.resource import Names
from infra.provider.servicer import logical_inputs
from infra.stack import program
from infra.stackplan import Kind, StackPlan, marker
from tests.component.plans import PEER, a_linked_plan, a_managed_plan, a_network, a_plan, a_rich_plan, a_server

OBSERVED = Observed("uid", routers={PEER: "id-of-the-other-router"})


class Recorder(pulumi.runtime.Mocks):
    """Gives every object an id made of its name, and keeps what was asked for."""

    def __init__(self) -> None:
        self.declared: list[tuple[str, str, dict[str, Any]]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.custom:
            self.declared.append((args.typ, args.name, dict(args.inputs)))
        return f"id-{args.name}", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


class Dependencies(MockMonitor):
    """Keeps what the engine is told to have there before an object."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.of: dict[str, set[str]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        if request.custom:
            self.of[request.name] = {urn.rsplit("::", 1)[1] for urn in request.dependencies}
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def declared_by(plan: StackPlan) -> list[tuple[str, str, dict[str, Any]]]:
    recorder = Recorder()
    run(plan, MockMonitor(recorder))
    return recorder.declared


def run(plan: StackPlan, monitor: MockMonitor) -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())  # the mocks take the current one
    pulumi.runtime.set_mocks(monitor.mocks, project="kunlun", stack="test", monitor=monitor)
    pulumi.runtime.test(program(plan, OBSERVED))()  # type: ignore[no-untyped-call]


def test_the_classes_are_loaded_before_any_program_runs() -> None:
    """Programs run in threads, and pulumi_openstack loads lazily: two first programs at once would race."""
    code = "import sys, infra.stack; print('pulumi_openstack.compute.instance' in sys.modules)"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)

    assert "True" == ran.stdout.strip()


EVERY_PLAN = pytest.mark.parametrize(
    "plan",
    [
        pytest.param(a_plan(), id="the standard request"),
        pytest.param(a_rich_plan(), id="a request with every kind of object"),
        pytest.param(a_managed_plan(), id="a request with a way to its guests"),
        pytest.param(
            a_plan(networks=(a_network(), a_network("db", 2)), servers=(a_server(), a_server(1, network="db"))),
            id="two networks on one router",
        ),
        pytest.param(a_linked_plan(), id="a request that another one calls, and that calls another"),
    ],
)


@EVERY_PLAN
def test_the_program_declares_exactly_the_plan(plan: StackPlan) -> None:
    """Same names, kinds, inputs and markers as `planned_objects`, and nothing beside them."""
    planned = planned_objects(plan)
    names = Names(OBSERVED.routers)
    for name in planned:
        names.record(name, f"id-{name}")
    declared = declared_by(plan)

    found = {name: logical_inputs(BY_PULUMI_TYPE[kind], given, names) for kind, name, given in declared}

    assert {name: dict(one.inputs) for name, one in planned.items()} == {
        name: inputs for name, (inputs, _) in found.items()
    }
    assert {name: one.kind for name, one in planned.items()} == {
        name: BY_PULUMI_TYPE[kind].kind for kind, name, _ in declared
    }
    assert len(planned) == len(declared)
    for name, (_, text) in found.items():
        assert text in (None, marker(plan.origin.uid, name, planned[name].fingerprint))


@EVERY_PLAN
def test_nothing_is_begun_before_what_the_engine_waits_for(plan: StackPlan) -> None:
    """The order comes from the plan while the engine is loading. Groups wait for sets of addresses only at the end."""
    monitor, planned = Dependencies(Recorder()), planned_objects(plan)
    run(plan, monitor)

    def before(name: str) -> set[str]:
        direct = planned[name].needs
        return direct.union(*map(before, direct & planned.keys()))

    groups = {one.name for one in planned.values() if one.kind is Kind.SECURITY_GROUP}
    found = {name: needed - before(name) for name, needed in monitor.of.items() if name not in groups}

    assert {name: set() for name in found} == found
    assert any(monitor.of.values())
