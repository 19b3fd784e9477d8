"""A zone is ready when the cloud has its uplink, its subnet pool, and every image and flavor it offers."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, Reason, Step, condition_from
from controllers.api.stored import Zone
from controllers.api.zone import ResolvedName, ZoneStatus
from controllers.parts import Parts
from controllers.publish import publish
from infra.catalogue import ZoneCatalogue, observe_catalogue
from infra.errors import KunlunError

AFTER_MISSING_SECONDS = 5.0
AFTER_FAILURE_SECONDS = 15.0


async def reconcile(zone: Zone, parts: Parts) -> float | None:
    """Look up every name of the spec; returns seconds until the next look."""
    if zone.meta.deleting:
        return None
    if (rest := parts.rests.left(zone.meta, parts.monotonic())) > 0:
        return rest
    try:
        found = await _catalogue(zone, parts)
    except KunlunError as error:
        await _tell_unread(zone, error, parts)
        raise
    missing = missing_names(zone, found)
    await publish(parts, zone, _status(zone, found, missing, parts.now()))
    return AFTER_MISSING_SECONDS if missing else parts.settings.catalogue_interval_seconds


async def _catalogue(zone: Zone, parts: Parts) -> ZoneCatalogue:
    return await observe_catalogue(
        parts.clouds.admin(),
        uplink=zone.spec.uplink,
        subnet_pool=zone.spec.subnet_pool,
        images=[image.name for image in zone.spec.images],
        flavors=[flavor.name for flavor in zone.spec.flavors],
    )


async def _tell_unread(zone: Zone, error: KunlunError, parts: Parts) -> None:
    """A zone that was read once stays as it is: not having seen it again is no reason to doubt it."""
    if zone.status.uplink_id is not None:
        return
    parts.rests.begin(zone.meta, until=parts.monotonic() + AFTER_FAILURE_SECONDS)
    step = Step("False", Reason(error.reason), f"the cloud's catalogue cannot be read: {error.message}")
    ready = condition_from(
        ConditionType.READY, step, before=zone.status.conditions, generation=zone.meta.generation, now=parts.now()
    )
    await publish(parts, zone, zone.status.model_copy(update={"conditions": (ready,)}))


def missing_names(zone: Zone, found: ZoneCatalogue) -> list[str]:
    """What the zone promises and the cloud does not have."""
    missing = [f"image '{image.name}'" for image in zone.spec.images if image.name not in found.images]
    missing += [f"flavor '{flavor.name}'" for flavor in zone.spec.flavors if flavor.name not in found.flavors]
    if found.uplink_id is None:
        missing.append(f"external network '{zone.spec.uplink}'")
    if found.subnet_pool_id is None:
        missing.append(f"subnet pool '{zone.spec.subnet_pool}'")
    return missing


def _status(zone: Zone, found: ZoneCatalogue, missing: list[str], now: str) -> ZoneStatus:
    if missing:
        step = Step("False", Reason.CATALOGUE_INCOMPLETE, f"the cloud does not have: {', '.join(missing)}")
    else:
        step = Step("True", Reason.READY, f"{len(found.images)} images, {len(found.flavors)} flavors")
    ready = condition_from(
        ConditionType.READY, step, before=zone.status.conditions, generation=zone.meta.generation, now=now
    )
    return ZoneStatus(
        observed_generation=zone.meta.generation,
        uplink_id=found.uplink_id,
        subnet_pool_id=found.subnet_pool_id,
        address_scope_id=found.address_scope_id,
        images=_resolved(found.images),
        flavors=_resolved(found.flavors),
        volumes=found.volumes,
        conditions=(ready,),
    )


def _resolved(ids: dict[str, str]) -> tuple[ResolvedName, ...]:
    return tuple(ResolvedName(name=name, id=identifier) for name, identifier in sorted(ids.items()))
