"""Conditions: observations in the form of metav1.Condition, and the closed list of reasons.

Reading one needs no knowledge of the code: `type` is the step, `status` whether it was reached, `reason`
one word from this list, `message` a sentence for the requester.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

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
    NOT_REACHED = "NotReached"
    # outcomes that are not errors
    AWAITING_APPROVAL = "AwaitingApproval"
    AWAITING_TENANT = "AwaitingTenant"
    AWAITING_SERVERS = "AwaitingServers"
    DENIED = "Denied"
    BUILDING = "Building"
    DELETING = "Deleting"
    DRIFTED = "Drifted"
    NOT_REGISTERED = "NotRegistered"
    CLASSIFIED = "Classified"
    REGISTERED = "Registered"
    IN_USE = "InUse"
    # the error tree
    INVALID_REQUEST = "InvalidRequest"
    POLICY_VIOLATED = "PolicyViolated"
    PLAN_OUTDATED = "PlanOutdated"
    CREDENTIALS_REJECTED = "CredentialsRejected"
    IMAGE_MISSING = "ImageMissing"
    FLAVOR_MISSING = "FlavorMissing"
    SERVER_FAULT = "ServerFault"
    CLOUD_REFUSED = "CloudRefused"
    NOT_APPROVED = "NotApproved"
    PLAN_FORGED = "PlanForged"
    ENGINE_FAILED = "EngineFailed"
    CLOUD_UNAVAILABLE = "CloudUnavailable"
    RATE_LIMITED = "RateLimited"
    QUOTA_EXCEEDED = "QuotaExceeded"
    ENGINE_INTERRUPTED = "EngineInterrupted"
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    INTERNAL_ERROR = "InternalError"


class Condition(WireModel):
    """metav1.Condition."""

    type: Annotated[str, Field(max_length=63)]
    status: ConditionStatus
    reason: Annotated[str, Field(min_length=1, max_length=63)]
    message: Annotated[str, Field(max_length=2048)] = ""
    last_transition_time: Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
    observed_generation: Annotated[int, Field(ge=0)] | None = None


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
