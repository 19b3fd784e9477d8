"""Who may do what in a department's project: people read, the operator works, and nobody else has a role.

With role `member` a person could join two zones by two calls (docs/design.md §6), so `reader` is all that people get.
Reference: Identity API v3 "Roles", "List role assignments" with `include_names`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from infra.cloud import Answer, Cloud
from infra.containment import Breach
from infra.errors import CloudRefused

READER_ROLE = "reader"
DOMAIN = "default"


@dataclass(frozen=True, slots=True)
class Reader:
    """A user or a group of OpenStack, by its name in the default domain."""

    kind: Literal["user", "group"]
    name: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"


async def ensure_readers(cloud: Cloud, project_id: str, readers: Collection[Reader]) -> None:
    """Exactly these have the role `reader` on the project; other roles are left alone. Safe to repeat.

    Raises CloudRefused with all names that OpenStack does not know, after the others were served.
    """
    assigned = await assignments(cloud, project_id)
    for one in assigned:
        known = _subject(one)
        if known is not None and one["role"]["name"] == READER_ROLE and known not in readers:
            await cloud.delete("identity", _path(project_id, known, one[known.kind]["id"], one["role"]["id"]))
    has = {_subject(one) for one in assigned if one["role"]["name"] == READER_ROLE}
    missing = [reader for reader in readers if reader not in has]
    if unknown := [str(reader) for reader in missing if not await _permitted(cloud, project_id, reader)]:
        raise CloudRefused(f"OpenStack has no {', no '.join(unknown)}; make them, or take them out of `readers`")


async def assignments(cloud: Cloud, project_id: str) -> list[Answer]:
    """Every role anybody has on the project itself, with names."""
    query = {"scope.project.id": project_id, "include_names": "True"}
    return await cloud.list("identity", "/role_assignments", query)


def strangers(found: Collection[Answer], *, operator_id: str, readers: Collection[Reader]) -> Iterator[Breach]:
    """Pure: roles on a project that neither the operator has nor a reader may have."""
    for one in found:
        subject, role = _subject(one), one["role"]["name"]
        if one.get("user", {}).get("id") == operator_id or (role == READER_ROLE and subject in readers):
            continue
        who = one.get("user") or one.get("group") or {}
        yield Breach("Role", str(one["role"]["id"]), f"'{role}' is held by {subject} ({who.get('id', '')})")


async def _permitted(cloud: Cloud, project_id: str, reader: Reader) -> bool:
    found = await cloud.list("identity", f"/{reader.kind}s", {"name": reader.name, "domain_id": DOMAIN})
    if not found:
        return False
    roles = await cloud.list("identity", "/roles", {"name": READER_ROLE})
    await cloud.put("identity", _path(project_id, reader, found[0]["id"], roles[0]["id"]), {})
    return True


def _path(project_id: str, reader: Reader, subject_id: str, role_id: str) -> str:
    return f"/projects/{project_id}/{reader.kind}s/{subject_id}/roles/{role_id}"


def _subject(assignment: Answer) -> Reader | None:
    """None for what is neither; somebody of another domain is no reader of ours, whatever the name."""
    kind: Literal["user", "group"] = "user" if "user" in assignment else "group"
    who = assignment.get(kind)
    if who is None:
        return None
    domain = (who.get("domain") or {}).get("id", DOMAIN)
    return Reader(kind, who["name"] if domain == DOMAIN else f"{who['name']}@{domain}")
