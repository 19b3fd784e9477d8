"""The wires: network namespaces, and veth pairs between them and the switch, which has a namespace of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.commands import attempt, run
from infra.sandbox.guests.facts import Outside, Route, Wire
from infra.sandbox.guests.places import NAMESPACES, Places, exists
from infra.sandbox.layout import SYSTEM_PATH

INTEGRATION_BRIDGE = "br-int"
UPLINK_MTU = 1500
LONGEST_DEVICE_NAME = 15  # IFNAMSIZ
TAP, UPLINK = "tap", "up-"
OWNER = "kunlun-namespace"
ENVIRON = {"PATH": SYSTEM_PATH}
# An upstream router: it forwards, does not mind by which way a packet comes, and asks for its neighbours by its own
# address, since routers of OVN answer nobody else (ip-sysctl in the kernel's documentation).
FORWARDING = {
    "ip_forward": 1,
    "conf/all/rp_filter": 0,
    "conf/eth0/rp_filter": 0,
    "conf/all/arp_announce": 2,
    "conf/all/send_redirects": 0,
    "conf/eth0/send_redirects": 0,
}


@dataclass(frozen=True, slots=True)
class Switch:
    """The sandbox's Open vSwitch: its namespace and its database."""

    namespace: str
    database: str

    def vsctl(self, *words: object) -> str:
        """One transaction; it returns when the switch has carried it out."""
        return run(["ovs-vsctl", f"--db={self.database}", "--timeout=20", *words], env=ENVIRON)

    def plugged(self) -> dict[str, frozenset[str]]:
        """The ports of each of our namespaces; others have not our name in them."""
        listed = json.loads(self.vsctl("--format=json", "--columns=name,external_ids", "list", "interface"))
        found: dict[str, frozenset[str]] = {}
        for name, (_, pairs) in listed["data"]:
            namespace = dict(pairs).get(OWNER)
            if namespace:
                found[namespace] = found.get(namespace, frozenset()) | {name}
        return found

    def add_port(self, bridge: str, port: str, namespace: str, **identity: str) -> None:
        """The port is on the bridge, and says to which namespace its wire leads."""
        known = {OWNER: namespace, **identity}
        words = [f'external_ids:{name}="{text}"' for name, text in known.items()]
        self.vsctl(
            "--if-exists", "del-port", port, "--", "add-port", bridge, port, "--", "set", "interface", port, *words
        )

    def remove_ports(self, names: Iterable[str], *options: str) -> None:
        words = [word for name in sorted(names) for word in ("--", "--if-exists", "del-port", name)]
        if words:
            self.vsctl(*options, *words)


def switch_of(places: Places) -> Switch:
    return Switch(f"kunlun-{places.base}", f"unix:{places.layout.run}/ovsdb.sock")


def tap_of(wire: Wire) -> str:
    """The switch's end of a port, named as Neutron's own agents do."""
    return f"{TAP}{wire.port[:11]}"


def wire_guest(switch: Switch, namespace: str, wires: Sequence[Wire]) -> None:
    """The namespace has one interface for each port, addressed as Neutron says. What it had before is replaced."""
    ensure_namespace(namespace)
    drop_links(switch, namespace)
    for index, wire in enumerate(wires):
        inner = f"eth{index}"
        lines = [f"link set {inner} address {wire.mac} mtu {wire.mtu} up"]
        lines += [f"address replace {address} dev {inner}" for address in wire.addresses]
        lines += [f"route replace {route.destination} via {route.via}" for route in wire.routes]
        if wire.gateway and index == 0:
            lines.append(f"route replace default via {wire.gateway}")
        plug(switch, namespace, (tap_of(wire), inner), wire.mtu)
        configure(namespace, lines)
        switch.add_port(INTEGRATION_BRIDGE, tap_of(wire), namespace, **{"iface-id": wire.port})


