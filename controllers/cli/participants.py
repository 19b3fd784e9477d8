"""Who takes part in a probe: by the cluster, what is in force and declared; by the sandbox, who has a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controllers.api.stored import PLANS, REQUESTS, ZONES, Meta, ResourceRequest, stored
from controllers.api.zone import ZoneSpec
from controllers.cli.kubectl import Document, Kubectl
from controllers.cli.reading import verified
from controllers.cli.verdict import public_of
from controllers.probe.stations import Bodies, Body, Case, Known
from infra.sandbox.cloud.zonefacts import ManagementFacts
from infra.sandbox.guests.inside import Host, hosts
from infra.sandbox.guests.keeper import recorded
from infra.sandbox.guests.places import Places, exists
from infra.stackplan import Kind as CloudKind

SERVER_PREFIX = "server-"


def namespace_case(kubectl: Kubectl) -> Case:
    """The namespace's requests with a plan in force. A plan that is not what it says is an error."""
    return _case(kubectl, kubectl.listed(REQUESTS), kubectl.listed(PLANS), lambda meta: meta.name)


def cluster_case(kubectl: Kubectl) -> Case:
    """The same of every namespace: all departments on each other."""
    found = kubectl.everywhere(REQUESTS), kubectl.everywhere(PLANS)
    return _case(kubectl, *found, lambda meta: f"{meta.namespace}/{meta.name}")


def _case(
    kubectl: Kubectl, requests: Sequence[Document], plans: Sequence[Document], key: Callable[[Meta], str]
) -> Case:
    zones = {zone.meta.name: zone.spec for zone in (stored(ZONES, each) for each in kubectl.listed(ZONES))}
    written = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in plans}
    known = {}
    for request in (stored(REQUESTS, document) for document in requests):
        plan = written.get((request.meta.namespace, request.status.approved_plan))
        if plan is not None and not request.meta.deleting:
            known[key(request.meta)] = known_request(request, plan)
    return Case(known, zones)


def known_request(request: ResourceRequest, document: Mapping[str, object]) -> Known:
    plan = verified(document)
    present = plan.spec.stack.origin.generation == request.meta.generation
    servers = {
        item.name.removeprefix(SERVER_PREFIX): item.id
        for item in request.status.resources
        if item.kind is CloudKind.SERVER
    }
    settled = request.status.plan == request.status.approved_plan
    public = dict(public_of(request.status))
    return Known(plan.spec.stack, request.spec if present else None, settled, servers, public)


def read_bodies(places: Places, zones: Mapping[str, ZoneSpec]) -> Bodies:
    """What the sandbox has plugged."""
    found = hosts(places)
    return Bodies(
        guests={host.server: guest_body(places, host) for host in found if host.server},
        outside={host.zone: Body(host.name, host.namespace, host.address) for host in found if host.zone},
        management={name: body for name, zone in zones.items() if (body := management_body(places, zone))},
    )


def management_body(places: Places, zone: ZoneSpec) -> Body | None:
    """Where the operator comes from in the zone; None when there is no such place."""
    told = zone.management
    namespace = places.management_namespace(told.network) if told else ""
    if told is None or not exists(namespace):
        return None
    return Body(told.network, namespace, ManagementFacts(told.network, told.prefix).operator)


def guest_body(places: Places, host: Host) -> Body:
    guest = recorded(places.guest(host.server))
    mac = guest.wires[0].mac if guest and guest.wires else ""
    return Body(host.name, host.namespace, host.address, mac)
