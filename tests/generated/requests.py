"""Requests that fit together: names that exist, sizes with room, and the same pushed to every limit."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from controllers.api import API_VERSION

Body = dict[str, Any]

LONGEST = "n" + "0-" * 8 + "9"  # 18 characters
NAMES = (
    "app",
    "web",
    "db",
    "a",
    "x1",
    "web-0",
    "none",
    "true",
    "port",
    "router",
    "default",
    "volume-a",
    "z" * 18,
    LONGEST,
)
FLAVORS = ("c1.small", "c1.medium", "c1.large", "d1.small")
IMAGES = ("debian-12", "ubuntu-24.04")
OUTSIDE = (
    "172.20.0.0/16",
    "192.0.2.0/24",
    "10.10.0.0/16",
    "10.10.200.0/24",
    "172.16.0.1/32",
    "10.10.0.0/24",
    "0.0.0.0/0",
)
PORTS = st.sampled_from(["tcp/1", "tcp/443", "udp/65535", "tcp/1-65535", "udp/53", "tcp/22-22", "udp/5000-5010"])
MANY_PORTS = [f"{protocol}/{number}" for protocol in ("tcp", "udp") for number in range(1000, 1100)]
# Text that programs trip over: nothing, blanks, control codes, bidirectional, half a pair, combining, markup.
TEXTS = (
    *("", " ", "\t\n", "\x00", "a\x00b", "\x1b[31mred", "\u202eevil", "\u2066x", "\ud800", "\udfff\ud800", "\ufeffa"),
    *("e\u0301" * 40, "\U0001f600", "字" * 256, "字" * 257, "a" * 41, "a" * 5000),
    *("[bold]x[/]", "%s%n", "{{x}}", "${jndi}", "../../etc", "null", "1e999", "-", "A", "a-"),
)
NUMBERS = (
    0,
    -1,
    1,
    29,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    10**30,
    10**400,
    -(2**63) - 1,
    0.5,
    28.0,
    -0.0,
    1e308,
    5e-324,
)


def names(most: int, least: int = 1) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(NAMES), min_size=least, max_size=most, unique=True)


@st.composite
def fitting_together(draw: DrawFn) -> Body:
    """A spec most of whose kind are planned."""
    networks = draw(names(3))
    servers = draw(names(4, least=0))
    return {
        "system": "permit-portal",
        "zone": draw(st.sampled_from(["extranet", "private", "internet"])),
        "networks": [{"name": name, "prefixLength": draw(st.integers(20, 29))} for name in networks],
        "servers": [draw(a_server(name, networks)) for name in servers],
        "flows": [draw(a_flow(servers)) for _ in range(draw(st.integers(0, 4)))] if servers else [],
        **draw(st.fixed_dictionaries({}, optional={"driftPolicy": st.sampled_from(["Report", "Correct"])})),
    }


@st.composite
def a_server(draw: DrawFn, name: str, networks: list[str]) -> Body:
    """A server entry in one of the networks."""
    optional = {
        "count": st.integers(1, 4),
        "volumes": st.lists(volumes(), max_size=4, unique_by=lambda volume: volume["name"]),
        "bootVolumeGiB": st.sampled_from([1, 3, 30]),
    }
    chosen = {
        "flavor": st.sampled_from(FLAVORS),
        "image": st.sampled_from(IMAGES),
        "network": st.sampled_from(networks),
    }
    return {"name": name, **draw(st.fixed_dictionaries(chosen, optional=optional))}


def volumes() -> SearchStrategy[Body]:
    size = st.sampled_from([1, 10, 100, 16384])
    fate = {"onDelete": st.sampled_from(["Retain", "Delete"])}
    return st.fixed_dictionaries({"name": st.sampled_from(NAMES), "sizeGiB": size}, optional=fate)


def a_flow(servers: list[str]) -> SearchStrategy[Body]:
    """A flow to one of the servers, from another or from a prefix."""
    sources = st.sampled_from([{"servers": name} for name in servers] + [{"cidr": cidr} for cidr in OUTSIDE])
    return st.fixed_dictionaries(
        {
            "from": sources,
            "to": st.sampled_from(servers),
            "ports": st.lists(PORTS, min_size=1, max_size=3, unique=True),
            "purpose": st.sampled_from(["clerks", *(text for text in TEXTS if text)]),
        }
    )


@st.composite
def at_the_limits(draw: DrawFn) -> Body:
    """As many networks, servers, volumes and rules as the form lets through, and one more."""
    networks = [f"net-{index}" for index in range(draw(st.sampled_from([1, 8, 9])))]
    entries, count = draw(st.sampled_from([(16, 4), (4, 16), (13, 5), (16, 20), (1, 20), (16, 1), (17, 3), (3, 20)]))
    volumes_each = draw(st.sampled_from([0, 4, 5]))
    size = draw(st.sampled_from([1, 1, 16384]))
    data = [{"name": f"data-{'d' * 12}{index}", "sizeGiB": size} for index in range(volumes_each)]
    length = draw(st.sampled_from([20, 25, 26, 28, 29]))
    servers: list[Body] = [
        {
            "name": f"server-{'s' * 9}{index:02}",
            "count": count,
            "flavor": "c1.small",
            "image": "debian-12",
            "network": networks[index % len(networks)],
            **({"volumes": data} if data else {}),
        }
        for index in range(entries)
    ]
    return {
        "system": "permit-portal",
        "zone": "extranet",
        "networks": [{"name": name, "prefixLength": length} for name in networks],
        "servers": servers,
        "flows": draw(many_flows([server["name"] for server in servers])),
    }


@st.composite
def many_flows(draw: DrawFn, servers: list[str]) -> list[Body]:
    """Up to the number of rules that a group may have, and somewhat beyond; spread, or all upon one."""
    number, ports = draw(
        st.sampled_from([(0, 1), (64, 1), (64, 2), (65, 1), (5, 32), (6, 30), (6, 32), (64, 32), (64, 3)])
    )
    targets = draw(st.sampled_from([servers, servers[:1], servers[:2]]))
    inside = draw(st.booleans())
    return [
        {
            "from": {"servers": servers[-1]} if inside else {"cidr": f"172.20.{index}.0/24"},
            "to": targets[index % len(targets)],
            "ports": MANY_PORTS[index : index + ports],
            "purpose": "字" * 256,
        }
        for index in range(number)
    ]


def document(spec: Any, name: str = "generated") -> Body:
    """A request object with this spec."""
    metadata = {"name": name, "namespace": "civil-affairs"}
    return {"apiVersion": API_VERSION, "kind": "ResourceRequest", "metadata": metadata, "spec": spec}
