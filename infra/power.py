"""Stopping and starting servers: a desktop that nobody uses costs less when it rests. It keeps its disk.

Compute API, `POST /servers/{id}/action` with `os-stop` and `os-start`. What is in that state already is a success.
"""

from __future__ import annotations

from infra.cloud_answers import Absent, Conflict
from infra.provider.resource import CloudCalls


async def stop_server(cloud: CloudCalls, server_id: str) -> None:
    """Ask Nova to stop it. Absence and any other state are left to the next look."""
    await _act(cloud, server_id, "os-stop")


async def start_server(cloud: CloudCalls, server_id: str) -> None:
    """Ask Nova to start it. Absence and any other state are left to the next look."""
    await _act(cloud, server_id, "os-start")


async def _act(cloud: CloudCalls, server_id: str, action: str) -> None:
    try:
        await cloud.post("compute", f"servers/{server_id}/action", {action: None})
    except (Absent, Conflict):
        return
