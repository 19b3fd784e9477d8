"""Servers as OpenStack itself reports them: the other side of what the request's status says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.cloud import Clouds

COLUMNS = ("SERVER", "STATUS", "NETWORK", "ADDRESS", "FLAVOR", "ID")
Row = tuple[str, str, str, str, str, str]


def reported_servers(clouds_yaml: Path, project_id: str) -> list[Row]:
    """Ask Nova, as the cloud's administrator, for every server of the project. Raises KunlunError."""
    return asyncio.run(_ask(clouds_yaml, project_id))


async def _ask(clouds_yaml: Path, project_id: str) -> list[Row]:
    clouds = Clouds("admin", clouds_yaml)
    try:
        admin = clouds.admin()
        listed = await admin.get("compute", "/servers/detail", {"all_tenants": 1, "project_id": project_id})
        flavors = await admin.get("compute", "/flavors")
    finally:
        clouds.close()
    names = {flavor["id"]: flavor["name"] for flavor in flavors["flavors"]}
    return sorted(row for server in listed["servers"] for row in rows(server, names))


def rows(server: Mapping[str, Any], flavors: Mapping[str, str]) -> Iterator[Row]:
    """One row per address of a server (Compute API, list servers detailed)."""
    flavor = flavors.get(server["flavor"]["id"], server["flavor"]["id"])
    for network, addresses in server["addresses"].items():
        for address in addresses:
            yield server["name"], server["status"], network, address["addr"], flavor, server["id"]
    if not server["addresses"]:
        yield server["name"], server["status"], "none", "none", flavor, server["id"]
