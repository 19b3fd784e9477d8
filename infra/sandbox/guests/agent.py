"""Sends and sees packets inside one network namespace. Run there as a program of its own, on the standard library only.

Orders come as one line of JSON on standard input: `listen` [[protocol, address, port]], `sends` [[id, protocol,
source address, source port, address, port]], `frames` [[id, device, hex]], `seconds`. It answers "ready" once it
listens and watches, begins at the next line, and ends with one line of JSON: `answers` {id: how}, `seen` [[source
port, address]] for first packets of connections, `marks` [ids of marked packets], `arp` [[MAC, address]] for who
claims which address, `ipv6` [MAC], `offers` [address offered by DHCP].
"""

from __future__ import annotations

import contextlib
import errno
import json
import selectors
import socket
import struct
import sys
import time
from typing import Any

MARK = b"kunlun-probe:"  # what every packet of ours carries that can carry anything; eight digits follow
MARK_DIGITS = 8
ALL_PROTOCOLS, OUTGOING, LOOPBACK = 3, 4, "lo"  # packet(7)
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
SYN, SYN_ACK_MASK = 0x02, 0x12
DHCP_CLIENT, OFFERED = 68, 24  # a port; where `yiaddr` lies, from the UDP header on (RFC 2131)
BURST, PAUSE_SECONDS = 20, 0.02  # the switch learns each new connection in user space
REPEAT_SECONDS = 0.8
SO_RCVBUFFORCE, BUFFER_BYTES = 33, 1 << 23  # socket(7); Python has no name for the first


