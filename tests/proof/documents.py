"""What the three departments write: who may do what in them, a system each, and a request for each zone."""

from __future__ import annotations

from typing import Any

from controllers.api import API_VERSION
from tests.e2e.tiers import ZONES

Document = dict[str, Any]

DEPARTMENTS = ("transport", "health", "education")
CONFIGURED = (("transport", "app"), ("health", "app"))  # two routers meet in one management network
SERVERS_EACH = 2
OFFICES = {"extranet": "10.10.200.0/24", "private": "10.20.200.0/24", "internet": "0.0.0.0/0"}
CALLED_BY = {"app": "web", "db": "app"}
RBAC = "rbac.authorization.k8s.io"
ROLES = {
    "kunlun:department": ("kunlun:civil-affairs",),
    "kunlun:approver": ("kunlun:resource-office", "kunlun:security", "kunlun:finance"),
    "kunlun:stage-resource-office": ("kunlun:resource-office",),
    "kunlun:stage-security": ("kunlun:security",),
    "kunlun:stage-finance": ("kunlun:finance",),
}


def furniture(department: str) -> list[Document]:
    """Namespace, tenant, and who may do what: the sandbox's people serve all departments."""
    quotas = [
        {"zone": zone, "servers": 20, "vcpus": 40, "memoryGiB": 80, "networks": 10} for zone in sorted(ZONES.values())
    ]
    tenant = {
        "displayName": department.title(),
        "namespace": department,
        "monthlyBudgetYuan": 100_000,
        "quotas": quotas,
    }
    labels = {"kunlun.cloud/tenant": department}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": department, "labels": labels}},
        {"apiVersion": API_VERSION, "kind": "Tenant", "metadata": {"name": department}, "spec": tenant},
        *(a_binding(department, role, groups) for role, groups in ROLES.items()),
    ]


def a_binding(namespace: str, role: str, groups: tuple[str, ...]) -> Document:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role.replace(":", "-"), "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group} for group in groups],
    }


def a_system(department: str) -> Document:
    spec = {
        "title": "Portal",
        "filingNumber": f"{department}-1",
        "owner": department,
        "classification": "NonClassified",
        "protectionLevel": 2,
    }
    metadata = {"name": "portal", "namespace": department}
    return {"apiVersion": API_VERSION, "kind": "InformationSystem", "metadata": metadata, "spec": spec}


def a_request(department: str, tier: str, zone: str) -> Document:
    """A front that offices or the public call, its store, and whoever calls the front from the zone before."""
    server = {"flavor": "c1.small", "image": "debian-12", "network": "app"}
    front: Document = {"name": "front", **server}
    if zone == "internet":
        front["publicAddress"] = True
    if (department, tier) in CONFIGURED:
        front["roles"] = ["baseline"]
    spec = {
        "system": "portal",
        "zone": zone,
        "networks": [{"name": "app", "prefixLength": 28}],
        "servers": [front, {"name": "store", **server}],
        "flows": flows_of(tier, zone),
    }
    metadata = {"name": tier, "namespace": department}
    return {"apiVersion": API_VERSION, "kind": "ResourceRequest", "metadata": metadata, "spec": spec}


def flows_of(tier: str, zone: str) -> list[Document]:
    """Inside the request, from outside, and from the request of the zone before."""
    found = [
        {"from": {"cidr": OFFICES[zone]}, "to": "front", "ports": ["tcp/80", "tcp/443"], "purpose": "users"},
        {"from": {"servers": "front"}, "to": "store", "ports": ["tcp/5432", "udp/5000-5010"], "purpose": "rows"},
    ]
    if tier in CALLED_BY:
        origin = {"request": CALLED_BY[tier], "servers": "front"}
        found.append({"from": origin, "to": "front", "ports": ["tcp/8080"], "purpose": "the tier before"})
    return found


def an_approval(namespace: str, plan: str, stage: str) -> Document:
    spec = {"plan": plan, "stage": stage, "decision": "Approved", "reason": "read and agreed"}
    metadata = {"generateName": f"{stage}-", "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": metadata, "spec": spec}
