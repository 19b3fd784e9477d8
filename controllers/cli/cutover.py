"""`kubectl kunlun cutover`: see what a cutover would do and why not, ask for its stages, sign, go back, follow it."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import click

from controllers.api import API_VERSION
from controllers.api.acceptance import Subject, Verdict
from controllers.api.conditions import ConditionType
from controllers.api.cutover import Keep, Stage
from controllers.api.cutoversteps import Side, Step
from controllers.api.stored import ACCEPTANCES, CUTOVERS, Cutover, stored
from controllers.api.times import FORM
from controllers.cli.cutoverfacts import read_facts, verified_report
from controllers.cli.cutoverpage import page, refusals
from controllers.cli.kubectl import ClusterError, Document, Kubectl, cluster_options
from controllers.cli.stream import events
from controllers.cli.text import plain
from controllers.cli.watch import EXIT_READY, EXIT_STUCK, EXIT_TIMEOUT, Duration
from controllers.cutover.decide import Closed, Decision, decide
from controllers.cutover.facts import Facts
from controllers.cutover.gates import gate

ASKED_FOR = [Stage.PREPARE.value, Stage.REHEARSE.value, Stage.TRIAL.value, Stage.CUT.value]
NOBODY = ""  # a reader runs no step: every attempt that is open is somebody else's


@click.group(short_help="Move a live system onto the cloud, and back if need be.")
def command() -> None:
    """Cutovers: what would happen and why not, step by step; asking for it, signing it, going back."""


@command.command("plan", short_help="Show the way, what is done, and why the next step may not begin.")
@click.argument("name")
@cluster_options
def plan(name: str, kubectl: Kubectl) -> None:
    """Show the Cutover NAME: where the service lives, which steps are done, and what is next.

    The gate that is asked is the operator's own, so what is refused here is refused there, in the same words.
    """
    facts = read_facts(kubectl, name, now=_now())
    click.echo("\n".join(plain(line) for line in page(facts, decide(facts, operator=NOBODY))))


@command.command("start", short_help="Ask for a stage.")
@click.argument("name")
@click.option("--stage", type=click.Choice(ASKED_FOR), required=True, help="How far to go.")
@cluster_options
def start(name: str, stage: str, kubectl: Kubectl) -> None:
    """Ask that the Cutover NAME go as far as STAGE.

    Nothing is asked for when somebody has to act first: every reason is told, and the exit code is 1. What only time
    opens is asked for, and begins then.
    """
    facts = read_facts(kubectl, name, now=_now())
    wanted = _asking(facts, Stage(stage))
    decision = decide(wanted, operator=NOBODY)
    if isinstance(decision, Closed) and decision.opens is None:
        raise ClusterError(_not_begun(decision))
    _ask(kubectl, facts, {"stage": stage})
    click.echo(f"asked for: {stage} of cutover {plain(name)}")
    for text in refusals(decision):
        click.echo(f"  not yet: {plain(text)}")


@command.command("rollback", short_help="Give the service back to its source.")
@click.argument("name")
@click.option("--loses", metavar="DIGEST", help="The writes that are lost by it, as `cutover plan` names their list.")
@click.option("--reason", default="", help="Why; needed with --loses.")
@click.option("--yes", is_flag=True, help="Do not ask back.")
@cluster_options
def rollback(name: str, loses: str | None, reason: str, *, yes: bool, kubectl: Kubectl) -> None:
    """Roll the Cutover NAME back.

    The target is frozen first, and what was written to it since the switch is counted. If that is anything, it waits
    until somebody names exactly that list with --loses; `cutover start NAME --stage Cut` opens the target again.
    """
    facts = read_facts(kubectl, name, now=_now())
    if facts.journal.live is Side.SOURCE:
        raise ClusterError("there is nothing to roll back: the service lives on its source")
    if (released := facts.journal.release_time) is not None:
        raise ClusterError(f"the release of the original was begun at {released}: there is no way back")
    if (loses is None) != (reason.strip() == ""):
        raise ClusterError("name both --loses and --reason, or neither")
    told = facts.losses
    if told is not None and told.writes and loses != told.digest:
        raise ClusterError(
            f"{told.writes} writes since the switch would be lost, see `kubectl kunlun cutover plan {plain(name)}`; "
            f"to lose exactly these: --loses {told.digest} --reason WHY"
        )
    if facts.spec.retention.keep is Keep.POWERED_OFF and facts.journal.done(Step.RETAIN) is not None:
        click.echo("The original is switched off: switch its hosts on first, or nothing but the freezing is done.")
    if not yes:
        click.confirm("The target takes no writes from now on. Go on?", abort=True)
    change: dict[str, object] = {"stage": Stage.ROLL_BACK.value}
    if loses is not None:
        change["rollBack"] = {"loses": loses, "reason": reason}
    _ask(kubectl, facts, change)
    click.echo(
        f"asked for: rollback of cutover {plain(name)}; follow it with `kubectl kunlun cutover watch {plain(name)}`"
    )


@command.command("release", short_help="Let the original go, after its retention.")
@click.argument("name")
@cluster_options
def release(name: str, kubectl: Kubectl) -> None:
    """Ask that the original of the Cutover NAME be erased or given back, as its spec says.

    Refused, with every reason, before the retention is over and every party has accepted; the exit code is 1.
    """
    facts = read_facts(kubectl, name, now=_now())
    if reasons := gate(Step.RELEASE, facts):
        raise ClusterError("the original is not released:\n" + "\n".join(f"  - {reason}" for reason in reasons))
    _ask(kubectl, facts, {"stage": Stage.RELEASE.value})
    click.echo(f"asked for: {facts.spec.retention.afterwards} the original of cutover {plain(name)}")


@command.command("sign", short_help="Sign one exact trial report for a party.")
@click.argument("report")
@click.option("--party", required=True, metavar="PARTY", help="For whom you sign, such as department.")
@click.option("--reject", is_flag=True, help="Reject it instead.")
@click.option("--release", "of_release", is_flag=True, help="Sign the release of the original, not the trial.")
@click.option("--reason", default="", help="Why; needed to reject.")
@cluster_options
def sign(  # noqa: PLR0913
    report: str, party: str, *, reject: bool, of_release: bool, reason: str, kubectl: Kubectl
) -> None:
    """Sign exactly this REPORT for a party.

    Read it first: `kubectl get trialreport REPORT -o yaml`. The signature carries the digest of the content that this
    program has read and verified; who signs is taken from your login by the API server.
    """
    found = verified_report(kubectl, report)
    verdict = Verdict.REJECTED if reject else Verdict.ACCEPTED
    subject = Subject.RELEASE if of_release else Subject.TRIAL
    spec = {"report": report, "digest": found.spec.digest, "of": subject.value, "party": party}
    created = kubectl.create(_acceptance(report, party, spec | {"decision": verdict.value, "reason": reason}))
    signer = plain(created.get("spec", {}).get("signer", "you"))
    click.echo(f"{verdict} by {signer} for {plain(party)}: {subject.lower()} of report {plain(report)}")


@command.command("watch", short_help="Follow a cutover until its stage is reached.")
@click.argument("name")
@click.option("--timeout", type=Duration(), default="1h", show_default=True, help="Give up after this time.")
@cluster_options
def watch(name: str, timeout: float, kubectl: Kubectl) -> None:
    """Follow the Cutover NAME, a line for each change.

    Exit code 0: the stage that is asked for is reached. 1: somebody has to act. 124: the time is over.
    """
    raise click.exceptions.Exit(follow(kubectl, name, until=time.monotonic() + timeout))


def follow(kubectl: Kubectl, name: str, *, until: float) -> int:
    """Returns the exit code. Raises ClusterError when the cutover is deleted."""
    told = ""
    while time.monotonic() < until:
        with closing(events(kubectl, CUTOVERS, name, until=until)) as stream:
            for kind, document in stream:
                if kind == "DELETED":
                    raise ClusterError(f"cutover '{plain(name)}' was deleted")
                cutover = stored(CUTOVERS, document)
                line, code = _standing(cutover)
                if line != told:
                    click.echo(f"{time.strftime('%H:%M:%S')} {plain(line)}")
                told = line
                if code is not None:
                    return code
    click.echo(f"cutover {plain(name)} is not through yet: {plain(told)}")
    return EXIT_TIMEOUT


def _standing(cutover: Cutover) -> tuple[str, int | None]:
    """What to say of a version, and the exit code when there is nothing to wait for. An older spec's says nothing."""
    known = {one.type: one for one in cutover.status.conditions if one.observed_generation == cutover.meta.generation}
    ready, stalled = known.get(ConditionType.READY), known.get(ConditionType.STALLED)
    if ready is None:
        return "waiting for the operator", None
    line = f"live on {cutover.status.live}: {ready.reason}: {ready.message}"
    if ready.status == "True":
        return line, EXIT_READY
    return line, EXIT_STUCK if stalled is not None else None


