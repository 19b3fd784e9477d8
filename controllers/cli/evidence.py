"""`kunlun evidence`: all about one request or cutover in one archive, and the checks on it that anybody can make."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click

from controllers.api.cutoverstatus import RESOURCE as CUTOVER
from controllers.api.resourcerequest import RESOURCE as REQUEST
from controllers.api.stored import CUTOVERS, REQUESTS
from controllers.api.times import utc_now
from controllers.cli.gathering import gathered
from controllers.cli.gatheringcutover import gathered_cutover
from controllers.cli.kubectl import ClusterError, Kubectl, cluster_options
from controllers.cli.text import plain
from controllers.evidence.archive import Gap, Manifest, Subject, packed, sha256, unpacked
from controllers.evidence.cutover_summary import cutover_summary_content
from controllers.evidence.gathered import SUMMARY
from controllers.evidence.summary import summary_content
from controllers.evidence.verify import verify


class Evidence(click.Group):
    """`evidence NAME` is `evidence collect NAME`; a request called `verify` has to be named by the latter."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else ["collect", *args])


@click.group(cls=Evidence, short_help="Everything about a request or cutover in one archive; check one.")
def command() -> None:
    """Gather the evidence about a ResourceRequest or a Cutover into one archive, or check one.

    \b
      kunlun evidence NAME -n NAMESPACE          # writes evidence-NAMESPACE-NAME.tar.gz
      kunlun evidence cutover/NAME -n NAMESPACE  # writes evidence-NAMESPACE-cutover-NAME.tar.gz
      kunlun evidence verify FILE                # exit code 1 unless everything is in order

    A request that is gone has its record of decisions left, and the digests of its plans; a cutover that is gone has
    its journal left, its trial reports and the signatures under them.
    """


@dataclass(frozen=True, slots=True)
class Collected:
    """What goes into an archive. `counts` is what it is, in a few words."""

    subject: Subject
    files: Mapping[str, bytes]
    gaps: tuple[Gap, ...]
    counts: str


@command.command()
@click.argument("name", metavar="[KIND/]NAME")
@click.option("--uid", help="Of those of this name that followed each other: this one.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The archive to write; not overwritten."
)
@cluster_options
def collect(name: str, uid: str | None, output: Path | None, kubectl: Kubectl) -> None:
    """Gather the evidence about the ResourceRequest NAME, or the cutover/NAME, into one archive."""
    kind, named = kind_and_name(name)
    found = COLLECTED[kind](kubectl, named, uid)
    manifest = Manifest(
        subject=found.subject,
        gathered_time=utc_now(),
        gathered_by=_whoami(kubectl),
        release=version("kunlun"),
        gaps=found.gaps,
    )
    content = packed(manifest, found.files)
    shown = named if kind == REQUESTS.name else f"{kind.lower()}-{named}"
    target = output or Path(f"evidence-{found.subject.namespace}-{shown}.tar.gz")
    try:
        with target.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from error
    click.echo(f"{target}: {found.counts}; SHA-256 {sha256(content)}")
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


def kind_and_name(text: str) -> tuple[str, str]:
    """As kubectl reads `cutover/NAME`, `co/NAME`, `rr/NAME`; a name alone is a request's."""
    word, slash, name = text.partition("/")
    if not slash:
        return REQUESTS.name, text
    if word not in WORDS or not name:
        raise click.UsageError(f"'{plain(text)}': name a request, or cutover/NAME")
    return WORDS[word], name


def _request(kubectl: Kubectl, name: str, uid: str | None) -> Collected:
    found = gathered(kubectl, name, uid)
    counts = f"{len(found.plans)} plans, {len(found.approvals)} approvals, {len(found.decisions)} lines of the record"
    return Collected(found.subject, {**found.files(), SUMMARY: summary_content(found)}, found.gaps, counts)


def _cutover(kubectl: Kubectl, name: str, uid: str | None) -> Collected:
    found = gathered_cutover(kubectl, name, uid)
    counts = (
        f"{len(found.steps)} lines of the journal, {len(found.reports)} reports, {len(found.acceptances)} signatures"
    )
    return Collected(found.subject, {**found.files(), SUMMARY: cutover_summary_content(found)}, found.gaps, counts)


COLLECTED: Mapping[str, Callable[[Kubectl, str, str | None], Collected]] = {
    REQUESTS.name: _request,
    CUTOVERS.name: _cutover,
}
WORDS: Mapping[str, str] = {
    word: resource.kind
    for resource in (REQUEST, CUTOVER)
    for word in (resource.kind.lower(), resource.plural, *resource.short_names)
}


def _whoami(kubectl: Kubectl) -> str:
    try:
        answer = json.loads(kubectl.run("auth", "whoami", "-o", "json"))
        return str(answer["status"]["userInfo"]["username"])
    except (ClusterError, ValueError, LookupError):
        return "unknown"
