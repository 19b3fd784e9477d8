"""Is the request valid in itself, and does policy allow it? Every finding is reported at once."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, Reason
from controllers.api.findings import sentence
from controllers.api.stored import ResourceRequest
from controllers.request.circumstances import circumstances, plan_named
from controllers.request.parts import RequestParts
from controllers.request.status import Report
from controllers.request.validate import validate
from infra.errors import InvalidRequest, PolicyViolated
from policies.evaluate import evaluate


async def check_form(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Raises InvalidRequest with everything inconsistent, and with what policy says, so that nobody asks twice."""
    in_force = plan_named(report.approved_plan, request, parts.cache)
    if findings := validate(request.spec, in_force=in_force.spec.stack if in_force else None):
        raise InvalidRequest(sentence([*findings, *evaluate(circumstances(request, parts.cache))]))
    return report.reached(ConditionType.VALIDATED, Reason.VALID, "the request is consistent")


async def check_policy(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Raises PolicyViolated with everything that is not allowed."""
    if findings := evaluate(circumstances(request, parts.cache)):
        raise PolicyViolated(sentence(findings))
    return report.reached(ConditionType.COMPLIANT, Reason.COMPLIANT, "the request is allowed by policy")
