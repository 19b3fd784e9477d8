"""Is the request valid in itself, and does policy allow it? Every finding is reported at once."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, Reason
from controllers.api.findings import sentence
from controllers.api.stored import ResourceRequest
from controllers.request.circumstances import circumstances, registry_circumstances, zone_circumstances
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.status import Report
from controllers.request.validate import validate
from infra.errors import InvalidRequest, PolicyViolated
from policies.evaluate import evaluate, evaluate_in_force, evaluate_registry


async def check_form(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Raises InvalidRequest with everything inconsistent, and with what policy says, so that nobody asks twice."""
    in_force = plan_named(report.approved_plan, request, parts.cache)
    if findings := validate(request.spec, in_force=in_force.spec.stack if in_force else None):
        raise InvalidRequest(sentence([*findings, *evaluate(circumstances(request, parts.cache))]))
    return report.reached(ConditionType.VALIDATED, Reason.VALID, "the request is consistent")


async def check_policy(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Raises PolicyViolated with everything that is not allowed.

    What has been approved is not judged again by a quota or budget that was lowered since. What its zone does not
    permit any more (an image, a flow, a prefix) is said, and stops nothing: the plan in force stays in force.
    """
    in_force = plan_named(report.approved_plan, request, parts.cache)
    if in_force is None or in_force.spec.stack.origin.generation != request.meta.generation:
        require_allowed(request, parts)
    else:
        require_registered(request, parts)
        if findings := evaluate_in_force(zone_circumstances(request, parts.cache), in_force.spec.stack):
            message = f"in force, and not permitted any more: {sentence(findings)}"
            return report.borne(ConditionType.COMPLIANT, Reason.POLICY_VIOLATED, message)
    return report.reached(ConditionType.COMPLIANT, Reason.COMPLIANT, "the request is allowed by policy")


def require_allowed(request: ResourceRequest, parts: RequestParts) -> None:
    """Every rule, as things are now. Raises PolicyViolated."""
    if findings := evaluate(circumstances(request, parts.cache)):
        raise PolicyViolated(sentence(findings))


def require_registered(request: ResourceRequest, parts: RequestParts) -> None:
    """Whether the system may use the cloud at all. Raises PolicyViolated."""
    if findings := evaluate_registry(registry_circumstances(request, parts.cache)):
        raise PolicyViolated(sentence(findings))
