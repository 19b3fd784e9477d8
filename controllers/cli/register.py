"""What the cluster knows, read once for a scan: every request with what it may have in the cloud, every tenant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controllers.api.stored import PLANS, REQUESTS, TENANTS, Plan, ResourceRequest, stored
from controllers.cli.kubectl import Document, Kubectl
from controllers.request.status import is_built
from infra.errors import KunlunError
from infra.orphans.findings import Claim, Register


@dataclass(frozen=True, slots=True)
class Documents:
    """The cluster's objects as they came."""

    requests: list[Document]
    plans: list[Document]
    tenants: list[Document]


def read_register(kubectl: Kubectl) -> Register:
    """One look at the cluster; plans after requests, so that no request's plan can be missing. Raises ClusterError."""
    return register(Documents(kubectl.everywhere(REQUESTS), kubectl.everywhere(PLANS), kubectl.everywhere(TENANTS)))


def register(documents: Documents) -> Register:
    """Pure. What cannot be read is alive all the same, and what it may have is not known."""
    plans: dict[str, list[Document]] = defaultdict(list)
    for plan in documents.plans:
        for owner in plan["metadata"].get("ownerReferences", ()):
            plans[owner["uid"]].append(plan)
    claims = {
        request["metadata"]["uid"]: _claim(request, plans[request["metadata"]["uid"]]) for request in documents.requests
    }
    return Register(claims, {tenant["metadata"]["name"]: _projects(tenant) for tenant in documents.tenants})


def _claim(document: Document, plans: Iterable[Document]) -> Claim:
    name = f"{document['metadata']['namespace']}/{document['metadata']['name']}"
    try:
        request = stored(REQUESTS, document)
        read: dict[str, Plan] = {plan["metadata"]["name"]: stored(PLANS, plan) for plan in plans}
    except KunlunError:
        return Claim(name, settled=False, plans=None)
    in_force = request.status.approved_plan
    if in_force is not None and in_force not in read:
        return Claim(name, settled=False, plans=None)
    if not _is_settled(request):
        return Claim(name, settled=False, plans=tuple(plan.spec.stack for plan in read.values()))
    return Claim(name, settled=True, plans=(read[in_force].spec.stack,) if in_force else ())


def _is_settled(request: ResourceRequest) -> bool:
    """Nobody is at work on it: the plan in force is built, or none is and nothing was begun."""
    status = request.status
    if request.meta.deleting or status.progress is not None:
        return False
    return status.building_plan is None if status.approved_plan is None else is_built(status, status.approved_plan)


def _projects(tenant: Mapping[str, object]) -> frozenset[str] | None:
    """Ids of the projects it has, names of those it wants; None when it cannot be read."""
    try:
        read = stored(TENANTS, tenant)
    except KunlunError:
        return None
    wanted = {f"{read.meta.name}-{quota.zone}" for quota in read.spec.quotas}
    return frozenset(wanted | {text for project in read.status.projects for text in (project.id, project.name)})
