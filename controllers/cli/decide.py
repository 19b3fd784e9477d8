"""Recording a decision: read the exact plan, verify it, and say yes or no to that content and no other.

The plan must be named exactly. A request name would mean "whatever is newest when the command arrives",
and nobody can have read that.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from controllers.api import API_VERSION
from controllers.api.approval import Decision
from controllers.api.plan import PlanSpec
from controllers.api.stored import APPROVALS, PLANS, Plan, ResourceRequest
from controllers.cli.kubectl import ClusterError, Document, Kubectl, cluster_options
from controllers.cli.planpage import signed_sentence
from controllers.cli.reading import find_request, verified
from controllers.cli.signatures import standings
from controllers.cli.text import listed, plain


def decision_options(command: Callable[..., None]) -> Callable[..., None]:
    """PLAN, --stage and kubectl's options: what approve and deny have in common."""
    command = cluster_options(command)
    command = click.option("--stage", required=True, metavar="STAGE", help="The stage you decide.")(command)
    return click.argument("plan")(command)


def decide(kubectl: Kubectl, name: str, *, stage: str, decision: Decision, reason: str) -> str:
    """Create the Approval, unless it stands already; return what was decided, as one sentence. Raises ClusterError."""
    plan = _exact_plan(kubectl, name)
    stages = [required.stage for required in plan.spec.stages]
    if plan.spec.approved_by_policy:
        raise ClusterError(f"plan '{name}' is approved by policy: {plan.spec.approved_by_policy}")
    if stage not in stages:
        raise ClusterError(f"plan '{name}' does not ask for stage '{stage}'; its stages: {listed(stages)}")
    said = _standing(find_request(kubectl, plan.spec.stack.origin.name), plan, stage, decision)
    if said is not None:
        return said
    created = kubectl.create(approval(plan.spec, name, stage=stage, decision=decision, reason=reason))
    approver = plain(created.get("spec", {}).get("approver", "you"))
    because = f" Reason: {plain(reason)}" if reason else ""
    return (
        f"{decision} by {approver} for stage {stage}: plan {name} of request {plan.spec.stack.origin.name}, "
        f"{signed_sentence(plan.spec)}; digest {plan.spec.digest[:10]} verified.{because}"
    )


def approval(spec: PlanSpec, name: str, *, stage: str, decision: Decision, reason: str) -> Document:
    """The object to create. The approver is left to the API server; the name too, so nobody can occupy it."""
    return {
        "apiVersion": API_VERSION,
        "kind": APPROVALS.name,
        "metadata": {"generateName": f"{name}-{stage}-"},
        "spec": {"plan": name, "stage": stage, "decision": decision.value, "reason": reason, "digest": spec.digest},
    }


def _standing(request: ResourceRequest | None, plan: Plan, stage: str, decision: Decision) -> str | None:
    """What to say instead, when this very decision stands already. Raises ClusterError when it could not count.

    Superseded plans and requests that are gone are left to the API server: it refuses them.
    """
    name = plan.meta.name
    if request is None or request.status.plan != name:
        return None
    for given in request.status.approvals:
        if Decision(given.decision) is Decision.DENIED:
            raise ClusterError(
                f"plan '{name}' was denied by {given.approver}: {given.reason}. It stays denied: "
                f"the requester has to change the request, which makes a new plan"
            )
    in_force = request.status.approved_plan == name
    if decision is Decision.DENIED:
        if in_force:
            raise ClusterError(f"plan '{name}' is approved and in force; a denial would change nothing now")
        return None
    mine = next(one for one in standings(plan.spec, request.status.approvals) if one.needed.stage == stage)
    if mine.is_complete or in_force:
        approvers = listed(plain(given.approver) for given in mine.approvals)
        return f"Nothing to do: plan {name} is approved already for stage {stage} by {approvers}"
    if mine.waits_for:
        raise ClusterError(
            f"stage '{stage}' decides after {listed(mine.waits_for)}: an approval before that would not count. "
            "A denial may be given at any time"
        )
    return None


def _exact_plan(kubectl: Kubectl, name: str) -> Plan:
    document = kubectl.find(PLANS, name)
    if document is not None:
        return verified(document)
    request = find_request(kubectl, name)
    if request is None:
        raise ClusterError(f"there is no plan named '{name}' here: is the namespace right?")
    newest = request.status.plan
    if newest is None:
        raise ClusterError(f"'{name}' is a request, and it has no plan yet")
    raise ClusterError(
        f"'{name}' is a request; decisions name an exact plan. Its newest is {newest}: "
        f"read it with `kubectl kunlun plan {newest}{kubectl.shown}`, then decide by that name"
    )
