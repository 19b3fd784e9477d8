"""What is counted while it happens: each thing once, under words of closed lists."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from controllers.measures import Measures, pass_result, verb_and_kind
from controllers.queue import WorkQueue
from infra.errors import ClusterUnavailable, ServerFault
from infra.measures import CloudMeasures, EngineMeasures
from tests.counted import counted
from tests.unit.world import World

API = "/apis/kunlun.cloud/v1alpha1"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", f"{API}/resourcerequests", ("list", "resourcerequests")),
        ("GET", f"{API}/namespaces/ns/plans?limit=1", ("list", "plans")),
        ("GET", f"{API}/namespaces/ns/plans/p", ("get", "plans")),
        ("PATCH", f"{API}/namespaces/ns/resourcerequests/r/status", ("patch", "resourcerequests/status")),
        ("PATCH", f"{API}/zones/extranet/status", ("patch", "zones/status")),
        ("DELETE", f"{API}/namespaces/ns/plans/p", ("delete", "plans")),
        ("POST", "/api/v1/namespaces/ns/events", ("create", "events")),
        ("GET", "/api/v1/namespaces", ("list", "namespaces")),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/l", ("update", "leases")),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", ("create", "subjectaccessreviews")),
        ("GET", "/apis/kunlun.cloud/v1alpha1", ("get", "other")),
        ("GET", "/version", ("get", "other")),
    ],
)
def test_a_call_is_named_as_access_rights_name_it(method: str, path: str, expected: tuple[str, str]) -> None:
    """No name of an object and no namespace becomes a label."""
    assert expected == verb_and_kind(method, path)


@pytest.mark.parametrize(
    ("retry_after", "error", "expected"),
    [
        (None, None, "Settled"),
        (30.0, None, "Again"),
        (None, ClusterUnavailable("no answer"), "ClusterUnavailable"),
        (None, ValueError("bug"), "InternalError"),
        (None, asyncio.CancelledError(), "Stopped"),
    ],
)
def test_a_pass_has_one_result(retry_after: float | None, error: BaseException | None, expected: str) -> None:
    """Reasons are those of the error tree; whatever else was raised is a bug."""
    assert expected == pass_result(retry_after, error)


async def test_the_queue_tells_every_end_once_and_how_it_stands() -> None:
    """Failures and stops included; a key that waits for its turn is due, one that is worked on is not."""
    told: list[tuple[str, str]] = []

    def ended(key: str, retry_after: float | None, error: BaseException | None, seconds: float) -> None:
        told.append((key, pass_result(retry_after, error)))
        assert seconds >= 0

    async def reconcile(key: str) -> float | None:
        if key == "broken":
            raise ServerFault("fault")
        if key == "stuck":
            await asyncio.Event().wait()
        return 60.0 if key == "again" else None

    queue = WorkQueue[str](reconcile, ended=ended)
    for key in ("fine", "again", "broken", "stuck"):
        queue.add(key)
    before = queue.standing()
    await asyncio.sleep(0.01)
    queue.add("stuck")
    after = queue.standing()
    await queue.stop()

    assert {"fine", "again", "broken", "stuck"} == before.due.keys()
    assert ({}, {"stuck"}, {"stuck"}) == (after.due, set(after.at_work), set(after.again))
    assert {"again", "broken"} == after.later.keys()
    assert [("fine", "Settled"), ("again", "Again"), ("broken", "ServerFault"), ("stuck", "Stopped")] == told


async def test_a_pass_counts_its_chapters_by_what_they_found() -> None:
    """Each condition's chapter once a pass, with the reason it got, and its seconds."""
    world, measures = World(), Measures()
    world.parts = replace(world.parts, measures=measures)
    await world.built()

    found = counted(measures.passes.steps)
    assert 3 == found["Planned", "Planned"]
    assert (1, 2) == (found["Approved", "AwaitingApproval"], found["Approved", "Approved"])
    assert 2 == found["Provisioned", "Provisioned"]
    assert 3 == counted(measures.passes.step_seconds)["Validated",]


def test_a_run_of_the_engine_counts_with_its_reason() -> None:
    """Success, an error of the tree, and a bug each have their word."""
    measures = EngineMeasures()
    with measures.run("up"):
        pass
    for error in (ServerFault("fault"), KeyError("bug")):
        with pytest.raises(type(error)), measures.run("up"):
            raise error

    assert {("up", "Succeeded"): 1, ("up", "ServerFault"): 1, ("up", "InternalError"): 1} == counted(measures.runs)
    assert 3 == counted(measures.seconds)["up",]


def test_a_call_without_an_answer_is_counted_as_such() -> None:
    """What was sent counts, whatever came back."""
    measures = CloudMeasures()
    with measures.call("network", "POST", "ports") as answer:
        answer.append("201")
    with pytest.raises(TimeoutError), measures.call("network", "POST", "ports"):
        raise TimeoutError

    expected = {("network", "POST", "ports", "201"): 1, ("network", "POST", "ports", "unanswered"): 1}
    assert expected == counted(measures.calls)
