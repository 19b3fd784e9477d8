"""Desktops come in batches: which part of the signed plan is made true next, and when no further part is.

Pure. A portion is the plan in force without the desktops whose turn has not come: it has no object and no removal
that the plan has not, so the signature still binds the engine. Where a roll-out stands is not recorded anywhere: it
is what the cloud shows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from controllers.api.desktops import DesktopState, DesktopStatus
from controllers.api.stored import Plan
from infra.planned import planned_objects
from infra.provider.observed import Identity, Observed, ObservedObject, identity_of
from infra.stackplan import Kind, RolloutPlan, ServerPlan, StackPlan

SHARED = frozenset(
    {
        Kind.ROUTER,
        Kind.NETWORK,
        Kind.SUBNET,
        Kind.ROUTER_INTERFACE,
        Kind.SECURITY_GROUP,
        Kind.SECURITY_GROUP_RULES,
    }
)
STATES: Mapping[str, DesktopState] = {
    "ACTIVE": DesktopState.RUNNING,
    "SHUTOFF": DesktopState.STOPPED,
    "ERROR": DesktopState.FAILED,
}


def next_portion(plan: Plan, observed: Observed | None) -> Plan:
    """The plan as far as it is made true in the next pass: what is there, and one more batch of each roll-out."""
    if not plan.spec.stack.rollouts or _replaces_shared(plan.spec.stack):
        return plan
    there = observed.by_identity if observed else {}
    later = {name for rollout in plan.spec.stack.rollouts for name in _later(plan.spec.stack, rollout, there)}
    if not later:
        return plan
    return replace(plan, spec=plan.spec.model_copy(update={"stack": without(plan.spec.stack, later)}))


def tolerated(plan: StackPlan, servers: Iterable[ObservedObject]) -> frozenset[str]:
    """Logical names of failed desktops that stop nothing: as many as their roll-out's budget allows."""
    known = list(servers)
    names: set[str] = set()
    for rollout in plan.rollouts:
        failed = _failed(plan, rollout, known)
        if len(failed) <= rollout.failure_budget:
            names |= set(failed)
    return frozenset(names)


def stopped_rollout(plan: StackPlan, servers: Iterable[ObservedObject]) -> str | None:
    """`the roll-out of counter stopped at 10 of 20: 2 failed, at most 1 may`; None when none did."""
    known = list(servers)
    made = {found.name for found in known}
    for rollout in plan.rollouts:
        failed, wanted = _failed(plan, rollout, known), [_logical(one) for one in _desktops(plan, rollout.group)]
        if len(failed) > rollout.failure_budget:
            place = f"{sum(name in made for name in wanted)} of {len(wanted)}"
            bound = f"at most {rollout.failure_budget} may" if rollout.failure_budget else "none may"
            return f"the roll-out of {rollout.group} stopped at {place}: {len(failed)} failed, {bound}"
    return None


def desktop_statuses(
    plan: StackPlan, servers: Mapping[str, ObservedObject] | None, before: Iterable[DesktopStatus]
) -> tuple[DesktopStatus, ...]:
    """Every desktop of the plan as its server shows it. `servers` by logical name; None: as it was known before."""
    planned, known = planned_objects(plan), {one.name: one for one in before}
    statuses = []
    for server in plan.servers:
        if server.seat is None:
            continue
        status = DesktopStatus(
            name=server.name, user=server.seat.user, state=DesktopState.WAITING, address=server.address
        )
        found = servers.get(_logical(server)) if servers is not None else None
        if found and found.fingerprint == planned[_logical(server)].fingerprint:
            shown = {"state": STATES.get(found.status or "", DesktopState.BUILDING), "id": found.id}
            status = status.model_copy(update=shown)
        elif servers is None and (last := known.get(server.name)):
            status = status.model_copy(update={"state": last.state, "id": last.id})
        statuses.append(status)
    return tuple(statuses)


def _later(stack: StackPlan, rollout: RolloutPlan, there: Mapping[Identity, ObservedObject]) -> list[str]:
    """Names of the desktops that are not there as planned, and not in the next batch either.

    What still builds is part of that batch; and there is none while too many have failed.
    """
    planned = planned_objects(stack)
    identities = {one.name: identity_of(planned[_logical(one)]) for one in _desktops(stack, rollout.group)}
    open_ = [name for name, identity in identities.items() if identity not in there]
    statuses = [there[identity].status for identity in identities.values() if identity in there]
    if statuses.count("ERROR") > rollout.failure_budget:
        return open_
    return open_[max(rollout.batch_size - statuses.count("BUILD"), 0) :]


def _replaces_shared(stack: StackPlan) -> bool:
    """What all desktops hang on cannot be there twice: the old one goes first, and every desktop with it."""
    planned = planned_objects(stack)
    return any(gone.kind in SHARED and gone.name in planned for gone in stack.removals)


def without(stack: StackPlan, names: Collection[str]) -> StackPlan:
    """The plan without these servers. Their own removals wait with them, and those of what they may be attached to."""
    waiting = {word + name for name in names for word in ("server-", "port-")}
    return stack.model_copy(
        update={
            "servers": tuple(one for one in stack.servers if one.name not in names),
            "removals": tuple(gone for gone in stack.removals if gone.name not in waiting and gone.kind not in SHARED),
        }
    )


def _failed(plan: StackPlan, rollout: RolloutPlan, servers: Iterable[ObservedObject]) -> list[str]:
    own = {_logical(one) for one in _desktops(plan, rollout.group)}
    return [found.name for found in servers if found.name in own and found.status == "ERROR"]


def _desktops(stack: StackPlan, group: str) -> list[ServerPlan]:
    return [one for one in stack.servers if one.group == group and one.seat is not None]


def _logical(server: ServerPlan) -> str:
    return f"server-{server.name}"
