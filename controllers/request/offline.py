"""A plan without a cluster: what a request would become, for people and pipelines that want to know first.

Ids, addresses in use, registry, quota and budget are known only to the cluster; what needs them is left out
or shown as a placeholder. The digest of such a plan means nothing and cannot be approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from controllers.api.findings import Finding, findings_of
from controllers.api.plan import PlanContent
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.zone import ResolvedName, ZoneSpec, ZoneStatus
from controllers.request.addresses import allocate
from controllers.request.imports import named_imports
from controllers.request.management import needs_management, plan_management
from controllers.request.plan import Catalogue, Inputs, plan_content, staged
from controllers.request.roles import Playbooks
from controllers.request.seats import assign_seats
from controllers.request.validate import validate
from infra.errors import KunlunError
from infra.stackplan import Origin, Project
from policies.evaluate import evaluate_zone_rules
from policies.facts import facts_of
from policies.rules import Circumstances
from policies.stages import load_stages

UNKNOWN = "known-in-the-cluster"


@dataclass(frozen=True, slots=True)
class OfflinePlan:
    """Either everything that is wrong, or the plan."""

    problems: list[Finding]
    content: PlanContent | None


def plan_offline(document: Mapping[str, Any], zones: Mapping[str, ZoneSpec]) -> OfflinePlan:
    """Plan one ResourceRequest document against zones given as data."""
    spec, problems = _spec(document)
    if spec is None:
        return OfflinePlan(problems, None)
    case = Circumstances(request=spec, namespace=_namespace(document), zones=zones, roles=Playbooks().names())
    problems += [*validate(spec), *evaluate_zone_rules(case)]
    if problems:
        return OfflinePlan(problems, None)
    try:
        content = plan_content(_inputs(document, spec, zones[spec.zone]))
        return OfflinePlan([], staged(content, load_stages(), facts_of(content, case, in_force=None)))
    except KunlunError as error:
        return OfflinePlan([Finding("spec", error.message)], None)
    except ValidationError as error:
        return OfflinePlan(findings_of(error, "metadata"), None)


def _metadata(document: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = document.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _namespace(document: Mapping[str, Any]) -> str:
    """An empty one is none, just as it is to the API server."""
    return str(_metadata(document).get("namespace") or "default")


def _spec(document: Mapping[str, Any]) -> tuple[ResourceRequestSpec | None, list[Finding]]:
    problems = [] if _metadata(document).get("name") else [Finding("metadata.name", "is missing")]
    spec = document.get("spec")
    if not isinstance(spec, Mapping):
        return None, [*problems, Finding("spec", "is missing or not a mapping")]
    try:
        return ResourceRequestSpec.model_validate({"requestedBy": UNKNOWN, **spec}), problems
    except ValidationError as error:
        return None, problems + findings_of(error, "spec")


def _inputs(document: Mapping[str, Any], spec: ResourceRequestSpec, zone: ZoneSpec) -> Inputs:
    metadata = _metadata(document)
    status = _unresolved(zone)
    catalogue = Catalogue(spec.zone, zone, status)
    return Inputs(
        origin=Origin(namespace=_namespace(document), name=str(metadata["name"]), uid=UNKNOWN, generation=1),
        request=spec,
        catalogue=catalogue,
        project=Project(id=UNKNOWN, name=UNKNOWN),
        addresses=allocate(spec, zone=zone, taken=[], previous=None),
        in_force=None,
        seats=assign_seats(spec, None),
        found=named_imports(spec, unknown=UNKNOWN),
        management=plan_management(zone, status, taken=(), previous=None) if needs_management(spec) else None,
    )


def _unresolved(zone: ZoneSpec) -> ZoneStatus:
    return ZoneStatus(
        uplink_id=UNKNOWN,
        subnet_pool_id=UNKNOWN,
        management_network_id=UNKNOWN,
        management_subnet_id=UNKNOWN,
        images=tuple(ResolvedName(name=image.name, id=image.name) for image in zone.images),
        flavors=tuple(ResolvedName(name=flavor.name, id=flavor.name) for flavor in zone.flavors),
        volumes=True,
    )
