"""Three departments, each with a request in every zone that calls the next zone's: made and signed as people do it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from controllers.api.plan import PlanSpec
from infra.planned import planned_objects
from infra.provider.observed import differences
from infra.stackplan import StackPlan
from tests.conftest import Sandbox
from tests.e2e.story import eventually
from tests.e2e.tiers import OFFICERS, ZONES, observe_stack
from tests.proof.documents import DEPARTMENTS, SERVERS_EACH, a_request, a_system, an_approval, furniture

Document = Mapping[str, Any]
Key = tuple[str, str]  # namespace and name of a request

SERVERS = len(DEPARTMENTS) * len(ZONES) * SERVERS_EACH
CALLS = {"web": {"app"}, "app": {"db"}, "db": set[str]()}
PATIENCE_SECONDS, SETTLING_SECONDS = 900.0, 60.0
PAUSE_SECONDS = 2.0


def ensure_departments(sandbox: Sandbox, say: Callable[[str], None]) -> None:
    """Every request is ready, signed on both sides where it takes two, and the cloud is what the plans say."""
    apply(sandbox, "admin", [document for name in DEPARTMENTS for document in furniture(name)])
    tenants = [f"tenant/{name}" for name in DEPARTMENTS]
    sandbox.kubectl("admin", "wait", *tenants, "--for=condition=Ready", "--timeout=240s")
    wanted = [document for name in DEPARTMENTS for document in (a_system(name), *requests_of(name))]
    apply(sandbox, "clerk", wanted)
    say(f"{len(DEPARTMENTS) * len(ZONES)} requests; signing and building")
    assert eventually(lambda: are_signed_and_ready(sandbox), PATIENCE_SECONDS, PAUSE_SECONDS), told(sandbox)
    say("ready; looking whether the cloud is what the plans say")
    assert eventually(lambda: [] == unplanned(sandbox), PATIENCE_SECONDS, PAUSE_SECONDS), unplanned(sandbox)


def remove_departments(sandbox: Sandbox) -> None:
    """Requests first: a department goes when nothing is left in it."""
    for name in DEPARTMENTS:
        sandbox.kubectl("clerk", "delete", "rr", "--all", "-n", name, "--wait=false", check=False)
    eventually(lambda: not requests(sandbox), PATIENCE_SECONDS, PAUSE_SECONDS)
    for kind in ("tenant", "namespace"):
        words = ("--wait=false", "--ignore-not-found")
        sandbox.kubectl("admin", "delete", kind, *DEPARTMENTS, *words, check=False)


def requests_of(department: str) -> Iterator[Document]:
    return (a_request(department, tier, zone) for tier, zone in ZONES.items())


def apply(sandbox: Sandbox, persona: str, documents: Sequence[Document]) -> None:
    """An API server that has just started refuses some of it for a while."""
    text = written(documents)

    def applied() -> bool:
        return sandbox.kubectl(persona, "apply", "-f", "-", input=text, check=False).returncode == 0

    if not eventually(applied, SETTLING_SECONDS, PAUSE_SECONDS):
        sandbox.kubectl(persona, "apply", "-f", "-", input=text)


def written(documents: Sequence[Document]) -> str:
    """Document by document: of a List kubectl believes that it may leave nothing out, not even who asks."""
    return "\n".join(json.dumps(document) for document in documents)


def requests(sandbox: Sandbox) -> dict[Key, Document]:
    """Those of the departments."""
    found = json.loads(sandbox.kubectl("admin", "get", "rr", "-A", "-o", "json").stdout)["items"]
    keyed = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in found}
    return {key: each for key, each in keyed.items() if key[0] in DEPARTMENTS}


def are_signed_and_ready(sandbox: Sandbox) -> bool:
    """Whether nothing is left to sign or to build; whatever can be signed is, each stage by who holds it."""
    found = requests(sandbox)
    sign(sandbox, found)
    return all(is_ready(each) for each in found.values()) and call_each_other(in_force(sandbox))


def sign(sandbox: Sandbox, found: Mapping[Key, Document]) -> None:
    """What cannot count (yet, or any more) is refused, and comes again with the next look."""
    for stage, persona in OFFICERS.items():
        approvals = [
            an_approval(namespace, each["status"]["plan"], stage)
            for (namespace, _), each in found.items()
            if stage in missing_stages(each)
        ]
        if approvals:
            sandbox.kubectl(persona, "create", "-f", "-", input=written(approvals), check=False)


def missing_stages(request: Document) -> set[str]:
    status = request.get("status", {})
    if "plan" not in status or status["plan"] == status.get("approvedPlan"):
        return set()
    return set(status.get("requiredStages", ())) - {each["stage"] for each in status.get("approvals", ())}


def is_ready(request: Document) -> bool:
    """Of its present generation, with no newer plan."""
    status = request.get("status", {})
    ready = any((each["type"], each["status"]) == ("Ready", "True") for each in status.get("conditions", ()))
    present = status.get("observedGeneration") == request["metadata"]["generation"]
    return bool(ready and present and status.get("plan") == status.get("approvedPlan"))


def in_force(sandbox: Sandbox) -> dict[Key, StackPlan]:
    """The plans of all requests that have one."""
    plans = json.loads(sandbox.kubectl("admin", "get", "plans", "-A", "-o", "json").stdout)["items"]
    specs = {(each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"] for each in plans}
    named = {key: (key[0], each.get("status", {}).get("approvedPlan")) for key, each in requests(sandbox).items()}
    return {key: PlanSpec.model_validate(specs[name]).stack for key, name in named.items() if name in specs}


def call_each_other(stacks: Mapping[Key, StackPlan]) -> bool:
    """Whether both sides of every flow between requests are in force."""
    expected = {(department, tier): called for department in DEPARTMENTS for tier, called in CALLS.items()}
    calls = {key: {call.request for call in stack.calls} for key, stack in stacks.items()}
    links = {(key[0], link.request) for key, stack in stacks.items() for link in stack.links}
    return expected == calls and {key for key, called in expected.items() if called} == links


def unplanned(sandbox: Sandbox) -> list[str]:
    """Where the cloud is not exactly what the plans in force say."""
    return [
        f"{'/'.join(key)}: {one.deviation} {one.kind} {one.name} {one.fields}"
        for key, stack in in_force(sandbox).items()
        for one in differences(planned_objects(stack), asyncio.run(observe_stack(sandbox, stack)))
    ]


def told(sandbox: Sandbox) -> dict[str, Any]:
    """What the requests say of themselves."""
    return {"/".join(key): each.get("status", {}).get("conditions") for key, each in requests(sandbox).items()}
