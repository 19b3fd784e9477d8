"""A zone is ready when the cloud has its uplink, its subnet pool, and every image and flavor it offers."""

from __future__ import annotations

from dataclasses import replace

from controllers.api.conditions import Condition, ConditionType, Reason, Step, condition_from
from controllers.api.stored import ZONES, Zone
from controllers.api.zone import ResolvedName, ZoneStatus
from controllers.parts import Parts
from controllers.publish import publish
from infra.catalogue import ZoneCatalogue, observe_catalogue, observe_management
from infra.correlation import call_id, correlated
from infra.errors import KunlunError

AFTER_MISSING_SECONDS = 5.0
AFTER_FAILURE_SECONDS = 15.0


async def reconcile(zone: Zone, parts: Parts) -> float | None:
    """Look up every name of the spec; returns seconds until the next look.

    Raises what keeps it from looking; the status says so, too, unless it tells what an earlier look at this spec found.
    """
    if zone.meta.deleting:
        return None
    if (rest := parts.rests.left(zone.meta, parts.monotonic())) > 0:
        return rest
    try:
        with correlated(call_id(zone.meta.uid)):
            found = await _look(zone, parts)
    except KunlunError as error:
        if zone.status.observed_generation != zone.meta.generation or not _is_ready(zone):
            parts.rests.begin(zone.meta, until=parts.monotonic() + AFTER_FAILURE_SECONDS)
            await publish(parts, zone, _unseen(zone, error, parts.now()))
        raise
    zone = parts.cache.get(ZONES, "", zone.meta.name) or zone  # while it looked, the audit may have spoken
    missing = missing_names(zone, found)
    await publish(parts, zone, _status(zone, found, missing, parts.now()))
    return AFTER_MISSING_SECONDS if missing else parts.settings.catalogue_interval_seconds


def missing_names(zone: Zone, found: ZoneCatalogue) -> list[str]:
    """What the zone promises and the cloud does not have."""
    missing = [f"image '{image.name}'" for image in zone.spec.images if image.name not in found.images]
    missing += [f"flavor '{flavor.name}'" for flavor in zone.spec.flavors if flavor.name not in found.flavors]
    if found.uplink_id is None:
        missing.append(f"external network '{zone.spec.uplink}'")
    if found.subnet_pool_id is None:
        missing.append(f"subnet pool '{zone.spec.subnet_pool}'")
    if zone.spec.management is not None and found.management is None:
        missing.append(f"management network '{zone.spec.management.network}' with one subnet")
    return missing


async def _look(zone: Zone, parts: Parts) -> ZoneCatalogue:
    found = await observe_catalogue(
        parts.clouds.admin(),
        uplink=zone.spec.uplink,
        subnet_pool=zone.spec.subnet_pool,
        images=[image.name for image in zone.spec.images],
        flavors=[flavor.name for flavor in zone.spec.flavors],
    )
    if zone.spec.management is None:
        return found
    return replace(found, management=await observe_management(parts.clouds.admin(), zone.spec.management.network))


def _is_ready(zone: Zone) -> bool:
    return any(item.type == ConditionType.READY and item.status == "True" for item in zone.status.conditions)


def _unseen(zone: Zone, error: KunlunError, now: str) -> ZoneStatus:
    """What was found earlier stays: what is built goes on by it."""
    conditions = (_ready(zone, Step("False", Reason(error.reason), error.message), now), *_contained(zone))
    return zone.status.model_copy(update={"observed_generation": zone.meta.generation, "conditions": conditions})


def _ready(zone: Zone, step: Step, now: str) -> Condition:
    return condition_from(
        ConditionType.READY, step, before=zone.status.conditions, generation=zone.meta.generation, now=now
    )


def _contained(zone: Zone) -> tuple[Condition, ...]:
    """What the audit says stays as it is."""
    return tuple(item for item in zone.status.conditions if item.type == ConditionType.CONTAINED)


def _status(zone: Zone, found: ZoneCatalogue, missing: list[str], now: str) -> ZoneStatus:
    if missing:
        step = Step("False", Reason.CATALOGUE_INCOMPLETE, f"the cloud does not have: {', '.join(missing)}")
    else:
        step = Step("True", Reason.READY, f"{len(found.images)} images, {len(found.flavors)} flavors")
    return ZoneStatus(
        observed_generation=zone.meta.generation,
        uplink_id=found.uplink_id,
        subnet_pool_id=found.subnet_pool_id,
        address_scope_id=found.address_scope_id,
        management_network_id=found.management.network_id if found.management else None,
        management_subnet_id=found.management.subnet_id if found.management else None,
        images=_resolved(found.images),
        flavors=_resolved(found.flavors),
        volumes=found.volumes,
        conditions=(_ready(zone, step, now), *_contained(zone)),
    )


def _resolved(ids: dict[str, str]) -> tuple[ResolvedName, ...]:
    return tuple(ResolvedName(name=name, id=identifier) for name, identifier in sorted(ids.items()))
