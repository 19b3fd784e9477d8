"""Frames that no honest guest sends: made byte by byte, because a kernel would refuse to. Pure.

References: RFC 791 and 768 (IPv4, UDP), RFC 826 (ARP), RFC 2131 (DHCP), RFC 8200, 4443 and 4861 (IPv6, ICMPv6, router
advertisements). Each carries `mark`, by which whoever sees it knows it, except for ARP, which has no room.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from infra.sandbox.guests.agent import ARP, IPV4, IPV6, MARK, MARK_DIGITS

BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
BROADCAST = "255.255.255.255"
TCP, UDP, ICMPV6 = 6, 17, 58
DHCP_SERVER, DHCP_CLIENT = 67, 68
DHCP_COOKIE = bytes.fromhex("63825363")
ARP_REPLY, ROUTER_ADVERTISEMENT = 2, 134


def marked(mark: int) -> bytes:
    """The text by which a packet is known."""
    return MARK + b"%0*d" % (MARK_DIGITS, mark)


def datagram(macs: tuple[str, str], source: tuple[str, int], target: tuple[str, int], content: bytes) -> bytes:
    """UDP over IPv4, from and to (address, port); `macs` are the sender's and the receiver's."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(content), 0) + content
    addresses = IPv4Address(source[0]).packed + IPv4Address(target[0]).packed
    pseudo = addresses + struct.pack("!BBH", 0, UDP, len(udp))
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xFFFF) + udp[8:]
    return ethernet(macs, IPV4, ipv4(addresses, UDP, udp))


def connection_attempt(macs: tuple[str, str], source: tuple[str, int], target: tuple[str, int]) -> bytes:
    """The first packet of TCP (RFC 9293), from and to (address, port). It is known by its source port."""
    addresses = IPv4Address(source[0]).packed + IPv4Address(target[0]).packed
    tcp = struct.pack("!HHIIBBHHH", source[1], target[1], 1, 0, 5 << 4, 2, 64240, 0, 0)
    pseudo = addresses + struct.pack("!BBH", 0, TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return ethernet(macs, IPV4, ipv4(addresses, TCP, tcp))


def ipv4(addresses: bytes, protocol: int, body: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + addresses
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def gratuitous_arp(mac: str, address: str) -> bytes:
    """`address is at mac`, told to everybody."""
    own, known = octets(mac), IPv4Address(address).packed
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, ARP_REPLY) + own + known + octets(BROADCAST_MAC) + known
    return ethernet((mac, BROADCAST_MAC), ARP, body)


def dhcp_offer(mac: str, server: str, offered: str, mark: int) -> bytes:
    """An answer nobody asked for, from somebody who is no DHCP server."""
    fixed = struct.pack("!BBBBIHH", 2, 1, 6, 0, 0, 0, 0x8000)
    addresses = bytes(4) + IPv4Address(offered).packed + IPv4Address(server).packed + bytes(4)
    options = DHCP_COOKIE + bytes([53, 1, 2, 54, 4]) + IPv4Address(server).packed + b"\xff"
    content = fixed + addresses + bytes(16 + 64 + 128) + options + marked(mark)
    return datagram((mac, BROADCAST_MAC), (server, DHCP_SERVER), (BROADCAST, DHCP_CLIENT), content)


def dhcp_discover(mac: str, mark: int) -> bytes:
    """The question of a machine that has no address yet."""
    fixed = struct.pack("!BBBBIHH", 1, 1, 6, 0, mark + 1, 0, 0x8000)
    options = DHCP_COOKIE + bytes([53, 1, 1, 255])
    content = fixed + bytes(16) + octets(mac) + bytes(10 + 64 + 128) + options
    return datagram((mac, BROADCAST_MAC), ("0.0.0.0", DHCP_CLIENT), (BROADCAST, DHCP_SERVER), content)  # noqa: S104


def ipv6_datagram(mac: str, source: str, mark: int) -> bytes:
    """UDP to every IPv6 node on the link."""
    content = marked(mark)
    udp = struct.pack("!HHHH", 9, 9, 8 + len(content), 0) + content
    return ipv6(mac, source, UDP, udp, checksum_at=6)


def router_advertisement(mac: str, source: str, mark: int) -> bytes:
    """`I am the way out`, told to every IPv6 node on the link. The mark lies in an option that nobody knows."""
    option = marked(mark).ljust(22, b"\0")
    body = struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, 0, 1800, 0, 0) + bytes([254, 3]) + option
    return ipv6(mac, source, ICMPV6, body, checksum_at=2)


def ipv6(mac: str, source: str, protocol: int, body: bytes, *, checksum_at: int) -> bytes:
    addresses = IPv6Address(source).packed + IPv6Address(ALL_NODES).packed
    pseudo = addresses + struct.pack("!IBBBB", len(body), 0, 0, 0, protocol)
    body = body[:checksum_at] + struct.pack("!H", checksum(pseudo + body) or 0xFFFF) + body[checksum_at + 2 :]
    head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 255) + addresses
    return ethernet((mac, ALL_NODES_MAC), IPV6, head + body)


def link_local(mac: str) -> str:
    """The address a machine gives itself (RFC 4291, appendix A)."""
    own = octets(mac)
    identifier = bytes([own[0] ^ 2, *own[1:3], 0xFF, 0xFE, *own[3:]])
    return str(IPv6Address(bytes.fromhex("fe80000000000000") + identifier))


def ethernet(macs: tuple[str, str], kind: int, body: bytes) -> bytes:
    return octets(macs[1]) + octets(macs[0]) + struct.pack("!H", kind) + body.ljust(46, b"\0")


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def checksum(content: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    padded = content + b"\0" * (len(content) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while carry := total >> 16:
        total = (total & 0xFFFF) + carry
    return ~total & 0xFFFF
