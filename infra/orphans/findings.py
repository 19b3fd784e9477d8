"""What a scan works on and what it finds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from infra.cloud import Answer
from infra.provider.observe import ProjectListing
from infra.provider.observed import ObservedObject
from infra.stackplan import Kind, StackPlan


class Direction(StrEnum):
    """Which side lacks the other."""

    ORPHAN = "Orphan"
    """Ours, and its request or tenant is gone."""
    SURPLUS = "Surplus"
    """Carries the uid of a living request, which does not name it, or has another in its place."""
    KEPT = "Kept"
    """A data volume that outlived its request or server, as policy has it."""
    ELSEWHERE = "Elsewhere"
    """Carries a marker of ours in a project that is not Kunlun's: moved there, or a copy of somebody's."""
    MISSING = "Missing"
    """The plan in force names it and was built, but the cloud does not have it."""


class TenancyKind(StrEnum):
    """What a tenant has in the cloud beside the objects of its requests."""

    SHARE = "Share"
    PROJECT = "Project"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one living request may have in the cloud.

    `settled`: exactly the one plan in force is built (or none is in force), and nobody is at work on it. Otherwise
    `plans` are all plans it has, since any of them may have been begun; None when they are not known.
    """

    request: str
    settled: bool
    plans: tuple[StackPlan, ...] | None


@dataclass(frozen=True, slots=True)
class Register:
    """What the cluster knows: claims by the request's uid, and ids and names of projects by tenant.

    None for a tenant that lives and cannot be read: whatever was made for it may be its own.
    """

    claims: Mapping[str, Claim]
    tenants: Mapping[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the cloud shows: everything of our kinds, every project, and the shares that our own user has made."""

    listing: ProjectListing
    projects: tuple[Answer, ...] = ()
    shares: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that has no counterpart. `holder` is the request or tenant it is (or was) of, as far as known.

    `id` is empty for what is missing; `found` is set for what the provider's kinds can delete. `busy`: somebody
    may be at work on its request.
    """

    direction: Direction
    kind: Kind | TenancyKind
    name: str
    id: str
    project: str
    project_name: str = ""
    uid: str = ""
    holder: str = ""
    created_at: str = ""
    busy: bool = False
    found: ObservedObject | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same finding in another scan."""
        return self.direction, self.kind, self.id, self.uid, self.name
