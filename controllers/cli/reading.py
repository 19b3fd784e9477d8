"""What the cluster knows about one plan, read once: the plan, its request, its system, the decisions.

The digest is computed here from the content that is about to be shown. A Plan whose content, digest and
name do not agree is not shown at all: nobody should read, and still less sign, something forged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controllers.api.plan import PlanSpec, plan_digest, plan_name
from controllers.api.requeststatus import StageDecision
from controllers.api.stored import (
    APPROVALS,
    PLANS,
    REQUESTS,
    SYSTEMS,
    InformationSystem,
    Plan,
    ResourceRequest,
    stored,
)
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cli.signatures import StageStanding, open_stages
from controllers.cli.verdict import trouble
from infra.errors import InvalidRequest, PlanForged

PLAN_NAME = re.compile(r"-[0-9a-f]{10}$")


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan that is what it says it is. `request` is None when it is gone or not for this reader."""

    plan: Plan
    request: ResourceRequest | None
    system: InformationSystem | None
    decisions: tuple[StageDecision, ...]
    document: Mapping[str, Any]

    @property
    def open_stages(self) -> list[StageStanding]:
        """Stages of which signatures are missing; none once the plan is denied."""
        return list(open_stages(self.plan.spec, self.decisions))


def read(kubectl: Kubectl, name: str) -> Reading:
    """The plan called `name`, or the newest plan of the request called `name`. Raises ClusterError."""
    if PLAN_NAME.search(name):
        document = kubectl.find(PLANS, name)
        if document is not None:
            plan = verified(document)
            return _reading(kubectl, plan, document, find_request(kubectl, plan.spec.stack.origin.name))
    request = find_request(kubectl, name)
    if request is None:
        raise ClusterError(f"there is no plan and no request named '{name}' here: is the namespace right?")
    if request.status.plan is None:
        raise ClusterError(f"request '{name}' has no plan yet: {trouble(request)}")
    return _reading(kubectl, *read_plan(kubectl, request.status.plan), request)


def _reading(kubectl: Kubectl, plan: Plan, document: Mapping[str, Any], request: ResourceRequest | None) -> Reading:
    if request is not None and request.meta.uid != plan.spec.stack.origin.uid:
        request = None  # another request that took the name later
    return Reading(
        plan=plan,
        request=request,
        system=None if request is None else _system(kubectl, request.spec.system),
        decisions=_decisions(kubectl, plan, request),
        document=document,
    )


def _system(kubectl: Kubectl, name: str) -> InformationSystem | None:
    try:
        document = kubectl.find(SYSTEMS, name)
        return None if document is None else stored(SYSTEMS, document)
    except (ClusterError, InvalidRequest):  # the registry is not for every reader, and nothing here hangs on it
        return None


def _decisions(kubectl: Kubectl, plan: Plan, request: ResourceRequest | None) -> tuple[StageDecision, ...]:
    if request is not None and request.status.plan == plan.meta.name:
        return request.status.approvals  # those the operator lets count
    return decided(plan.spec, kubectl.select(APPROVALS, f"spec.plan={plan.meta.name}"))


def read_plan(kubectl: Kubectl, name: str) -> tuple[Plan, Mapping[str, Any]]:
    """The plan of exactly this name. Raises ClusterError when there is none, PlanForged when it lies."""
    document = kubectl.find(PLANS, name)
    if document is None:
        raise ClusterError(f"there is no plan named '{name}' here: is the namespace right?")
    return verified(document), document


def find_request(kubectl: Kubectl, name: str) -> ResourceRequest | None:
    """The request, or None when it is gone."""
    document = kubectl.find(REQUESTS, name)
    return None if document is None else stored(REQUESTS, document)


def verified(document: Mapping[str, Any]) -> Plan:
    """The plan in this object, its digest computed anew. Raises PlanForged when anything disagrees."""
    try:
        plan = stored(PLANS, document)
    except InvalidRequest as error:
        raise PlanForged(f"this Plan cannot be read as a plan: {error.message}") from error
    digest = plan_digest(plan.spec)
    request_name = plan.spec.stack.origin.name
    if digest != plan.spec.digest or plan.meta.name != plan_name(request_name, digest):
        raise PlanForged(f"plan '{plan.meta.name}' does not contain what its digest says; do not approve it")
    if plan.meta.namespace != plan.spec.stack.origin.namespace:
        raise PlanForged(f"plan '{plan.meta.name}' was made for another namespace; do not approve it")
    return plan


def decided(spec: PlanSpec, approvals: list[Mapping[str, Any]]) -> tuple[StageDecision, ...]:
    """The approvals of a plan as decisions, in the order of its stages."""
    stages = [required.stage for required in spec.stages]
    found = [
        StageDecision(
            stage=approval["spec"]["stage"],
            decision=approval["spec"]["decision"],
            approver=approval["spec"]["approver"],
            reason=approval["spec"].get("reason", ""),
        )
        for approval in approvals
        if approval["spec"]["stage"] in stages
    ]
    return tuple(sorted(found, key=lambda decision: stages.index(decision.stage)))
