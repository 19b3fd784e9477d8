"""The repair plan: what cannot be put right in place is drafted as a plan of its own, and waits for its approval.

It is the plan in force once more, for the same version of the request, and names by its id each existing object
that has to go first. The same drift makes the same plan, so its name and the decisions on it stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from controllers.api.plan import Action, Operation, PlanContent, PlanSpec
from controllers.api.stored import Approval, Plan
from controllers.request.actions import CONSEQUENCES
from controllers.request.plans import is_repair
from infra.provider.repairs import Repair
from infra.stackplan import MOST_REMOVALS, Kind

MOST_NAMED = 512  # more than a plan can have replaced; a flood of marked objects goes in several plans
_INTERRUPTED: Mapping[Kind, str] = {
    Kind.PORT: "made anew with its address and attached to its server; the connection is interrupted",
    Kind.ROUTER: "made anew; all connections through it are interrupted",
    Kind.ROUTER_INTERFACE: "made anew; the network's connections are interrupted",
    Kind.ROUTER_ROUTES: "made anew; the connections to another request are interrupted",
    Kind.SUBNET: "made anew with all ports on it; their connections are interrupted",
    Kind.VOLUME_ATTACHMENT: "attached again; the volume and its content stay",
}


def repair_content(in_force: PlanSpec, repairs: Sequence[Repair]) -> PlanContent:
    """What is in force, plus the removals; officers see of each what becomes of it, and why.

    Who has to approve it is decided anew: `plan.staged`.
    """
    signed = [gone for gone in in_force.stack.removals if gone.id is None]
    named = repairs[: min(MOST_NAMED, MOST_REMOVALS - len(signed))]
    removals = (*signed, *(repair.removal for repair in named))
    going = {gone.id for gone in removals}
    imports = tuple(entry for entry in in_force.stack.imports if entry.id not in going)  # made anew, not taken over
    return PlanContent(
        stack=in_force.stack.model_copy(update={"removals": removals, "imports": imports}),
        actions=tuple(_action(repair) for repair in named),
        costs=in_force.costs,
        monthly_yuan=in_force.monthly_yuan,
        stages=(),
    )


def superfluous(
    plans: Iterable[Plan], approvals: Iterable[Approval], *, needed: Iterable[str | None]
) -> Iterator[Plan]:
    """Repair plans that nobody has decided on and nobody needs any more. A decided one stays, for the record."""
    kept = {*needed, *(approval.spec.plan for approval in approvals)}
    return (plan for plan in plans if is_repair(plan) and plan.meta.name not in kept)


def _action(repair: Repair) -> Action:
    gone = repair.removal
    operation = Operation.REPLACE if repair.replaced else Operation.DELETE
    consequence = CONSEQUENCES.get((operation, gone.kind)) or (_INTERRUPTED.get(gone.kind) if repair.replaced else None)
    detail = "; ".join(filter(None, [f"{gone.id} {repair.reason}", consequence]))
    return Action(operation=operation, kind=gone.kind, name=gone.name, detail=detail)
