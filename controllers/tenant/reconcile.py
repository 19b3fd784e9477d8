"""A tenant is ready when it has its project, with quota and access, in each of its zones."""

from __future__ import annotations

from collections.abc import Mapping

from controllers.api.conditions import ConditionType, Reason, Step, condition_from
from controllers.api.stored import REQUESTS, TENANTS, ZONES, Tenant
from controllers.api.tenant import TenantProject, TenantSpec, TenantStatus, ZoneQuota
from controllers.api.zone import ZoneClass
from controllers.parts import Parts
from controllers.publish import drop_finalizer, ensure_finalizer, publish
from infra.correlation import call_id, correlated
from infra.errors import KunlunError, ZoneUnknown
from infra.readers import Reader, ensure_readers
from infra.tenancy import ProjectQuota, WantedProject, ZoneAccess, delete_project, ensure_project, has_project

RETRY_SECONDS = 15.0


async def reconcile(tenant: Tenant, parts: Parts) -> float | None:
    """Make the projects the spec asks for; a settled tenant costs nothing."""
    if tenant.meta.deleting:
        return await _withdraw(tenant, parts)
    if settled(tenant):
        return None
    if (rest := parts.rests.left(tenant.meta, parts.monotonic())) > 0:
        return rest
    await ensure_finalizer(parts, tenant)
    if other := _other_in_namespace(tenant, parts):
        step = Step("False", Reason.IN_USE, f"namespace '{tenant.spec.namespace}' is tenant '{other}'s already")
        await publish(parts, tenant, _with(tenant, tenant.status.projects, step, parts.now()))
        return RETRY_SECONDS
    with correlated(call_id(tenant.meta.uid)):
        projects, problems = await _projects(tenant, parts)
        problems |= await _reading(tenant, projects, parts)
    if any(not isinstance(error, ZoneUnknown) for error in problems.values()):  # a zone's event would wake it in time
        parts.rests.begin(tenant.meta, until=parts.monotonic() + RETRY_SECONDS)
    await publish(parts, tenant, _status(tenant, projects, problems, parts.now()))
    return RETRY_SECONDS if problems else None


def settled(tenant: Tenant) -> bool:
    """Everything the present spec asks for has been made. (A zone that gets another uplink is a new zone.)"""
    ready = next((item for item in tenant.status.conditions if item.type == ConditionType.READY), None)
    present = tenant.status.observed_generation == tenant.meta.generation
    return ready is not None and ready.status == "True" and present


def _other_in_namespace(tenant: Tenant, parts: Parts) -> str | None:
    """An older tenant of the same namespace."""
    mine = (tenant.meta.created, tenant.meta.name)
    rivals = [item.meta for item in parts.cache.all(TENANTS) if item.spec.namespace == tenant.spec.namespace]
    return next((meta.name for meta in rivals if (meta.created, meta.name) < mine), None)


async def _projects(tenant: Tenant, parts: Parts) -> tuple[list[TenantProject], dict[str, KunlunError]]:
    """The projects that are as the spec says, and of the others, by zone, what is in the way."""
    projects: list[TenantProject] = []
    problems: dict[str, KunlunError] = {}
    for quota in tenant.spec.quotas:
        try:
            projects.append(await _project(tenant, quota, parts))
        except KunlunError as error:
            problems[quota.zone] = error
    return projects, problems


async def _project(tenant: Tenant, quota: ZoneQuota, parts: Parts) -> TenantProject:
    zone = parts.cache.get(ZONES, "", quota.zone)
    if zone is None:
        raise ZoneUnknown("no such Zone")
    if zone.status.uplink_id is None or zone.status.subnet_pool_id is None:
        raise ZoneUnknown("the cloud does not have this zone's uplink and subnet pool yet")
    name = _project_name(tenant, quota)
    identifier = await ensure_project(
        parts.clouds.admin(),
        WantedProject(name, tenant.meta.name, f"{tenant.spec.display_name}, zone {quota.zone}"),
        quota=_project_quota(quota, zone.spec.class_),
        access=ZoneAccess(zone.status.uplink_id, zone.status.subnet_pool_id, zone.status.address_scope_id),
    )
    return TenantProject(zone=quota.zone, id=identifier, name=name)


