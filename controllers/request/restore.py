"""A Plan that was deleted while its request lives is made again: people have approved it, and things stand by it.

Only an exact copy: the name holds the digest, the digest proves the content, and approvals name the plan by name.
"""

from __future__ import annotations

import structlog

from controllers.api.stored import PLANS, ResourceRequest
from controllers.request.approve import prove
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_body
from infra.errors import ClusterRefused, PlanForged

log = structlog.get_logger(__name__)


async def restore_plans(request: ResourceRequest, parts: RequestParts) -> None:
    """Make the plan in force and the newest plan be there, if they can be. Costs nothing while they are.

    Raises ClusterUnavailable. A plan of which no copy is known stays away; who needs it raises PlanLost.
    """
    for name in {request.status.approved_plan, request.status.plan} - {None}:
        if name and parts.cache.body(PLANS, request.meta.namespace, name) is None:
            await _restore(name, request, parts)


async def _restore(name: str, request: ResourceRequest, parts: RequestParts) -> None:
    bodies = await parts.cluster.objects(PLANS, request.meta.namespace, field_selector=f"metadata.name={name}")
    body = next((found for found in bodies if found["metadata"]["name"] == name), None)  # the watch may be behind
    departed = parts.departed.named(name, request)
    if body is None and departed is not None:
        try:
            prove(departed, request)
            body = await parts.cluster.create(PLANS, plan_body(request, departed.spec))
        except (
            ClusterRefused,
            PlanForged,
        ) as error:  # its namespace is going, and so will the request; or it was no plan
            log.warning("plan not made again", plan=name, namespace=request.meta.namespace, message=error.message)
        else:
            log.warning("plan made again", plan=name, namespace=request.meta.namespace)
    if body is not None:
        parts.cache.keep(PLANS, body)
