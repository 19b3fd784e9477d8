"""Builders: a complete, allowed thing of each kind, of which a test varies what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import policies
from controllers.api.approval import ApprovalSpec
from controllers.api.informationsystem import InformationSystemSpec
from controllers.api.plan import PlanContent, plan_name
from controllers.api.requeststatus import ResourceRequestStatus
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.stored import APPROVALS, PLANS, REQUESTS, Approval, Meta, NoStatus, Plan, ResourceRequest, Stored
from controllers.api.tenant import TenantSpec
from controllers.api.zone import ResolvedName, ZoneSpec, ZoneStatus
from controllers.request.addresses import allocate
from controllers.request.imports import Found
from controllers.request.management import needs_management, plan_management
from controllers.request.plan import Catalogue, Inputs, plan_content, signed, staged
from controllers.request.seats import assign_seats
from infra.stackplan import ManagementPlan, Origin, Project, Removal, StackPlan
from policies.facts import facts_of
from policies.rules import Circumstances
from policies.stages import load_stages

NAMESPACE = "civil-affairs"


def a_network(**fields: Any) -> dict[str, Any]:
    return {"name": "app", "prefixLength": 28, **fields}


def a_server(**fields: Any) -> dict[str, Any]:
    return {"name": "web", "count": 2, "flavor": "c1.small", "image": "debian-12", "network": "app", **fields}


def a_desktop(**fields: Any) -> dict[str, Any]:
    """Three desktops for two users, one at a time."""
    users = {"users": ["li.na", "wang.fang"], "batchSize": 1}
    return (
        {"name": "counter", "count": 3, "flavor": "c1.small", "image": "debian-12", "network": "app"} | users | fields
    )


def a_flow(**fields: Any) -> dict[str, Any]:
    return {"from": {"cidr": "10.10.8.0/24"}, "to": "web", "ports": ["tcp/443"], "purpose": "clerks", **fields}


def a_spec(**fields: Any) -> ResourceRequestSpec:
    """Two web servers in one network of the extranet, open to a neighbour prefix."""
    body: dict[str, Any] = {
        "system": "permit-portal",
        "zone": "extranet",
        "networks": [a_network()],
        "servers": [a_server()],
        "flows": [a_flow()],
        "requestedBy": "li.na",
    }
    return ResourceRequestSpec.model_validate(body | fields)


def a_zone(**fields: Any) -> ZoneSpec:
    body: dict[str, Any] = {
        "class": "Extranet",
        "uplink": "uplink-extranet",
        "subnetPool": "zone-extranet",
        "prefixes": ["10.10.0.0/16"],
        "reservedPrefixes": ["10.10.0.0/24"],
        "images": [{"name": "debian-12", "minimumDiskGiB": 2}, {"name": "ubuntu-24.04", "minimumDiskGiB": 30}],
        "flavors": [
            {"name": "c1.small", "vcpus": 1, "memoryMiB": 2048, "diskGiB": 20, "monthlyYuan": 90},
            {"name": "c1.large", "vcpus": 4, "memoryMiB": 8192, "diskGiB": 80, "monthlyYuan": 360},
        ],
        "volumeMonthlyYuanPerGiB": 1,
        "flows": [permitted(zone="extranet"), permitted(cidr="10.0.0.0/8")],
        "management": {"network": "management-extranet", "prefix": "198.18.0.0/18"},
    }
    return ZoneSpec.model_validate(body | fields)


def permitted(*ports: str, stage: str | None = None, **source: str) -> dict[str, Any]:
    """An entry of a zone's catalogue; all ports unless some are named."""
    return {
        "from": source,
        "ports": list(ports or ("tcp/1-65535", "udp/1-65535")),
        "purpose": "offices",
        **({"stage": stage} if stage else {}),
    }


def zones() -> dict[str, ZoneSpec]:
    """The extranet and, beside it, the private network."""
    private = a_zone(**{"class": "Private"}, prefixes=["10.20.0.0/16"], reservedPrefixes=[])
    return {"extranet": a_zone(), "private": private}


def shipped_zones() -> dict[str, ZoneSpec]:
    """The zones as Kunlun ships them."""
    items = yaml.safe_load((Path(policies.__file__).parent / "zones.yaml").read_text(encoding="utf-8"))["items"]
    return {item["metadata"]["name"]: ZoneSpec.model_validate(item["spec"]) for item in items}