async def _reading(tenant: Tenant, projects: list[TenantProject], parts: Parts) -> dict[str, KunlunError]:
    """Let the department's people read; who cannot be let keeps nobody from working there. Problems by zone."""
    problems: dict[str, KunlunError] = {}
    for project in projects:
        try:
            await ensure_readers(parts.clouds.admin(), project.id, readers_of(tenant.spec))
        except KunlunError as error:
            problems[project.zone] = error
    return problems


def readers_of(spec: TenantSpec) -> tuple[Reader, ...]:
    """Who reads in OpenStack, as the spec names them."""
    return tuple(
        Reader("user", one.user) if one.user is not None else Reader("group", one.group or "") for one in spec.readers
    )


def _project_name(tenant: Tenant, quota: ZoneQuota) -> str:
    return f"{tenant.meta.name}-{quota.zone}"


def _project_quota(quota: ZoneQuota, zone: ZoneClass) -> ProjectQuota:
    """Outside the zones of class Internet not even by hand is there a public address to be had."""
    return ProjectQuota(
        servers=quota.servers,
        vcpus=quota.vcpus,
        memory_mib=quota.memory_gib * 1024,
        networks=quota.networks,
        volume_gib=quota.volume_gib,
        public_addresses=quota.servers if zone is ZoneClass.INTERNET else 0,
    )


def _status(
    tenant: Tenant, projects: list[TenantProject], problems: Mapping[str, KunlunError], now: str
) -> TenantStatus:
    """The reason is the worst that happened; a zone that is not ready yet is the least of it."""
    made = [item for item in tenant.status.projects if item.zone not in {project.zone for project in projects}]
    if problems:
        failed = [error for error in problems.values() if not isinstance(error, ZoneUnknown)]
        reason = Reason(failed[0].reason) if failed else Reason.AWAITING_ZONE
        step = Step("False", reason, "; ".join(f"zone '{zone}': {error.message}" for zone, error in problems.items()))
    else:
        step = Step("True", Reason.READY, f"{len(projects)} projects")
    return _with(tenant, (*projects, *made), step, now)


def _with(tenant: Tenant, projects: tuple[TenantProject, ...], step: Step, now: str) -> TenantStatus:
    ready = condition_from(
        ConditionType.READY, step, before=tenant.status.conditions, generation=tenant.meta.generation, now=now
    )
    return TenantStatus(observed_generation=tenant.meta.generation, projects=projects, conditions=(ready,))


async def _withdraw(tenant: Tenant, parts: Parts) -> float | None:
    living = [request.meta.name for request in parts.cache.all(REQUESTS, tenant.spec.namespace)]
    if living:
        step = Step("False", Reason.IN_USE, f"kept while there are requests: {', '.join(sorted(living))}")
        await publish(parts, tenant, _with(tenant, tenant.status.projects, step, parts.now()))
        return RETRY_SECONDS
    if (rest := parts.rests.left(tenant.meta, parts.monotonic())) > 0:
        return rest
    try:
        with correlated(call_id(tenant.meta.uid)):
            await _delete_projects(tenant, parts)
    except KunlunError as error:
        parts.rests.begin(tenant.meta, until=parts.monotonic() + RETRY_SECONDS)
        step = Step("False", Reason(error.reason), error.message)
        await publish(parts, tenant, _with(tenant, tenant.status.projects, step, parts.now()))
        return RETRY_SECONDS
    await drop_finalizer(parts, tenant)
    return None


async def _delete_projects(tenant: Tenant, parts: Parts) -> None:
    """Also what was made and never came into the status, because quotas or shares failed after it."""
    cloud, known = parts.clouds.admin(), [project.name for project in tenant.status.projects]
    for name in dict.fromkeys([*known, *(_project_name(tenant, quota) for quota in tenant.spec.quotas)]):
        if name in known or await has_project(cloud, name, tenant=tenant.meta.name):
            await delete_project(cloud, name, tenant=tenant.meta.name)
