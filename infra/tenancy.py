"""A tenant's Keystone project in one zone: made, limited, and given access to its own zone and no other.

Projects are found by name (`<tenant>-<zone>`, unique in their domain) and carry tags saying so; a project
of that name without them is somebody else's and is left alone. References: Identity API v3 "Projects",
Networking API v2 "RBAC policies" and "Quotas", Compute API "Quota sets".
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from infra.cloud import Answer, Cloud
from infra.cloud_answers import Conflict
from infra.errors import CloudRefused

TAG = "kunlun"
TENANT_TAG = f"{TAG}-tenant:"
OPERATOR_ROLE = "admin"
PORTS_PER_SERVER = 4
RULES_PER_SERVER = 100
LINKS_PER_NETWORK = 4  # ways to other requests: each a network of its own with two ports
SHARED = frozenset(
    {("address_scope", "access_as_shared"), ("subnetpool", "access_as_shared"), ("network", "access_as_external")}
)
"""(object type, action) of every share that a project gets."""


@dataclass(frozen=True, slots=True)
class WantedProject:
    """Whose project it is, and what it is called."""

    name: str
    tenant: str
    description: str


@dataclass(frozen=True, slots=True)
class ProjectQuota:
    """Limits in OpenStack's units; -1 would mean none and is never used."""

    servers: int
    vcpus: int
    memory_mib: int
    networks: int
    volume_gib: int
    public_addresses: int = 0


@dataclass(frozen=True, slots=True)
class ZoneAccess:
    """What a project must be able to use of its zone."""

    uplink_id: str
    subnet_pool_id: str
    address_scope_id: str | None


async def ensure_project(cloud: Cloud, wanted: WantedProject, *, quota: ProjectQuota, access: ZoneAccess) -> str:
    """Project, operator's role, quotas and access to the zone; safe to repeat. Returns the project's id."""
    project_id = await _project(cloud, wanted)
    await _operator_role(cloud, project_id)
    await asyncio.gather(_quotas(cloud, project_id, quota), _shares(cloud, project_id, access))
    return project_id


async def delete_project(cloud: Cloud, name: str, *, tenant: str, only: str | None = None) -> None:
    """Remove an empty project of ours. What is shared with it is unshared first. Absence is success.

    With `only`, it must be the project of this id. Raises CloudRefused when another has its name now, and while
    something is left in it: a kept volume would lose its owner.
    """
    found = await _find(cloud, name, tenant)
    if found is None:
        return
    if only not in {None, found["id"]}:
        raise CloudRefused(f"the project '{name}' is another one now, with the id {found['id']}; look again")
    if left := await _content(cloud, found["id"]):
        raise CloudRefused(f"project '{name}' still holds {', '.join(left)}")
    for share in await cloud.list("network", "/rbac-policies", {"target_tenant": found["id"]}):
        await cloud.delete("network", f"/rbac-policies/{share['id']}")
    for group in await cloud.list("network", "/security-groups", {"project_id": found["id"]}):
        if group["name"] == "default":
            await cloud.delete("network", f"/security-groups/{group['id']}")
    await cloud.delete("identity", f"/projects/{found['id']}")


async def has_project(cloud: Cloud, name: str, *, tenant: str) -> bool:
    """Whether there is a project of this name, and it is this tenant's."""
    return any(_is_of(project, tenant) for project in await cloud.list("identity", "/projects", {"name": name}))


async def _content(cloud: Cloud, project_id: str) -> list[str]:
    """Names of what would be lost or left without an owner."""
    networks = cloud.list("network", "/networks", {"project_id": project_id})
    servers = cloud.list("compute", "/servers/detail", {"all_tenants": 1, "project_id": project_id})
    found = [f"network {item['name']}" for item in await networks] + [
        f"server {item['name']}" for item in await servers
    ]
    if await cloud.has("volume"):
        volumes = await cloud.list("volume", "/volumes/detail", {"all_tenants": 1, "project_id": project_id})
        found += [f"volume {item['name'] or item['id']}" for item in volumes]
    return found