def a_tenant(**fields: Any) -> TenantSpec:
    body: dict[str, Any] = {
        "displayName": "Civil Affairs Bureau",
        "namespace": NAMESPACE,
        "quotas": [{"zone": "extranet", "servers": 10, "vcpus": 20, "memoryGiB": 40}],
        "monthlyBudgetYuan": 5000,
    }
    return TenantSpec.model_validate(body | fields)


def a_system(**fields: Any) -> InformationSystemSpec:
    body: dict[str, Any] = {
        "title": "Permit portal",
        "filingNumber": "CA-2018-007",
        "owner": "Civil Affairs Bureau",
        "classification": "NonClassified",
        "protectionLevel": 2,
    }
    return InformationSystemSpec.model_validate(body | fields)


def a_case(spec: ResourceRequestSpec | None = None, **fields: Any) -> Circumstances:
    """Circumstances in which the request is allowed."""
    allowed: dict[str, Any] = {"zones": zones(), "system": a_system(), "tenant": a_tenant()}
    return Circumstances(request=spec or a_spec(), namespace=NAMESPACE, **(allowed | fields))


def a_content(
    spec: ResourceRequestSpec | None = None,
    *,
    in_force: StackPlan | None = None,
    generation: int = 1,
    uid: str = "uid-1",
    unfinished: tuple[Removal, ...] = (),
    found: Found | None = None,
) -> PlanContent:
    """The plan content of a request, against what is in force."""
    asked = spec or a_spec()
    zone, known = a_zone(), found or Found()
    content = plan_content(
        Inputs(
            origin=Origin(namespace=NAMESPACE, name="permit-portal", uid=uid, generation=generation),
            request=asked,
            catalogue=Catalogue("extranet", zone, resolved(zone)),
            project=Project(id="project-1", name="civil-affairs-extranet"),
            addresses=allocate(asked, zone=zone, taken=[], previous=in_force, existing=known.addresses),
            in_force=in_force,
            seats=assign_seats(asked, in_force),
            unfinished=unfinished,
            found=known,
            management=_management(asked, zone, in_force),
        )
    )
    return staged(content, load_stages(), facts_of(content, a_case(asked), in_force=None))


def _management(spec: ResourceRequestSpec, zone: ZoneSpec, in_force: StackPlan | None) -> ManagementPlan | None:
    if not needs_management(spec):
        return None
    return plan_management(zone, resolved(zone), taken=(), previous=in_force)


def resolved(zone: ZoneSpec) -> ZoneStatus:
    return ZoneStatus(
        uplink_id="uplink-1",
        subnet_pool_id="pool-1",
        management_network_id="management-1",
        management_subnet_id="management-subnet-1",
        images=tuple(ResolvedName(name=image.name, id=f"id-{image.name}") for image in zone.images),
        flavors=tuple(ResolvedName(name=flavor.name, id=f"id-{flavor.name}") for flavor in zone.flavors),
        volumes=True,
    )


def a_plan(content: PlanContent | None = None) -> Plan:
    """The Plan object as the operator writes it."""
    spec = signed(content or a_content())
    return Stored(PLANS, a_meta(name=plan_name(spec.stack.origin.name, spec.digest)), spec, NoStatus())


def a_request(spec: ResourceRequestSpec | None = None, *, status: Mapping[str, Any] | None = None) -> ResourceRequest:
    read = ResourceRequestStatus.model_validate(status or {})
    return Stored(REQUESTS, a_meta(name="permit-portal", uid="uid-1"), spec or a_spec(), read)


def an_approval(of: Plan, **fields: Any) -> Approval:
    body: dict[str, Any] = {
        "plan": of.meta.name,
        "stage": "resource-office",
        "decision": "Approved",
        "approver": "zhang.wei",
    }
    return Stored(APPROVALS, a_meta(name="approval-1"), ApprovalSpec.model_validate(body | fields), NoStatus())


def a_meta(**fields: Any) -> Meta:
    meta: dict[str, Any] = {
        "name": "thing",
        "namespace": NAMESPACE,
        "uid": "uid-9",
        "generation": 1,
        "created": "2026-01-01T00:00:00Z",
        "deleting": False,
        "finalizers": (),
    }
    return Meta(**(meta | fields))
