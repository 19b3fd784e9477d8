"""People read in OpenStack, and nothing more: who is let in, who is put out, and who is reported."""

from __future__ import annotations

from typing import Any, cast

import pytest

from controllers.tenant.reconcile import readers_of
from infra.containment import Breach
from infra.errors import CloudRefused
from infra.readers import Reader, ensure_readers, strangers
from tests.build import a_tenant

LI_NA, CLERKS = Reader("user", "li.na"), Reader("group", "clerks")


def an_assignment(kind: str, name: str, role: str = "reader", domain: str = "default") -> dict[str, Any]:
    """As Keystone lists it with names."""
    who = {"id": f"id-{name}", "name": name, "domain": {"id": domain, "name": domain}}
    return {"role": {"id": f"id-{role}", "name": role}, kind: who, "scope": {"project": {"id": "p"}}}


class Keystone:
    """Knows these names; remembers what it was told to change."""

    def __init__(self, *assigned: dict[str, Any], knows: tuple[str, ...] = ()) -> None:
        self.assigned, self.knows = list(assigned), knows
        self.changes: list[str] = []

    async def list(self, service: str, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if path == "/role_assignments":
            return self.assigned
        return [{"id": f"id-{query['name']}"}] if query["name"] in (*self.knows, "reader") else []

    async def put(self, service: str, path: str, body: Any) -> None:
        self.changes.append(f"PUT {path}")

    async def delete(self, service: str, path: str) -> None:
        self.changes.append(f"DELETE {path}")


async def ensured(keystone: Keystone, *readers: Reader) -> list[str]:
    await ensure_readers(cast(Any, keystone), "p", readers)
    return keystone.changes


async def test_readers_get_the_role_once() -> None:
    """A user and a group; who has it already costs nothing."""
    keystone = Keystone(an_assignment("group", "clerks"), knows=("li.na",))

    assert ["PUT /projects/p/users/id-li.na/roles/id-reader"] == await ensured(keystone, LI_NA, CLERKS)


async def test_who_is_no_reader_any_more_loses_it_and_nothing_else_is_touched() -> None:
    """Other roles are somebody's mistake to be reported, not ours to heal."""
    keystone = Keystone(an_assignment("user", "li.na"), an_assignment("user", "wang.wu", "member"))

    assert ["DELETE /projects/p/users/id-li.na/roles/id-reader"] == await ensured(keystone)


async def test_a_name_that_openstack_does_not_know_is_said_after_the_others_were_served() -> None:
    """With where to look."""
    keystone = Keystone(knows=("li.na",))
    with pytest.raises(CloudRefused, match="no group 'clerks'; make them, or take them out of `readers`"):
        await ensured(keystone, CLERKS, LI_NA)

    assert ["PUT /projects/p/users/id-li.na/roles/id-reader"] == keystone.changes


def test_any_other_role_is_a_breach() -> None:
    """The operator has its own, readers read; a name of another domain is another person."""
    found = [
        an_assignment("user", "kunlun", "admin"),
        an_assignment("user", "li.na"),
        an_assignment("user", "li.na", "member"),
        an_assignment("user", "li.na", domain="corporate"),
        an_assignment("group", "clerks"),
    ]
    told = strangers(found, operator_id="id-kunlun", readers=[LI_NA])

    assert [
        Breach("Role", "id-member", "'member' is held by user 'li.na' (id-li.na)"),
        Breach("Role", "id-reader", "'reader' is held by user 'li.na@corporate' (id-li.na)"),
        Breach("Role", "id-reader", "'reader' is held by group 'clerks' (id-clerks)"),
    ] == list(told)


def test_a_tenant_names_users_and_groups() -> None:
    """Nobody, unless it says so."""
    assert () == readers_of(a_tenant())
    assert (LI_NA, CLERKS) == readers_of(a_tenant(readers=[{"user": "li.na"}, {"group": "clerks"}]))
