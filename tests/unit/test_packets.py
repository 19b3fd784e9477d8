"""Frames made by hand, and reports of agents put together."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from infra.sandbox.guests import frames
from infra.sandbox.guests.packets import (
    FIRST_SOURCE_PORT,
    LAST_SOURCE_PORT,
    Frame,
    Probe,
    Sight,
    allot,
    orders_of,
    understood,
)

MAC, OTHER_MAC = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"


def a_probe(protocol: str = "tcp", network: str = "here") -> Probe:
    return Probe(network, protocol, "10.0.0.1", "10.0.0.2", 443)


def a_report(**found: object) -> dict[str, object]:
    return {"answers": {}, "seen": [], "marks": [], "arp": [], "ipv6": [], "offers": [], **found}


def test_checksums_are_what_receivers_expect() -> None:
    """A packet with its checksum in place sums up to nothing (RFC 1071)."""
    frame = frames.datagram((MAC, OTHER_MAC), ("10.0.0.1", 9), ("10.0.0.2", 53), frames.marked(7))
    header, body = frame[14:34], frame[34 : 34 + 8 + 21]
    pseudo = header[12:20] + struct.pack("!BBH", 0, 17, len(body))

    assert (0, 0) == (frames.checksum(header), frames.checksum(pseudo + body))


def test_an_ipv6_frame_goes_to_everybody_on_the_link() -> None:
    """Next header, hop limit 255 and the checksum, as a receiver of router advertisements demands (RFC 4861)."""
    frame = frames.router_advertisement(MAC, frames.link_local(MAC), 5)
    head, body = frame[14:54], frame[54:]
    pseudo = head[8:40] + struct.pack("!IBBBB", len(body), 0, 0, 0, 58)

    assert ("33:33:00:00:00:01", 58, 255) == (frame[:6].hex(":"), head[6], head[7])
    assert 0 == frames.checksum(pseudo + body)
    assert "fe80::f816:3eff:fe00:1" == socket.inet_ntop(socket.AF_INET6, head[8:24])


def test_a_probe_is_known_by_its_source_port() -> None:
    """Each has one of its own, so whoever sees the first packet of a connection knows which it is."""
    orders = orders_of(["there"], [a_probe(), a_probe("udp")], [Frame("here", "eth0", b"\x01", 9)], first_port=40000)

    assert [[0, "tcp", "10.0.0.1", 40000, "10.0.0.2", 443]] == orders["here"]["sends"][:1]
    assert ([], [["tcp", "10.0.0.2", 443], ["udp", "10.0.0.2", 443]]) == (
        orders["there"]["sends"],
        [list(each) for each in orders["there"]["listen"]],
    )
    assert [[9, "eth0", "01"]] == orders["here"]["frames"]


def test_arrivals_are_found_wherever_they_were_seen() -> None:
    """Answers come from the sender, arrivals from everybody; a mark of another run's attack is no probe's."""
    here = a_report(answers={"0": "answered"}, marks=[1])
    there = a_report(seen=[[40000, "10.0.0.2"]], marks=[1, 90_000_000], arp=[[MAC, "10.0.0.1"]])
    sent = understood([a_probe(), a_probe("udp")], {"here": here, "there": there}, first_port=40000)

    assert [
        Sight("answered", frozenset({("there", "10.0.0.2")})),
        Sight("", frozenset({("here", "10.0.0.2"), ("there", "10.0.0.2")})),
    ] == sent.sights
    assert frozenset({(MAC, "10.0.0.1")}) == sent.watched["there"].arp


def test_no_run_uses_the_source_ports_of_the_one_before(tmp_path: Path) -> None:
    """The switch remembers connections for a while; the ports begin anew only when all have been used."""
    memory = tmp_path / "next"
    half = (LAST_SOURCE_PORT - FIRST_SOURCE_PORT) // 2

    assert FIRST_SOURCE_PORT == allot(memory, half)
    assert FIRST_SOURCE_PORT + half == allot(memory, half)
    assert FIRST_SOURCE_PORT == allot(memory, half)