def wire_outside(switch: Switch, namespace: str, host: Outside) -> None:
    """The namespace stands on the zone's provider bridge and forwards between whoever it has routes to."""
    device = uplink_of(host.zone)
    ensure_namespace(namespace)
    drop_links(switch, namespace)
    plug(switch, namespace, (device, "eth0"), UPLINK_MTU)
    lines = [f"link set eth0 mtu {UPLINK_MTU} up"]
    configure(namespace, lines + [f"address replace {address} dev eth0" for address in host.addresses])
    lines = [f"echo {value} >/proc/sys/net/ipv4/{setting}" for setting, value in FORWARDING.items()]
    run(["ip", "netns", "exec", namespace, "/bin/sh", "-e", "-c", "\n".join(lines)], env=ENVIRON)
    switch.add_port(host.bridge, device, namespace)


def uplink_of(zone: str) -> str:
    """The switch's end of an outside host."""
    return f"{UPLINK}{zone}"[:LONGEST_DEVICE_NAME]


def change_routes(namespace: str, gone: Iterable[Route], wanted: Iterable[Route]) -> None:
    """Replace some routes by others. A next hop may not be there yet: that is for the next pass."""
    lines = [f"route delete {route.destination} via {route.via}" for route in gone]
    lines += [f"route replace {route.destination} via {route.via}" for route in wanted]
    attempt(["ip", "-n", namespace, "-force", "-batch", "-"], env=ENVIRON, text_in="\n".join(lines) + "\n")


def ensure_namespace(namespace: str) -> None:
    if not exists(namespace):
        run(["ip", "netns", "add", namespace], env=ENVIRON)
    configure(namespace, ["link set lo up"])


def remove_namespace(switch: Switch, namespace: str) -> None:
    """The namespace goes with its devices."""
    if exists(namespace):
        drop_links(switch, namespace)
        remove_namespaces([namespace])


def remove_namespaces(names: Iterable[str]) -> None:
    """Namespaces go, and the kernel removes the other ends of their wires."""
    lines = [f"netns delete {name}\n" for name in names]
    attempt(["ip", "-force", "-batch", "-"], env=ENVIRON, text_in="".join(lines))


def drop_links(switch: Switch, namespace: str) -> None:
    """Every interface but `lo` goes, with its other end, and the switch forgets its ports."""
    switch.remove_ports(switch.plugged().get(namespace, ()))
    listed = attempt(["ip", "-brief", "-n", namespace, "link"], env=ENVIRON).stdout
    for line in listed.splitlines():
        name, _, _ = line.split()[0].partition("@")
        if name != "lo":
            attempt(["ip", "-n", namespace, "link", "delete", name], env=ENVIRON)


def plug(switch: Switch, namespace: str, ends: tuple[str, str], mtu: int) -> None:
    """A veth pair: one end at the switch, the other in the namespace.

    Without the segmentation and checksums that a card would do: the userspace switch needs real packets.
    """
    outer, inner = ends
    attempt(["ip", "-n", switch.namespace, "link", "delete", outer], env=ENVIRON)
    pair = ["link", "add", outer, "mtu", mtu, "type", "veth", "peer", "name", inner, "netns", namespace]
    run(["ip", "-n", switch.namespace, *pair], env=ENVIRON)
    run(["ip", "-n", switch.namespace, "link", "set", outer, "up"], env=ENVIRON)
    run(["ip", "netns", "exec", namespace, "ethtool", "-K", inner, "tx", "off"], env=ENVIRON)


def configure(namespace: str, lines: Sequence[str]) -> None:
    """Commands of `ip` in the namespace, all of them or an error."""
    run(["ip", "-n", namespace, "-batch", "-"], env=ENVIRON, text_in="\n".join(lines) + "\n")


def processes_in(namespaces: Iterable[str]) -> list[int]:
    """Every process of the machine that is in one of these network namespaces."""
    wanted = {(NAMESPACES / name).stat().st_ino for name in namespaces if exists(name)}
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()] if wanted else []
    return [int(entry.name) for entry in entries if network_of(entry) in wanted]


def network_of(entry: Path) -> int | None:
    try:
        return (entry / "ns" / "net").stat().st_ino
    except OSError:
        return None
