"""The chapter after provisioning: guests with roles are made ready, once for what they are told.

What was told last is in the status, as digests: while it is the same, a pass costs a comparison. Roles whose content
has changed since (another release) are applied again by `driftPolicy: Correct`, and only reported by `Report`.
"""

from __future__ import annotations

from dataclasses import replace

from controllers.api.conditions import ConditionType, Reason
from controllers.api.desktops import DesktopState
from controllers.api.requeststatus import Configured, Progress
from controllers.api.resourcerequest import DriftPolicy
from controllers.api.stored import SYSTEMS, ZONES, Plan, ResourceRequest
from controllers.playbooks.moments import Course
from controllers.request.configuration import Configuration, DesktopStandard, configuration_of
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_lost, plan_named
from controllers.request.progress import reporting
from controllers.request.rollout import desktop_statuses
from controllers.request.status import Report, pause_after
from infra.errors import KunlunError, ManagementMissing, PolicyViolated, ZoneUnknown

SHOWN = 5


async def configure_guests(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make the guests of the plan in force ready. Requests without roles cost nothing here."""
    plan = plan_named(report.approved_plan, request, parts.cache)
    if plan is None:
        raise plan_lost(report.approved_plan)
    wanted = configuration_wanted(request, plan, report, parts)
    if wanted is None:
        return report.reached(ConditionType.CONFIGURED, Reason.CONFIGURED, "no roles are asked for", configured=None)
    told = told_by(wanted, plan, parts)
    if is_configured(report.configured, told, request.spec.drift_policy):
        return report.reached(ConditionType.CONFIGURED, Reason.CONFIGURED, said(wanted, report.configured, told))
    rest, work = parts.memories.of(request.meta.uid).configuring, f"{told.guests} {told.roles}"
    if resting := rest.resting(work, parts.monotonic()):
        seconds, error = resting
        return report.failed(ConditionType.CONFIGURED, error, after=seconds)
    began = parts.monotonic()
    try:
        course = await _run(request, wanted, report, parts)
    except KunlunError as error:
        pause = rest.rest(work, now=parts.monotonic(), pause=pause_after(error), error=error)
        return report.failed(ConditionType.CONFIGURED, error, after=pause)
    rest.rested()
    recap = course.recap(parts.now(), parts.monotonic() - began)
    done = told.model_copy(update={"recap": recap})
    return report.reached(ConditionType.CONFIGURED, Reason.CONFIGURED, said(wanted, told, told), configured=done)


def configuration_wanted(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts
) -> Configuration | None:
    """What the guests are to be told now; the protection level is the registry's, as it stands."""
    stack = plan.spec.stack
    if not any(server.roles for server in stack.servers):
        return None
    system = parts.cache.get(SYSTEMS, request.meta.namespace, request.spec.system)
    if system is None:
        raise PolicyViolated(f"system '{request.spec.system}' is not filed any more: its protection level is unknown")
    failed = _failed_desktops(request, plan, parts)  # within their budget: nobody waits for them
    ids = {item.name: item.id for item in report.resources if item.name not in failed}
    standard = _desktop_standard(request, parts) if stack.rollouts else None
    return configuration_of(stack, ids, protection_level=system.spec.protection_level, desktops=standard)


def _failed_desktops(request: ResourceRequest, plan: Plan, parts: RequestParts) -> set[str]:
    servers = parts.memories.of(request.meta.uid).servers
    known = desktop_statuses(plan.spec.stack, servers, request.status.desktops)
    return {f"server-{one.name}" for one in known if one.state is DesktopState.FAILED}


def _desktop_standard(request: ResourceRequest, parts: RequestParts) -> DesktopStandard:
    zone = parts.cache.get(ZONES, "", request.spec.zone)
    if zone is None:
        raise ZoneUnknown(f"zone '{request.spec.zone}' does not exist any more")
    if not parts.settings.broker_key:
        raise ManagementMissing("the operator was given no key of the broker (`kunlun run --broker-key`)")
    return DesktopStandard.of(zone.spec, parts.settings.broker_key)


def told_by(wanted: Configuration, plan: Plan, parts: RequestParts) -> Configured:
    """As the status will say it."""
    roles = parts.configurator.playbooks.digest(wanted.roles)
    return Configured(plan=plan.meta.name, guests=wanted.digest, roles=roles)


def is_configured(known: Configured | None, told: Configured, policy: DriftPolicy) -> bool:
    """Whether nothing is to be run: the guests were told the same, by roles that are the same or may differ. Pure."""
    if known is None or known.guests != told.guests:
        return False
    return known.roles == told.roles or policy is DriftPolicy.REPORT


def said(wanted: Configuration, known: Configured | None, told: Configured) -> str:
    """`baseline, web on 2 guests`, and whether the roles are other ones by now. Pure."""
    count = len(wanted.guests)
    text = f"{', '.join(wanted.roles)} on {count} guest{'' if count == 1 else 's'}"
    if known is not None and known.roles != told.roles:
        text += "; the roles have changed since: the next plan applies them, or `driftPolicy: Correct`"
    return text


async def _run(request: ResourceRequest, wanted: Configuration, report: Report, parts: RequestParts) -> Course:
    async with reporting(request, report, parts, _under_way) as tell:
        tell(Course(0))
        return await parts.configurator.configure(request.meta.uid, wanted, on_progress=tell)


def _under_way(report: Report, course: Course) -> Report:
    done, total, step = course.progress
    where = f"task {done} of {total}: {step}" if done else "starting"
    progress = Progress(done=done, total=total, step=step[:256])
    return replace(report.waiting(ConditionType.CONFIGURED, Reason.CONFIGURING, where), progress=progress)