async def _project(cloud: Cloud, wanted: WantedProject) -> str:
    found = await _find(cloud, wanted.name, wanted.tenant)
    if found is None:
        body = {"name": wanted.name, "description": wanted.description, "domain_id": "default"}
        tags = [TAG, _tenant_tag(wanted.tenant)]
        found = (await cloud.post("identity", "/projects", {"project": {**body, "tags": tags}}))["project"]
    return str(found["id"])


async def _find(cloud: Cloud, name: str, tenant: str) -> Answer | None:
    projects = await cloud.list("identity", "/projects", {"name": name})
    if projects and not _is_of(projects[0], tenant):
        raise CloudRefused(f"the project '{name}' in OpenStack is not of this tenant; rename or remove it")
    return projects[0] if projects else None


def _is_of(project: Answer, tenant: str) -> bool:
    return {TAG, _tenant_tag(tenant)} <= set(project.get("tags", []))


def _tenant_tag(tenant: str) -> str:
    """Tenant `a-b` in zone `c` and tenant `a` in zone `b-c` have projects of one name: only one may have it."""
    return f"{TENANT_TAG}{tenant}"


def tenant_of(project: Answer) -> str:
    """The tenant that a project of ours was made for; empty when its tags do not say."""
    tags: list[str] = project.get("tags", [])
    return next((tag.removeprefix(TENANT_TAG) for tag in tags if tag.startswith(TENANT_TAG)), "")


async def _operator_role(cloud: Cloud, project_id: str) -> None:
    roles = await cloud.list("identity", "/roles", {"name": OPERATOR_ROLE})
    user = await cloud.user_id()
    await cloud.put("identity", f"/projects/{project_id}/users/{user}/roles/{roles[0]['id']}", {})


async def _quotas(cloud: Cloud, project_id: str, quota: ProjectQuota) -> None:
    compute = {"instances": quota.servers, "cores": quota.vcpus, "ram": quota.memory_mib, "force": True}
    network = {
        "network": quota.networks * (1 + LINKS_PER_NETWORK),
        "subnet": quota.networks * (1 + LINKS_PER_NETWORK),
        "router": quota.networks,
        "port": quota.servers * PORTS_PER_SERVER + quota.networks * (PORTS_PER_SERVER + 2 * LINKS_PER_NETWORK),
        "security_group": quota.servers + 1,
        "security_group_rule": quota.servers * RULES_PER_SERVER,
        "floatingip": quota.public_addresses,
        "force": True,
    }
    await cloud.put("compute", f"/os-quota-sets/{project_id}", {"quota_set": compute})
    await cloud.put("network", f"/quotas/{project_id}", {"quota": network})
    if await cloud.has("volume"):
        volume = {"gigabytes": quota.volume_gib, "volumes": max(quota.servers * PORTS_PER_SERVER, 1)}
        await cloud.put("volume", f"/os-quota-sets/{project_id}", {"quota_set": volume})


async def _shares(cloud: Cloud, project_id: str, access: ZoneAccess) -> None:
    """The address scope first: a subnet pool can be shared only with whom its scope is shared with."""
    wanted = [
        ("address_scope", access.address_scope_id, "access_as_shared"),
        ("subnetpool", access.subnet_pool_id, "access_as_shared"),
        ("network", access.uplink_id, "access_as_external"),
    ]
    known = {
        (share["object_type"], share["object_id"], share["action"])
        for share in await cloud.list("network", "/rbac-policies", {"target_tenant": project_id})
    }
    for kind, identifier, action in wanted:
        if identifier is None or (kind, identifier, action) in known:
            continue
        share = {"object_type": kind, "object_id": identifier, "action": action, "target_tenant": project_id}
        try:
            await cloud.post("network", "/rbac-policies", {"rbac_policy": share})
        except Conflict:  # made in the meantime by a pass that was cut off
            continue
