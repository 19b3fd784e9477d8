"""Objects as the API server keeps them: metadata, typed spec and typed status, parsed once at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from controllers.api import GROUP
from controllers.api.acceptance import AcceptanceSpec
from controllers.api.approval import ApprovalSpec
from controllers.api.cutover import CutoverSpec
from controllers.api.cutoverstatus import CutoverStatus
from controllers.api.cutoverstep import CutoverStepSpec
from controllers.api.decision import DecisionSpec
from controllers.api.desktopsession import DesktopSessionSpec, DesktopSessionStatus
from controllers.api.findings import findings_of, sentence
from controllers.api.informationsystem import InformationSystemSpec, InformationSystemStatus
from controllers.api.plan import PlanSpec
from controllers.api.requeststatus import ResourceRequestStatus
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.tenant import TenantSpec, TenantStatus
from controllers.api.trialreport import TrialReportSpec
from controllers.api.zone import ZoneSpec, ZoneStatus
from infra.errors import InvalidRequest, StatusUnreadable
from infra.wire import WireModel

Spec = TypeVar("Spec", bound=WireModel)
Status = TypeVar("Status", bound=WireModel)


class NoStatus(WireModel):
    """Plans, Approvals, reports, signatures and records have no status: they are statements."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[Spec, Status]):
    """A kind of ours: its names and its models."""

    name: str
    plural: str
    spec: type[Spec]
    status: type[Status]


ZONES = Kind("Zone", "zones", ZoneSpec, ZoneStatus)
TENANTS = Kind("Tenant", "tenants", TenantSpec, TenantStatus)
SYSTEMS = Kind("InformationSystem", "informationsystems", InformationSystemSpec, InformationSystemStatus)
REQUESTS = Kind("ResourceRequest", "resourcerequests", ResourceRequestSpec, ResourceRequestStatus)
PLANS = Kind("Plan", "plans", PlanSpec, NoStatus)
APPROVALS = Kind("Approval", "approvals", ApprovalSpec, NoStatus)
SESSIONS = Kind("DesktopSession", "desktopsessions", DesktopSessionSpec, DesktopSessionStatus)
DECISIONS = Kind("Decision", "decisions", DecisionSpec, NoStatus)
CUTOVERS = Kind("Cutover", "cutovers", CutoverSpec, CutoverStatus)
REPORTS = Kind("TrialReport", "trialreports", TrialReportSpec, NoStatus)
ACCEPTANCES = Kind("Acceptance", "acceptances", AcceptanceSpec, NoStatus)
STEPS = Kind("CutoverStep", "cutoversteps", CutoverStepSpec, NoStatus)
KINDS: tuple[Kind[Any, Any], ...] = (
    *(ZONES, TENANTS, SYSTEMS, PLANS, APPROVALS, SESSIONS, REQUESTS),
    *(CUTOVERS, ACCEPTANCES, STEPS),
)
"""What the operator watches."""
UNWATCHED: tuple[Kind[Any, Any], ...] = (DECISIONS, REPORTS)
"""Only ever added to."""
NOT_KEPT = frozenset({STEPS.name})
"""What only wakes somebody: journals grow without end, and are read from the API server itself."""


@dataclass(frozen=True, slots=True)
class Meta:
    """The part of metadata that decisions need."""

    name: str
    namespace: str
    uid: str
    generation: int
    created: str
    deleting: bool
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)  # those of our group
    version: int = 0  # grows with every write to the cluster: tells apart what has the same second


@dataclass(frozen=True, slots=True)
class Stored(Generic[Spec, Status]):
    """One object. `status` is an empty one when none was written."""

    kind: Kind[Spec, Status]
    meta: Meta
    spec: Spec
    status: Status


Zone = Stored[ZoneSpec, ZoneStatus]
Tenant = Stored[TenantSpec, TenantStatus]
InformationSystem = Stored[InformationSystemSpec, InformationSystemStatus]
ResourceRequest = Stored[ResourceRequestSpec, ResourceRequestStatus]
Plan = Stored[PlanSpec, NoStatus]
Approval = Stored[ApprovalSpec, NoStatus]
DesktopSession = Stored[DesktopSessionSpec, DesktopSessionStatus]
Cutover = Stored[CutoverSpec, CutoverStatus]
TrialReport = Stored[TrialReportSpec, NoStatus]
Acceptance = Stored[AcceptanceSpec, NoStatus]
CutoverStep = Stored[CutoverStepSpec, NoStatus]


def stored(kind: Kind[Spec, Status], body: Mapping[str, Any]) -> Stored[Spec, Status]:
    """Parse an object of the API server. Raises InvalidRequest naming every field that does not fit."""
    try:
        spec = kind.spec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        raise InvalidRequest(sentence(findings_of(error, "spec"))) from error
    return Stored(kind, meta_of(body), spec, readable_status(kind, body))


def meta_of(body: Mapping[str, Any]) -> Meta:
    """The metadata of any object."""
    meta = body["metadata"]
    return Meta(
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        uid=meta.get("uid", ""),
        generation=meta.get("generation", 1),
        created=meta.get("creationTimestamp", ""),
        deleting="deletionTimestamp" in meta,
        finalizers=tuple(meta.get("finalizers") or ()),
        version=int(meta.get("resourceVersion") or 0),
        annotations={key: text for key, text in (meta.get("annotations") or {}).items() if key.startswith(f"{GROUP}/")},
    )


def readable_status(kind: Kind[Spec, Status], body: Mapping[str, Any]) -> Status:
    """The status, without fields of a later release.

    Raises StatusUnreadable rather than take it for empty: an empty status says that nothing was ever built.
    """
    try:
        return kind.status.model_validate(body.get("status") or {}, extra="ignore")
    except ValidationError as error:
        raise StatusUnreadable(sentence(findings_of(error, "status"))) from error
