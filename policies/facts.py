"""The facts of a plan, for deciding which stages it needs: pure, from its content and its circumstances."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.plan import PlanContent
from policies.flows import crossings, named_stages
from policies.rules import Circumstances
from policies.stages import Facts


def facts_of(content: PlanContent, case: Circumstances, *, in_force: PlanContent | None) -> Facts:
    """What is true of a plan. `case` MUST be of the version of the request that the plan was made from."""
    return Facts(
        monthly_yuan=content.monthly_yuan,
        environment=case.request.environment,
        tenant=case.tenant_name,
        crossings=tuple(dict.fromkeys((*crossings(case.request, case.ground), *_calls(content)))),
        public_addresses=tuple(server.name for server in case.request.servers if server.public_address),
        named=named_stages(case.request, case.ground),
        test_budget_left_yuan=_test_budget_left(case),
        reserved_for_people=_reserved_for_people(content, in_force),
    )


def _calls(content: PlanContent) -> Iterator[str]:
    """Flows into other zones that start here are signed here, too."""
    stack = content.stack
    return (f"{stack.zone} → {call.zone}" for call in stack.calls if call.zone != stack.zone)


def _test_budget_left(case: Circumstances) -> int | None:
    budget = case.tenant.monthly_test_budget_yuan if case.tenant else None
    return None if budget is None else max(budget - case.test_usage_yuan, 0)


def _reserved_for_people(content: PlanContent, in_force: PlanContent | None) -> str:
    if content.stack.imports:
        return "it takes over existing objects"
    if any(gone.id is not None for gone in content.stack.removals):
        return "it repairs what was changed by hand"
    if in_force is not None and not in_force.approved_by_policy:
        return "it changes what people have approved"
    return ""