class Agent:
    """One run: listeners, watchers and senders over one selector."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.selector = selectors.DefaultSelector()
        self.answers: dict[str, str] = {}
        self.seen: set[tuple[int, str]] = set()
        self.marks: set[int] = set()
        self.arp: set[tuple[str, str]] = set()
        self.ipv6: set[str] = set()
        self.offers: set[str] = set()
        self.open: dict[str, socket.socket] = {}

    def prepare(self) -> None:
        for protocol, address, port in self.orders["listen"]:
            with contextlib.suppress(OSError):  # somebody there already serves it, and will answer
                self._listen(protocol, address, port)
        watcher = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
        watcher.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        watcher.setblocking(False)
        self.selector.register(watcher, selectors.EVENT_READ, ("watch", ""))

    def _listen(self, protocol: str, address: str, port: int) -> None:
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        listener = socket.socket(socket.AF_INET, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((address, port))
        if protocol == "tcp":
            listener.listen(512)
        self.selector.register(listener, selectors.EVENT_READ, ("accept" if protocol == "tcp" else "echo", ""))

    def run(self) -> dict[str, Any]:
        self._send_frames()
        sends = self.orders["sends"]
        for start in range(0, len(sends), BURST):
            for send in sends[start : start + BURST]:
                self._send(send)
            self._turn(time.monotonic() + PAUSE_SECONDS)
        end = time.monotonic() + self.orders["seconds"]
        while (now := time.monotonic()) < end:
            self._turn(min(now + REPEAT_SECONDS, end))
            self._repeat()
        return {
            "answers": self.answers,
            "seen": sorted(self.seen),
            "marks": sorted(self.marks),
            "arp": sorted(self.arp),
            "ipv6": sorted(self.ipv6),
            "offers": sorted(self.offers),
        }

    def _send_frames(self) -> None:
        for _, device, text in self.orders["frames"]:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
                sender.bind((device, 0))
                sender.send(bytes.fromhex(text))

    def _send(self, send: list[Any]) -> None:
        number, protocol, source, source_port, address, port = send
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        sender = socket.socket(socket.AF_INET, kind)
        sender.setblocking(False)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sender.bind((source, source_port))
            code = sender.connect_ex((address, port))
        except OSError as error:
            self.answers[str(number)] = name_of(error.errno)
            sender.close()
            return
        if code not in {0, errno.EINPROGRESS}:
            self.answers[str(number)] = name_of(code)
            sender.close()
            return
        self.open[str(number)] = sender
        if protocol == "tcp":
            self.selector.register(sender, selectors.EVENT_WRITE, ("connect", str(number)))
        else:
            self.selector.register(sender, selectors.EVENT_READ, ("reply", str(number)))
            speak(sender, number)

    def _repeat(self) -> None:
        """A datagram may be lost while a neighbour is being looked up; the kernel repeats TCP's by itself."""
        for number, sender in self.open.items():
            if sender.type == socket.SOCK_DGRAM:
                speak(sender, int(number))

    def _turn(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                purpose, number = key.data
                assert isinstance(key.fileobj, socket.socket)  # noqa: S101
                getattr(self, f"_{purpose}")(key.fileobj, number)

    def _accept(self, listener: socket.socket, _: str) -> None:
        """The caller ends it: whoever is reset before he has noticed that he was answered, takes it for a refusal."""
        with contextlib.suppress(OSError):
            caller, _address = listener.accept()
            self.selector.register(caller, selectors.EVENT_READ, ("end", ""))

    def _end(self, caller: socket.socket, _: str) -> None:
        self.selector.unregister(caller)
        close_hard(caller)

    def _echo(self, listener: socket.socket, _: str) -> None:
        with contextlib.suppress(OSError):
            content, caller = listener.recvfrom(2048)
            listener.sendto(content, caller)

    def _connect(self, sender: socket.socket, number: str) -> None:
        code = sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._settle(sender, number, "answered" if code == 0 else name_of(code))

    def _reply(self, sender: socket.socket, number: str) -> None:
        try:
            sender.recv(2048)
            self._settle(sender, number, "answered")
        except BlockingIOError:
            return
        except OSError as error:
            self._settle(sender, number, name_of(error.errno))

    def _settle(self, sender: socket.socket, number: str, how: str) -> None:
        self.answers[number] = how
        self.selector.unregister(sender)
        self.open.pop(number, None)
        close_hard(sender)

    def _watch(self, watcher: socket.socket, _: str) -> None:
        with contextlib.suppress(BlockingIOError):
            for _turn in range(256):
                frame, where = watcher.recvfrom(2048)
                if where[0] != LOOPBACK and where[2] != OUTGOING:
                    self._see(frame)

    def _see(self, frame: bytes) -> None:
        kind = int.from_bytes(frame[12:14], "big")
        mark = frame.find(MARK)
        if mark >= 0:
            digits = frame[mark + len(MARK) : mark + len(MARK) + MARK_DIGITS]
            if digits.isdigit():
                self.marks.add(int(digits))
        if kind == IPV6:
            self.ipv6.add(frame[6:12].hex(":"))
        elif kind == ARP:
            self.arp.add((frame[22:28].hex(":"), socket.inet_ntoa(frame[28:32])))
        elif kind == IPV4:
            self._see_ipv4(frame)

    def _see_ipv4(self, frame: bytes) -> None:
        header = 14 + (frame[14] & 0x0F) * 4
        source_port, port = struct.unpack("!HH", frame[header : header + 4])
        if frame[23] == socket.IPPROTO_TCP and frame[header + 13] & SYN_ACK_MASK == SYN:
            self.seen.add((source_port, socket.inet_ntoa(frame[30:34])))
        if frame[23] == socket.IPPROTO_UDP and port == DHCP_CLIENT:
            self.offers.add(socket.inet_ntoa(frame[header + OFFERED : header + OFFERED + 4]))


def speak(sender: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):
        sender.send(MARK + b"%0*d" % (MARK_DIGITS, number))


def name_of(code: int | None) -> str:
    """`ECONNREFUSED` is an answer of the other side, everything else is none."""
    return "refused" if code == errno.ECONNREFUSED else errno.errorcode.get(code or 0, str(code))


def close_hard(connection: socket.socket) -> None:
    """Without waiting states: the same source port is wanted again by the next run."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def main() -> None:
    agent = Agent(json.loads(sys.stdin.readline()))
    agent.prepare()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        return  # whoever gave the orders is gone
    sys.stdout.write(json.dumps(agent.run()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
