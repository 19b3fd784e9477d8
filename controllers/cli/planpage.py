"""The page an officer reads before deciding: what will exist, what changes, what it costs, who decides.

Everything under 'signed' comes from the plan whose digest was computed here. What the requester wrote
besides (the purposes of flows) is shown as a statement of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from controllers.api.conditions import ConditionType, Reason
from controllers.api.plan import Action, Operation, PlanContent
from controllers.api.requeststatus import StageDecision
from controllers.api.stored import ResourceRequest
from controllers.cli.reading import Reading
from controllers.cli.screen import facts, grid, lines, section
from controllers.cli.signatures import StageStanding, standings
from controllers.cli.text import counted, listed, plain, yuan
from controllers.cli.traffic import COLUMNS, CROSSING_COLUMNS, crossings, stated_flows, traffic
from controllers.cli.verdict import public_of
from controllers.request.plans import is_repair
from infra.stackplan import StackPlan

STYLES = {
    Operation.CREATE: "green",
    Operation.IMPORT: "cyan",
    Operation.UPDATE: "yellow",
    Operation.REPLACE: "magenta",
    Operation.DELETE: "red",
}
DONE = {
    Operation.CREATE: "created",
    Operation.IMPORT: "taken over",
    Operation.UPDATE: "changed in place",
    Operation.REPLACE: "replaced",
    Operation.DELETE: "deleted",
}
NO_ROOM = {Reason.QUOTA_EXCEEDED.value, Reason.BUDGET_EXCEEDED.value}


NO_ADDRESS: Mapping[str, str] = {}
CHOSEN_LATER = "chosen by OpenStack when it is built"


def plan_page(reading: Reading, options: str = "") -> Iterator[RenderableType]:
    """The whole page for a plan of the cluster; `options` are the kubectl options to repeat in commands."""
    plan = reading.plan
    yield Text(f"Plan {plan.meta.name}", style="bold")
    yield facts(_header(reading))
    yield from content_sections(plan.spec, public_addresses(reading.request))
    if reading.request is not None and reading.request.spec.flows and _is_of_this_generation(reading):
        flows = stated_flows(reading.request.spec.flows)
        yield section("Purposes, as the requester states them", grid(("FROM", "TO", "ON", "PURPOSE"), flows))
    yield section("Stages", _stages(reading))
    commands = list(_commands(reading, options))
    if commands:
        yield section("To decide", lines(*commands))


def content_sections(content: PlanContent, known: Mapping[str, str] = NO_ADDRESS) -> Iterator[RenderableType]:
    """The signed content, section by section; `known` are public addresses that exist, by server."""
    stack = content.stack
    rows = [(_operation(action), action.kind, action.name, action.detail) for action in content.actions]
    yield section(f"What will happen: {summary(content)}", grid(("DO", "KIND", "NAME", "DETAIL"), rows))
    yield section("Servers", grid(("NAME", "FLAVOR", "IMAGE", "NETWORK", "ADDRESS", "DISKS"), _servers(stack)))
    if stack.rollouts:
        yield section("Desktops", grid(("NAME", "USER", "FLAVOR", "IMAGE", "NETWORK", "ADDRESS"), _desktops(stack)))
        yield section("Roll-out", grid(("DESKTOPS", "AT A TIME", "MAY FAIL"), _rollouts(stack)))
    networks = [(network.name, network.cidr, network.gateway) for network in stack.networks]
    yield section("Networks", grid(("NAME", "PREFIX", "GATEWAY"), networks))
    if public := [(one.name, known.get(one.name, CHOSEN_LATER)) for one in stack.servers if one.public_address]:
        yield section("On the internet", grid(("NAME", "PUBLIC ADDRESS"), public))
    opened = list(traffic(stack.groups))
    yield section("Traffic: only this, everything else is closed", grid(COLUMNS, opened))
    if joined := list(crossings(stack)):
        title = "With other requests: open only while both plans are in force"
        yield section(title, grid(CROSSING_COLUMNS, joined))
    yield section("Cost a month", _costs(content))
    if stack.deletion_policy == "Release" or stack.imports:
        yield section("When the request is deleted", lines(_ending(stack)))


def public_addresses(request: ResourceRequest | None) -> Mapping[str, str]:
    """What a request has on the internet, by server."""
    return dict(public_of(request.status)) if request else NO_ADDRESS


def summary(content: PlanContent) -> str:
    """'11 created, 1 replaced'; 'nothing changes'."""
    counts = Counter(action.operation for action in content.actions)
    told = [f"{counts[operation]} {DONE[operation]}" for operation in Operation if counts[operation]]
    return ", ".join(told) or "nothing changes"


def standing(reading: Reading) -> str:
    """Where this plan stands: in force, newest, superseded, or left over."""
    name, request = reading.plan.meta.name, reading.request
    if request is None:
        return "left over: its request is gone; it cannot be approved"
    if request.status.plan != name:
        newest = f"the newest plan is {request.status.plan}" if request.status.plan else "it has no newest plan"
        in_force = "still in force, but superseded" if request.status.approved_plan == name else "superseded"
        return f"{in_force}: {newest}"
    if request.status.approved_plan == name:
        return "approved and in force"
    missing = [f"{one.needed.stage}{_noted(one)}" for one in reading.open_stages]
    return f"the newest plan; not decided yet by {listed(missing)}" if missing else "decided"


def _header(reading: Reading) -> Iterator[tuple[str, object]]:
    stack, request = reading.plan.spec.stack, reading.request
    origin = stack.origin
    yield "Request", f"{origin.namespace}/{origin.name}, generation {origin.generation}{_changed_since(reading)}"
    yield "System", _system(reading)
    yield "Zone", stack.zone
    yield "Project", stack.project.name
    yield "Asked by", request.spec.requested_by if request else "unknown: the request is gone"
    if is_repair(reading.plan):
        yield "Purpose", "repairs what was changed by hand; nothing new is asked for"
    yield "Environment", request.spec.environment if request else "unknown"
    yield "Standing", standing(reading)
    yield "Digest", f"{reading.plan.spec.digest} (computed here from this content: it matches)"


def _is_of_this_generation(reading: Reading) -> bool:
    request = reading.request
    return request is not None and request.meta.generation == reading.plan.spec.stack.origin.generation


def _changed_since(reading: Reading) -> str:
    if reading.request is None or _is_of_this_generation(reading):
        return ""
    return f" (the request has changed since: it is now generation {reading.request.meta.generation})"


def _system(reading: Reading) -> str:
    if reading.request is None:
        return "unknown"
    system = reading.system
    if system is None:
        return reading.request.spec.system
    filing = system.spec.filing_number or "no filing number"
    level = f"protection level {system.spec.protection_level}"
    return f"{system.meta.name}: {system.spec.title} ({filing}, {system.spec.classification}, {level})"


def _operation(action: Action) -> Text:
    return Text(action.operation, style=STYLES[action.operation])


def _servers(stack: StackPlan) -> Iterator[tuple[object, ...]]:
    for server in (one for one in stack.servers if one.seat is None):
        disks = [f"boot {server.boot_volume_gib} GiB"] if server.boot_volume_gib else ["flavor's own"]
        disks += [f"{volume.name} {volume.size_gib} GiB ({volume.on_delete})" for volume in server.volumes]
        yield server.name, server.flavor.name, server.image.name, server.network, server.address, ", ".join(disks)


def _desktops(stack: StackPlan) -> Iterator[tuple[object, ...]]:
    for one in stack.servers:
        if one.seat is not None:
            yield one.name, one.seat.user or "spare", one.flavor.name, one.image.name, one.network, one.address


def _rollouts(stack: StackPlan) -> Iterator[tuple[object, ...]]:
    return ((rollout.group, rollout.batch_size, rollout.failure_budget) for rollout in stack.rollouts)


def _ending(stack: StackPlan) -> str:
    if stack.deletion_policy == "Release":
        return "nothing is deleted: everything stays as it is, and is managed no longer"
    kept = "; data volumes stay, unless marked Delete above" if any(one.volumes for one in stack.servers) else ""
    return f"everything is deleted with it, the {counted(len(stack.imports), 'object')} taken over included{kept}"


def _costs(content: PlanContent) -> RenderableType:
    rows: list[tuple[object, ...]] = [
        (line.item, line.count, yuan(line.monthly_yuan_each), yuan(line.count * line.monthly_yuan_each))
        for line in content.costs
    ]
    total = Text(yuan(content.monthly_yuan), style="bold")
    return grid(
        ("ITEM", "COUNT", "EACH", "TOGETHER"), [*rows, ("total", "", "", total)], right=("COUNT", "EACH", "TOGETHER")
    )


def _stages(reading: Reading) -> RenderableType:
    plan, words = reading.plan.spec, standing_in_the_way(reading)
    if plan.approved_by_policy:
        told = (f"approved by policy, nobody has to sign: {plan.approved_by_policy}", words)
        return lines(*filter(None, told))
    rows = [row for standing in standings(plan, reading.decisions) for row in _stage_rows(standing)]
    table = grid(("STAGE", "BECAUSE", "ASKS FOR", "DECISION", "BY", "REASON"), rows)
    return Group(table, lines(words)) if words else table


def _stage_rows(standing: StageStanding) -> Iterator[tuple[object, ...]]:
    stage, because = standing.needed.stage, standing.needed.because
    for decision in standing.decisions:
        yield stage, because, standing.form, _decision(decision), decision.approver, decision.reason
        stage, because = "", ""
    if standing.missing and not any(decision.decision == "Denied" for decision in standing.decisions):
        yield stage, because, standing.form if stage else "", standing.missing, "", ""


def standing_in_the_way(reading: Reading) -> str:
    """What the operator says of approvals that do not count, or of room that is lacking; empty when of neither."""
    request = reading.request
    if request is None or request.status.plan != reading.plan.meta.name:
        return ""
    found = next((item for item in request.status.conditions if item.type == ConditionType.APPROVED), None)
    said = found is not None and ("not counted" in found.message or found.reason in NO_ROOM)
    return found.message if found is not None and said else ""


def _noted(standing: StageStanding) -> str:
    return f" ({standing.missing.removeprefix('open: ')})" if standing.missing != "open" else ""


def _decision(decision: StageDecision) -> Text:
    until = f" until {decision.until}" if decision.until else ""
    return Text(plain(decision.decision) + until, style="green" if decision.decision == "Approved" else "red")


def _commands(reading: Reading, options: str) -> Iterator[str]:
    request, name = reading.request, reading.plan.meta.name
    if request is None or request.status.plan != name:
        return
    for standing in reading.open_stages:
        stage = standing.needed.stage
        if not standing.waits_for:
            yield f"kubectl kunlun approve {name} --stage {stage}{options}"
        yield f'kubectl kunlun deny {name} --stage {stage} --reason "..."{options}'


def signed_sentence(content: PlanContent) -> str:
    """What an approval of this content means, in one sentence."""
    stack = content.stack
    desktops = sum(one.seat is not None for one in stack.servers)
    counts = [counted(len(stack.servers) - desktops, "server"), *([counted(desktops, "desktop")] if desktops else [])]
    what = f"{', '.join(counts)} in zone {stack.zone}"
    return f"{what}, {summary(content)}, {yuan(content.monthly_yuan)} a month"
