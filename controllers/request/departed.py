"""Plans that were deleted while their request lives, as we last knew them: so that they can be made again.

A plan's name holds its digest and its content proves it, so the copy is as good as the original; approvals name it by
name. Losing the memory costs nothing while the Plans are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controllers.api.stored import PLANS, Plan, ResourceRequest, stored
from infra.errors import InvalidRequest

Body = Mapping[str, Any]


class DepartedPlans:
    """By namespace and name; entries go with their requests."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str], Body] = {}

    def keep(self, body: Body) -> None:
        """Remember the last version of a Plan that is gone."""
        meta = body["metadata"]
        self._bodies[meta["namespace"], meta["name"]] = body

    def forget(self, request_uid: str) -> None:
        """The request is gone as well."""
        self._bodies = {key: body for key, body in self._bodies.items() if _request_of(body) != request_uid}

    def named(self, name: str, request: ResourceRequest) -> Plan | None:
        """A Plan of this very request. None when it is not remembered."""
        body = self._bodies.get((request.meta.namespace, name))
        if body is None or _request_of(body) != request.meta.uid:
            return None
        try:
            return stored(PLANS, body)
        except InvalidRequest:  # written by another release
            return None


def _request_of(body: Body) -> str:
    spec = body.get("spec") or {}
    return str(((spec.get("stack") or {}).get("origin") or {}).get("uid", ""))
