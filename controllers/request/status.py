"""What one pass found out, and the status made from it: one writer, pure, the same for the same findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controllers.api.conditions import ConditionType, Reason, Step, condition_from
from controllers.api.desktops import DesktopStatus
from controllers.api.requeststatus import (
    Configured,
    Progress,
    Replacements,
    ResourceRequestStatus,
    ResourceStatus,
    StageDecision,
)
from infra.errors import KunlunError, TransientError
from infra.stackplan import DeletionPolicy

STEPS = (
    ConditionType.VALIDATED,
    ConditionType.COMPLIANT,
    ConditionType.PLANNED,
    ConditionType.APPROVED,
    ConditionType.PROVISIONED,
    ConditionType.CONFIGURED,
)
BUILT = {Reason.PROVISIONED.value, Reason.DRIFTED.value}
PERSON_RETRY_SECONDS = 60.0  # somebody has to act first, and may do so where we do not hear of it
# Reasons that only a person can change; everything else is on its way.
STALLING = {
    Reason.INVALID_REQUEST,
    Reason.POLICY_VIOLATED,
    Reason.DENIED,
    Reason.PLAN_FORGED,
    Reason.PLAN_LOST,
    Reason.DATA_LOST,
    Reason.NOT_APPROVED,
    Reason.SERVER_FAULT,
    Reason.ROLLOUT_STOPPED,
    Reason.CLOUD_REFUSED,
    Reason.IMAGE_MISSING,
    Reason.FLAVOR_MISSING,
    Reason.CREDENTIALS_REJECTED,
    Reason.STATE_UNWRITABLE,
    Reason.STATUS_UNREADABLE,
    Reason.CLUSTER_REFUSED,
    Reason.ENGINE_FAILED,
    Reason.PLAYBOOK_FAILED,
    Reason.MANAGEMENT_MISSING,
    Reason.ZONE_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a pass found out. Steps that were not reached are absent."""

    steps: Mapping[ConditionType, Step] = field(default_factory=dict)
    tolerated: frozenset[ConditionType] = frozenset()
    plan: str | None = None
    plan_digest: str | None = None
    approved_plan: str | None = None
    building_plan: str | None = None
    built_plan: str | None = None
    deletion_policy: DeletionPolicy | None = None
    expiry_time: str | None = None
    required_stages: tuple[str, ...] = ()
    approvals: tuple[StageDecision, ...] = ()
    recorded: str | None = None
    project: str | None = None
    resources: tuple[ResourceStatus, ...] = ()
    desktops: tuple[DesktopStatus, ...] = ()
    configured: Configured | None = None
    progress: Progress | None = None
    replacements: Replacements | None = None
    deleting: str | None = None
    retry_after_seconds: float | None = None
    bug: Exception | None = None

    def reached(self, step: ConditionType, reason: Reason, message: str, **found: Any) -> Report:
        """The step is done."""
        return replace(self, steps={**self.steps, step: Step("True", reason, message)}, **found)

    def waiting(self, step: ConditionType, reason: Reason, message: str, **found: Any) -> Report:
        """The step is on its way, or waits for somebody."""
        return replace(self, steps={**self.steps, step: Step("False", reason, message)}, **found)

    def borne(self, step: ConditionType, reason: Reason, message: str) -> Report:
        """The step is not as it should be, and the ones after it go on all the same."""
        report = self.waiting(step, reason, message)
        return replace(report, tolerated=self.tolerated | {step})

    def failed(self, step: ConditionType, error: KunlunError, *, after: float | None = None) -> Report:
        """The step was refused or went wrong; without `after`, the error says when it is worth another try."""
        failed = Step("False", Reason(error.reason), error.message)
        report = replace(self, steps={**self.steps, step: failed})
        return report.again_after(pause_after(error) if after is None else after)

    def again_after(self, seconds: float) -> Report:
        """Another pass is wanted in `seconds`, or earlier if somebody wanted it earlier."""
        known = self.retry_after_seconds
        return replace(self, retry_after_seconds=seconds if known is None else min(known, seconds))

    def permits_going_on(self, step: ConditionType) -> bool:
        """Whether what comes after the step may be looked at."""
        return self.done(step) or step in self.tolerated

    def done(self, step: ConditionType) -> bool:
        found = self.steps.get(step)
        return found is not None and found.status == "True"


def pause_after(error: KunlunError) -> float:
    """Seconds until the same is worth trying again."""
    return error.retry_after_seconds if isinstance(error, TransientError) else PERSON_RETRY_SECONDS


def is_built(status: ResourceRequestStatus, plan_name: str) -> bool:
    """This very plan has been built, whatever happened to it since, and nothing is being built or corrected."""
    if status.building_plan != plan_name or status.built_plan is not None:
        return status.building_plan == status.built_plan == plan_name
    # A status of an earlier release says it by the reason only.
    found = next((item for item in status.conditions if item.type == ConditionType.PROVISIONED), None)
    return found is not None and found.reason in BUILT


def begin(status: ResourceRequestStatus) -> Report:
    """A fresh report that remembers what is in force and built; everything else is found out anew."""
    return Report(
        approved_plan=status.approved_plan,
        building_plan=status.building_plan,
        built_plan=status.built_plan,
        deletion_policy=status.deletion_policy,
        expiry_time=status.expiry_time,
        project=status.project,
        resources=status.resources,
        desktops=status.desktops,
        configured=status.configured,
        plan=status.plan,
        plan_digest=status.plan_digest,
        recorded=status.recorded,
        replacements=status.replacements,
    )


def status_of(report: Report, *, before: ResourceRequestStatus, generation: int, now: str) -> ResourceRequestStatus:
    """The whole status. Times move only where a condition's status does, so a settled pass changes nothing."""
    wanted = {step: report.steps.get(step, Step("Unknown", Reason.NOT_REACHED)) for step in STEPS}
    wanted |= _summary(report, wanted)
    return ResourceRequestStatus(
        observed_generation=generation,
        plan=report.plan,
        plan_digest=report.plan_digest,
        approved_plan=report.approved_plan,
        building_plan=report.building_plan,
        built_plan=report.built_plan,
        deletion_policy=report.deletion_policy,
        expiry_time=report.expiry_time,
        required_stages=report.required_stages,
        approvals=report.approvals,
        recorded=report.recorded,
        project=report.project,
        resources=report.resources,
        desktops=report.desktops,
        configured=report.configured,
        progress=report.progress,
        replacements=report.replacements,
        conditions=tuple(
            condition_from(name, step, before=before.conditions, generation=generation, now=now)
            for name, step in wanted.items()
        ),
    )


def _summary(report: Report, wanted: Mapping[ConditionType, Step]) -> dict[ConditionType, Step]:
    """Ready, and the pair of kstatus: exactly one of Reconciling and Stalled unless all is ready."""
    if report.deleting is not None:
        step = Step("False", Reason.DELETING, report.deleting)
        return {ConditionType.READY: step, ConditionType.RECONCILING: replace(step, status="True")}
    open_step = next((step for step in wanted.values() if step.status != "True"), None)
    if open_step is None:
        return {ConditionType.READY: Step("True", Reason.READY, wanted[ConditionType.PROVISIONED].message)}
    ready = replace(open_step, status="False")
    kind = ConditionType.STALLED if open_step.reason in STALLING else ConditionType.RECONCILING
    return {ConditionType.READY: ready, kind: replace(open_step, status="True")}
