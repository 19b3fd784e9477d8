"""`kunlun evidence`: everything about one request in one archive, and the checks on it that anybody can make."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from controllers.api.stored import APPROVALS, DECISIONS, PLANS, REQUESTS, SYSTEMS, ZONES
from controllers.api.times import utc_now
from controllers.cli.kubectl import ClusterError, Document, Kubectl, cluster_options
from controllers.cli.text import plain
from controllers.evidence.archive import Gap, Manifest, Subject, packed, sha256, unpacked
from controllers.evidence.gathered import SUMMARY, Gathered, name_of, of_request
from controllers.evidence.summary import summary_content
from controllers.evidence.verify import verify


class Evidence(click.Group):
    """`evidence NAME` is `evidence collect NAME`; a request called `verify` has to be named by the latter."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else ["collect", *args])


@click.group(cls=Evidence, short_help="Everything about a request in one archive; check one.")
def command() -> None:
    """Gather the evidence about a ResourceRequest into one archive, or check one.

    \b
      kunlun evidence NAME -n NAMESPACE          # writes evidence-NAMESPACE-NAME.tar.gz
      kunlun evidence verify FILE                # exit code 1 unless everything is in order

    A request that is gone has its record of decisions left, and the digests of its plans.
    """


@command.command()
@click.argument("name")
@click.option("--uid", help="Of requests of this name that followed each other: this one.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The archive to write; not overwritten."
)
@cluster_options
def collect(name: str, uid: str | None, output: Path | None, kubectl: Kubectl) -> None:
    """Gather the evidence about the ResourceRequest NAME into one archive."""
    found = gathered(kubectl, name, uid)
    manifest = Manifest(
        subject=found.subject,
        gathered_time=utc_now(),
        gathered_by=_whoami(kubectl),
        release=version("kunlun"),
        gaps=found.gaps,
    )
    content = packed(manifest, {**found.files(), SUMMARY: summary_content(found)})
    target = output or Path(f"evidence-{found.subject.namespace}-{name}.tar.gz")
    try:
        with target.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from error
    counts = f"{len(found.plans)} plans, {len(found.approvals)} approvals, {len(found.decisions)} lines of the record"
    click.echo(f"{target}: {counts}; SHA-256 {sha256(content)}")
    for gap in found.gaps:
        click.echo(f"not in it: {plain(gap.what)}: {plain(gap.because)}")


@command.command(name="verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def verify_command(context: click.Context, file: Path) -> None:
    """Check the archive FILE: hashes, digests (RFC 8785), signatures, the record. Needs no cluster."""
    manifest, files = unpacked(file)
    subject, verdict = manifest.subject, verify(manifest, files)
    click.echo(
        f"{plain(subject.kind)} {plain(subject.namespace)}/{plain(subject.name)} ({plain(subject.uid)}), "
        f"gathered {plain(manifest.gathered_time)} by {plain(manifest.gathered_by)}"
    )
    for sign, lines in (("ok", verdict.checked), ("note", verdict.remarks), ("WRONG", verdict.wrong)):
        for line in lines:
            click.echo(f"{sign:5} {plain(line)}")
    click.echo(f"SHA-256 of the archive: {sha256(file.read_bytes())}")
    context.exit(1 if verdict.wrong else 0)


def gathered(kubectl: Kubectl, name: str, uid: str | None) -> Gathered:
    """Everything there is. Raises ClusterError when nothing is, or when it is not clear which request is meant."""
    request = kubectl.find(REQUESTS, name)
    record = kubectl.select(DECISIONS, f"spec.request={name}")
    subject = _subject(request, record, name, uid)
    request = request if subject.living else None
    plans = [one for one in kubectl.select(PLANS, f"spec.stack.origin.name={name}") if _origin(one) == subject.uid]
    decisions = of_request(record, subject.uid)
    named = {name_of(plan) for plan in plans} | {str(line["spec"]["plan"]) for line in decisions}
    approvals = [one for one in kubectl.listed(APPROVALS) if one["spec"]["plan"] in named]
    context, gaps = _context(kubectl, request, subject.uid)
    if request is None:
        gaps.insert(0, Gap(what="request, plans, state", because="the request is gone; the record outlives it"))
    return Gathered(subject, request, tuple(plans), tuple(approvals), tuple(decisions), context, tuple(gaps))


def _subject(request: Document | None, record: list[Document], name: str, uid: str | None) -> Subject:
    living = str(request["metadata"]["uid"]) if request is not None else None
    last = max(record, key=lambda line: str(line["metadata"]["creationTimestamp"]), default=None)
    wanted = uid or living or (str(last["spec"]["requestUid"]) if last is not None else None)
    known = {str(line["spec"]["requestUid"]) for line in record} | ({living} if living else set())
    if wanted is None or wanted not in known:
        others = f"; there were: {', '.join(sorted(known))}" if known else ": is the namespace right?"
        raise ClusterError(
            f"there is no request '{name}'{f' of uid {uid}' if uid else ''}, and no record of one{others}"
        )
    document = request if request is not None and living == wanted else record[0]
    namespace = str(document["metadata"]["namespace"])
    return Subject(kind=REQUESTS.name, namespace=namespace, name=name, uid=wanted, living=living == wanted)


def _context(kubectl: Kubectl, request: Document | None, uid: str) -> tuple[dict[str, Document], list[Gap]]:
    """What the request refers to; what this reader may not see is a gap."""
    found: dict[str, Document] = {}
    gaps: list[Gap] = []

    def take(what: str, read: Callable[[], Document | None]) -> None:
        try:
            document = read()
        except ClusterError as error:
            gaps.append(Gap(what=what, because=error.message[:500]))
            return
        if document is not None:
            found[what] = document

    if request is not None:
        take("system", lambda: kubectl.find(SYSTEMS, str(request["spec"]["system"])))
        take("zone", lambda: kubectl.find(ZONES, str(request["spec"]["zone"])))
    take("events", lambda: _events(kubectl, uid))
    return found, gaps


def _events(kubectl: Kubectl, uid: str) -> Document | None:
    """The cluster keeps them for an hour or so."""
    listed: dict[str, Any] = json.loads(
        kubectl.run("get", "events", f"--field-selector=involvedObject.uid={uid}", "-o", "json")
    )
    items = sorted(listed.get("items", ()), key=lambda event: str(event["metadata"]["name"]))
    return {"kind": "List", "items": items} if items else None


def _whoami(kubectl: Kubectl) -> str:
    try:
        answer = json.loads(kubectl.run("auth", "whoami", "-o", "json"))
        return str(answer["status"]["userInfo"]["username"])
    except (ClusterError, ValueError, LookupError):
        return "unknown"


def _origin(plan: Document) -> str:
    return str(plan["spec"]["stack"]["origin"]["uid"])
