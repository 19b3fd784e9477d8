"""Outside hosts: what stands beyond a zone's uplink, kept as the routers of the cloud need it.

Such a host is the zone's upstream router: it has the gateway's address, routes to every prefix that the cloud does
not hide behind a router's address, and forwards. It is also whoever lies behind it: any address given to it by
`add_address` may call, and is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from infra.errors import InvalidRequest
from infra.sandbox.commands import attempt
from infra.sandbox.guests.facts import Outside
from infra.sandbox.guests.places import Places, exists
from infra.sandbox.guests.wiring import ENVIRON, Switch, change_routes, configure, uplink_of, wire_outside
from infra.sandbox.layout import write_private


def ensure_outside(places: Places, switch: Switch, host: Outside) -> None:
    """The host of a zone is as it should be; nothing is done when it is."""
    namespace, record = places.outside_namespace(host.zone), places.outside(host.zone)
    known = Outside.model_validate_json(record.read_text()) if record.exists() else None
    wired = exists(namespace) and uplink_of(host.zone) in switch.plugged().get(namespace, ())
    if not wired or known is None or (known.addresses, known.bridge) != (host.addresses, host.bridge):
        record.unlink(missing_ok=True)
        wire_outside(switch, namespace, host)
        known = None
    if known == host:
        return
    before = known.routes if known else ()
    gone = [route for route in before if route not in host.routes]
    change_routes(namespace, gone, [route for route in host.routes if route not in before])
    write_private(record, host.model_dump_json())


def add_address(namespace: str, address: str) -> None:
    """The outside host is reached, and may call, under this address too. Raises InvalidRequest when it is none."""
    try:
        parsed = IPv4Address(address)
    except ValueError as error:
        raise InvalidRequest(f"'{address}' is no IPv4 address") from error
    listed = attempt(["ip", "-brief", "-n", namespace, "address"], env=ENVIRON).stdout
    if f" {parsed}/" not in listed:
        configure(namespace, [f"address replace {parsed}/32 dev lo"])


def add_ways(namespace: str, ways: Mapping[str, str]) -> None:
    """From here each address is reached by its router, as `reach.sh` does it for the operator."""
    if ways:
        configure(namespace, [f"route replace {address}/32 via {via}" for address, via in ways.items()])
