"""Conditions: observations in the form of metav1.Condition, and the closed list of reasons.

Reading one needs no knowledge of the code: `type` is the step, `status` whether it was reached, `reason`
one word from this list, `message` a sentence for the requester.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from controllers.api.customresource import list_map
from controllers.api.fields import Generation
from infra.wire import WireModel

ConditionStatus = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """The steps in order, the summary, and the two of kstatus (present only when True)."""

    VALIDATED = "Validated"
    COMPLIANT = "Compliant"
    PLANNED = "Planned"
    APPROVED = "Approved"
    PROVISIONED = "Provisioned"
    CONFIGURED = "Configured"
    READY = "Ready"
    CONTAINED = "Contained"
    PREPARED = "Prepared"
    REHEARSED = "Rehearsed"
    TRIED = "Tried"
    SIGNED = "Signed"
    CUT_OVER = "CutOver"
    SUPERVISED = "Supervised"
    RETAINED = "Retained"
    RELEASED = "Released"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """Every reason a condition may carry; errors of `infra.errors` appear under their class name."""

    # steps reached or not reached
    VALID = "Valid"
    COMPLIANT = "Compliant"
    PLANNED = "Planned"
    APPROVED = "Approved"
    PROVISIONED = "Provisioned"
    CONFIGURED = "Configured"
    READY = "Ready"
    PREPARED = "Prepared"
    REHEARSED = "Rehearsed"
    TRIED = "Tried"
    SIGNED = "Signed"
    CUT_OVER = "CutOver"
    SUPERVISED = "Supervised"
    RETAINED = "Retained"
    RETENTION_OVER = "RetentionOver"
    RELEASED = "Released"
    NOT_REACHED = "NotReached"
    # outcomes that are not errors
    AWAITING_APPROVAL = "AwaitingApproval"
    BUDGET_EXCEEDED = "BudgetExceeded"
    AWAITING_TENANT = "AwaitingTenant"
    AWAITING_SERVERS = "AwaitingServers"
    ROLLING_OUT = "RollingOut"
    NOT_ASSIGNED = "NotAssigned"
    EXPIRED = "Expired"
    CLOSED = "Closed"
    DENIED = "Denied"
    BUILDING = "Building"
    CONFIGURING = "Configuring"
    DELETING = "Deleting"
    DRIFTED = "Drifted"
    NOT_REGISTERED = "NotRegistered"
    CLASSIFIED = "Classified"
    REGISTERED = "Registered"
    IN_USE = "InUse"
    AWAITING_ZONE = "AwaitingZone"
    CATALOGUE_INCOMPLETE = "CatalogueIncomplete"
    CONTAINED = "Contained"
    SECURITY_VIOLATION = "SecurityViolation"
    STEP_RUNNING = "StepRunning"
    STEP_FAILED = "StepFailed"
    STEP_REFUSED = "StepRefused"
    TRIAL_RUNNING = "TrialRunning"
    AWAITING_SIGNATURES = "AwaitingSignatures"
    AWAITING_WINDOW = "AwaitingWindow"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    # the error tree
    INVALID_REQUEST = "InvalidRequest"
    POLICY_VIOLATED = "PolicyViolated"
    CREDENTIALS_REJECTED = "CredentialsRejected"
    ZONE_UNKNOWN = "ZoneUnknown"
    IMAGE_MISSING = "ImageMissing"
    FLAVOR_MISSING = "FlavorMissing"
    SERVER_FAULT = "ServerFault"
    ROLLOUT_STOPPED = "RolloutStopped"
    CLOUD_REFUSED = "CloudRefused"
    NOT_APPROVED = "NotApproved"
    DATA_LOST = "DataLost"
    PLAN_FORGED = "PlanForged"
    PLAN_LOST = "PlanLost"
    ENGINE_FAILED = "EngineFailed"
    PLAYBOOK_FAILED = "PlaybookFailed"
    MANAGEMENT_MISSING = "ManagementMissing"
    STATE_UNWRITABLE = "StateUnwritable"
    STATUS_UNREADABLE = "StatusUnreadable"
    CLUSTER_REFUSED = "ClusterRefused"
    CLOUD_UNAVAILABLE = "CloudUnavailable"
    RATE_LIMITED = "RateLimited"
    QUOTA_EXCEEDED = "QuotaExceeded"
    REPLACING_SERVER = "ReplacingServer"
    GUEST_UNREACHABLE = "GuestUnreachable"
    ENGINE_INTERRUPTED = "EngineInterrupted"
    STACK_LOCKED = "StackLocked"
    CUTOVER_BUSY = "CutoverBusy"
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    INTERNAL_ERROR = "InternalError"


class Condition(WireModel):
    """One observation, in the form of metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=63, description="The step, such as Approved; Ready sums up.")]
    status: Annotated[ConditionStatus, Field(description="True: reached. False: not. Unknown: not looked at yet.")]
    reason: Annotated[str, Field(min_length=1, max_length=63, description="Why, in one word of a closed list.")]
    message: Annotated[str, Field(max_length=2048, description="Why, in a sentence for the requester.")] = ""
    last_transition_time: Annotated[
        str,
        Field(max_length=32, description="When `status` last changed.", json_schema_extra={"format": "date-time"}),
    ]
    observed_generation: Generation | None = None


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        description="Observations, one a step.",
        json_schema_extra=list_map("type"),
    ),
]


MESSAGE_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Step:
    """One condition as a pass found it, before it has a time."""

    status: ConditionStatus
    reason: Reason
    message: str = ""


def condition_from(
    name: ConditionType, step: Step, *, before: tuple[Condition, ...], generation: int, now: str
) -> Condition:
    """The condition to write. Its time moves only with its status, so a settled pass changes nothing."""
    known = next((condition for condition in before if condition.type == name), None)
    unchanged = known is not None and known.status == step.status
    return Condition(
        type=name.value,
        status=step.status,
        reason=step.reason.value,
        message=step.message[:MESSAGE_LENGTH],
        last_transition_time=known.last_transition_time if known and unchanged else now,
        observed_generation=generation,
    )
