"""The `openstack` command, from shell scripts that run at once what does not depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.rivals.order import HERE, Order, Tool
from tests.bench.rivals.tools import program, sdk_agent
from tests.bench.stage import Stage


def commandline_tool(stage: Stage) -> Tool:
    """The scripts are given the order as shell variables."""
    found = program("openstackclient", "openstack")
    absent = "" if found else "openstack is neither in the cache nor on PATH"

    def commands(place: Path, order: Order) -> tuple[Sequence[object], Sequence[object]]:
        variables = {
            "OPENSTACK": found,
            "NAME": order.name,
            "SERVERS": order.servers,
            "UPLINK": order.uplink,
            "POOL": order.pool,
            "CIDR": order.cidr,
            "GATEWAY": order.gateway,
            "FIRST": order.first,
            "LAST": order.last,
            "ADDRESSES": " ".join(order.addresses),
            "FLAVOR": order.flavor,
            "IMAGE": order.image,
            "OPENED": " ".join(map(str, order.opened)),
            "SNAT": "--enable-snat" if order.source_nat else "--disable-snat",
        }
        given = ("env", *(f"{name}={text}" for name, text in variables.items()), "bash")
        return (*given, HERE / "build.sh"), (*given, HERE / "remove.sh")

    return Tool("openstack CLI", sdk_agent(found), absent, stage, commands)
