"""Ports as people write them: `tcp/443`, `udp/5000-5010`. Requests and zones write the same words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controllers.api.customresource import Rule, with_rules

PortRange = Annotated[
    str,
    Field(
        max_length=15,
        pattern=r"^(tcp|udp)/[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$",
        json_schema_extra=with_rules(
            Rule(
                "self.split('/')[1].split('-').all(p, int(p) <= 65535)",
                "ports end at 65535",
            ),
            Rule(
                "self.split('/')[1].split('-').map(p, int(p)).isSorted()",
                "a range starts with its lower port",
            ),
        ),
    ),
]


def port_range(text: str) -> tuple[int, int]:
    """`tcp/443` -> (443, 443), `udp/5000-5010` -> (5000, 5010)."""
    first, _, last = text.partition("/")[2].partition("-")
    return int(first), int(last or first)


def covers(wide: str, narrow: str) -> bool:
    """Whether every port of `narrow` is one of `wide`."""
    if wide.partition("/")[0] != narrow.partition("/")[0]:
        return False
    (first, last), (lowest, highest) = port_range(wide), port_range(narrow)
    return first <= lowest and highest <= last
