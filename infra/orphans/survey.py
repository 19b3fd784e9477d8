"""One look at the whole cloud: one list call per kind, over all projects, so that nothing of ours can hide."""

from __future__ import annotations

import asyncio

from infra.cloud import Answer, Cloud
from infra.orphans.findings import Survey
from infra.provider.observe import list_project
from infra.tenancy import SHARED


async def look(cloud: Cloud) -> Survey:
    """`cloud` is the operator's own scope: an administrator's, and the one in which it makes its shares."""
    listing, projects, shares, own = await asyncio.gather(
        list_project(cloud), cloud.list("identity", "/projects"), cloud.list("network", "/rbac-policies"), cloud.scope()
    )
    ours = [share for share in shares if _is_ours(share, own)]
    return Survey(listing, tuple(projects), tuple(ours))


def _is_ours(share: Answer, own_project: str) -> bool:
    """A share has no marker: it is ours if our project made it and it is of a form that tenancy makes."""
    maker = share.get("project_id") or share.get("tenant_id")
    return maker == own_project and (share["object_type"], share["action"]) in SHARED
