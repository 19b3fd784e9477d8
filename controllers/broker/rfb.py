"""The browser's side of the remote framebuffer protocol, read along: is somebody typing or pointing?

Every byte passes as it is; only the client's messages are told apart, because a browser also asks for the picture
again and again without anybody in front of it. What cannot be told apart counts as nobody. Source: RFC 6143, sections
7.1 and 7.5; message types 150, 248, 251 and 255 are those of the community's protocol description (rfbproto).
"""

from __future__ import annotations

from dataclasses import dataclass, field

VERSION_BYTES = 12
KEY, POINTER, CUT_TEXT = 4, 5, 6
HEADS = {2: 4, CUT_TEXT: 8, 248: 9, 251: 8}  # SetEncodings, ClientCutText, ClientFence, SetDesktopSize
FIXED = {0: 20, 3: 10, KEY: 8, POINTER: 6, 150: 10, 255: 12}  # message type: its length in bytes
LONGEST = 1 << 20


@dataclass(slots=True)
class ClientStream:
    """Fed with everything the browser sends, in order."""

    _left: bytearray = field(default_factory=bytearray)
    _greeting: list[int] = field(default_factory=lambda: [VERSION_BYTES, 1, 1])  # version, security type, sharing
    _lost: bool = False

    def feed(self, data: bytes) -> bool:
        """Whether a person did something in these bytes."""
        if self._lost:
            return False
        self._left += data
        while self._greeting and len(self._left) >= self._greeting[0]:
            del self._left[: self._greeting.pop(0)]
        active = False
        while not self._greeting and self._left:
            length = _length(self._left)
            if length is None:
                break
            if length > LONGEST or length == 0:
                self._lost = True
                self._left.clear()
                break
            if len(self._left) < length:
                break
            active = active or self._left[0] in {KEY, POINTER, CUT_TEXT}
            del self._left[:length]
        return active


def _length(left: bytearray) -> int | None:
    """Of the first message; None: more bytes are needed to say; 0: it is of no kind we know."""
    kind = left[0]
    head = HEADS.get(kind)
    if head is None:
        return FIXED.get(kind, 0)
    return head + _body_length(kind, left) if len(left) >= head else None


def _body_length(kind: int, left: bytearray) -> int:
    match kind:
        case 2:
            return 4 * int.from_bytes(left[2:4])
        case 6:  # a negative length marks the extended form
            return abs(int.from_bytes(left[4:8], signed=True))
        case 248:
            return left[8]
        case _:
            return 16 * left[6]
