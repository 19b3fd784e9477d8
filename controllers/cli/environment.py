"""An environment as pipelines read it: one form, whatever it is printed as. Pure.

An environment is a ResourceRequest and what came of it. The form is published as a JSON schema (`kunlun get --schema`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from controllers.api.conditions import ConditionType, Reason
from controllers.api.environment import Environment
from controllers.api.stored import ResourceRequest
from controllers.cli.verdict import Verdict, current_conditions, public_of, snapshot
from controllers.request.status import STEPS
from infra.stackplan import Kind
from infra.wire import WireModel

SERVER_PREFIX = "server-"
TOLD = (*STEPS, ConditionType.READY)
REFUSING = {Reason.INVALID_REQUEST, Reason.POLICY_VIOLATED, Reason.DENIED, Reason.NOT_APPROVED}


class State(StrEnum):
    """Where an environment is, for somebody who needs it."""

    READY = "Ready"
    PENDING = "Pending"
    REFUSED = "Refused"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    REMOVING = "Removing"


EXIT_CODES = {State.READY: 0, State.PENDING: 0, State.REFUSED: 1, State.FAILED: 3, State.TIMED_OUT: 4}


class StepReport(WireModel):
    """One step on the way to ready, as the operator found it."""

    name: Annotated[
        str, Field(description="Validated, Compliant, Planned, Approved, Provisioned, Configured or Ready.")
    ]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(description="Why, in one word; docs/reasons.md has the list.")]
    message: str = ""
    time: Annotated[str, Field(description="When `status` last changed, RFC 3339.")]


class ServerReport(WireModel):
    """A server, by its name within the environment."""

    name: str
    address: str | None = None
    public_address: str | None = None


class EnvironmentReport(WireModel):
    """One environment. What is not known (yet) is left out."""

    name: str
    namespace: str | None = None
    state: State
    reason: str = ""
    message: str = ""
    uid: str | None = None
    system: str | None = None
    zone: str | None = None
    environment: Environment | None = None
    plan: Annotated[str, Field(description="The plan in force.")] | None = None
    created_time: str | None = None
    expiry_time: Annotated[str, Field(description="When it is deleted by its `timeToLive`.")] | None = None
    servers: tuple[ServerReport, ...] = ()
    steps: tuple[StepReport, ...] = ()


class Environments(WireModel):
    """The document: environments in the order in which they were named."""

    form: Literal["kunlun.cloud/environments/v1"] = "kunlun.cloud/environments/v1"
    environments: tuple[EnvironmentReport, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an environment is, and why."""

    state: State
    reason: str = ""
    message: str = ""


def standing_of(request: ResourceRequest) -> Standing:
    """By the conditions of its present generation."""
    conditions, seen = current_conditions(request), snapshot(request)
    ready, stalled = conditions.get(ConditionType.READY), conditions.get(ConditionType.STALLED)
    if request.meta.deleting:
        return Standing(State.REMOVING, Reason.DELETING, ready.message if ready else "it is being removed")
    if seen.verdict is Verdict.STUCK and stalled is not None:
        state = State.REFUSED if stalled.reason in REFUSING else State.FAILED
        return Standing(state, stalled.reason, stalled.message)
    state = State.READY if seen.verdict is Verdict.READY else State.PENDING
    return Standing(state, ready.reason if ready else "", seen.message)


def report_of(request: ResourceRequest, standing: Standing) -> EnvironmentReport:
    """Everything a pipeline may want of it."""
    return EnvironmentReport(
        name=request.meta.name,
        namespace=request.meta.namespace or None,
        state=standing.state,
        reason=standing.reason,
        message=standing.message,
        uid=request.meta.uid,
        system=request.spec.system,
        zone=request.spec.zone,
        environment=request.spec.environment,
        plan=request.status.approved_plan,
        created_time=request.meta.created or None,
        expiry_time=request.status.expiry_time,
        servers=tuple(_servers(request)),
        steps=tuple(_steps(request)),
    )


def _servers(request: ResourceRequest) -> Iterator[ServerReport]:
    public = dict(public_of(request.status))
    for item in request.status.resources:
        if item.kind is Kind.SERVER:
            name = item.name.removeprefix(SERVER_PREFIX)
            yield ServerReport(name=name, address=item.address, public_address=public.get(name))


def _steps(request: ResourceRequest) -> Iterator[StepReport]:
    found = current_conditions(request)
    for name in TOLD:
        if (step := found.get(name)) is not None and step.reason != Reason.NOT_REACHED:
            yield StepReport(
                name=name,
                status=step.status,
                reason=step.reason,
                message=step.message,
                time=step.last_transition_time,
            )
