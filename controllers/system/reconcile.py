"""A system is ready when it may use the cloud: registered and not classified."""

from __future__ import annotations

from controllers.api.conditions import ConditionType, Reason, Step, condition_from
from controllers.api.informationsystem import Classification, InformationSystemSpec, InformationSystemStatus
from controllers.api.stored import InformationSystem
from controllers.parts import Parts
from controllers.publish import publish


async def reconcile(system: InformationSystem, parts: Parts) -> float | None:
    """Say whether the system may use the cloud, and why not."""
    if system.meta.deleting:
        return None
    ready = condition_from(
        ConditionType.READY,
        standing(system.spec),
        before=system.status.conditions,
        generation=system.meta.generation,
        now=parts.now(),
    )
    status = InformationSystemStatus(observed_generation=system.meta.generation, conditions=(ready,))
    await publish(parts, system, status)
    return None


def standing(spec: InformationSystemSpec) -> Step:
    """The system's standing in the registry."""
    if spec.classification is Classification.CLASSIFIED:
        return Step("False", Reason.CLASSIFIED, "classified systems get nothing on this cloud")
    if spec.filing_number is None:
        return Step("False", Reason.NOT_REGISTERED, "no filing number yet; nothing is provisioned before it is filed")
    return Step("True", Reason.REGISTERED, f"filed as {spec.filing_number}, protection level {spec.protection_level}")
