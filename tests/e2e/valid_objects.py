"""Objects the API server must take: the usual ones, and those at the very edges of the rules."""

from __future__ import annotations

from tests.e2e.office import Document, a_permitted_flow, a_request, a_server, a_system, a_zone
from tests.e2e.variations import a_named, with_desktops, with_flow, with_source, with_volumes

MANY_PORTS = [f"tcp/{port}" for port in range(1000, 1032)]

VALID: dict[str, Document] = {
    "the standard request": a_request(),
    "one server and no flow": a_request(servers=[a_server()], flows=None),
    "a network without servers": a_request(servers=None, flows=None),
    "64 servers in all": a_request(servers=[a_server(name=f"s{n}", count=16) for n in range(4)], flows=None),
    "a flow from anywhere": with_source(cidr="0.0.0.0/0"),
    "a flow from servers of this request": with_source(servers="web"),
    "a flow from servers of another request": with_source(request="permit-db", servers="db"),
    "the highest port, and a range of one": with_flow(ports=["tcp/65535", "udp/5000-5000"]),
    "a range of ports of different lengths": with_flow(ports=["tcp/999-10000"]),
    "a test environment with a lifetime": a_request(environment="Test", timeToLive="8h"),
    "a test environment of the zone's longest life": a_request(environment="Test", timeToLive="336h"),
    "a test environment whose data goes with it": a_request(
        environment="Test",
        timeToLive="8h",
        servers=[a_server(volumes=[{"name": "data", "sizeGiB": 1, "onDelete": "Delete"}])],
    ),
    "volumes": with_volumes({"name": "records", "sizeGiB": 200}, {"name": "scratch", "sizeGiB": 1}),
    "desktops": with_desktops(users=["li.na", "wang.fang"]),
    "a name of 40 letters": a_named(a_request(), "a" * 40),
    "a zone with a catalogue of flows": a_zone(
        flows=[a_permitted_flow(zone="internet"), a_permitted_flow(cidr="0.0.0.0/0")]
    ),
    "a zone with the longest catalogue": a_zone(flows=[a_permitted_flow(ports=MANY_PORTS, zone="internet")] * 64),
    "a system that is not registered yet": a_system(),
    "a registered system": a_system(filingNumber="MZ-2026-0017"),
}
