"""The chapter after provisioning: guests are made ready by whatever configurator the operator was given."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, Reason
from controllers.api.stored import ResourceRequest
from controllers.request.parts import RequestParts
from controllers.request.status import Report


async def configure_guests(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Run the configurator over the request's guests."""
    message = await parts.configurator.configure(request)
    return report.reached(ConditionType.CONFIGURED, Reason.CONFIGURED, message)