def _asking(facts: Facts, stage: Stage) -> Facts:
    """As it would be, had it been asked for already: what is asked anew has another generation."""
    cutover = facts.cutover
    spec = cutover.spec.model_copy(update={"stage": stage})
    meta = replace(cutover.meta, generation=cutover.meta.generation + 1)
    return replace(facts, cutover=replace(cutover, meta=meta, spec=spec))


def _ask(kubectl: Kubectl, facts: Facts, change: Document) -> None:
    """Of this very cutover, or nothing."""
    meta = facts.cutover.meta
    kubectl.patch(CUTOVERS, meta.name, {"metadata": {"uid": meta.uid}, "spec": {**change}})


def _not_begun(decision: Decision) -> str:
    assert isinstance(decision, Closed)  # noqa: S101  asked before
    return f"nothing is asked for: {decision.step} may not begin:\n" + "\n".join(
        f"  - {text}" for text in refusals(decision)
    )


def _acceptance(report: str, party: str, spec: Document) -> Document:
    """The signer is left to the API server; the name too, so that nobody can occupy it."""
    meta = {"generateName": f"{report}-{party}-"}
    return {"apiVersion": API_VERSION, "kind": ACCEPTANCES.name, "metadata": meta, "spec": spec}


def _now() -> str:
    return datetime.now(UTC).strftime(FORM)
