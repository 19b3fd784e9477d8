"""The checks on an archive, each of which anybody can repeat by hand: pure, every finding at once.

What they prove: the files are those of the manifest, and they agree with each other as `request_checks` and
`cutover_checks` say: digests, signatures, record and journal. What they cannot prove is that the cluster told the truth
when the archive was made; for that the API server's audit log is the witness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from controllers.api.stored import CUTOVERS, REQUESTS
from controllers.evidence.archive import Manifest, differences
from controllers.evidence.cutover import moved_from
from controllers.evidence.cutover_checks import check_cutover
from controllers.evidence.cutover_summary import cutover_summary_content
from controllers.evidence.gathered import SUMMARY, gathered_from
from controllers.evidence.request_checks import Found, check_request
from controllers.evidence.summary import summary_content

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong` is what must not be; `checked` what was found in order; `remarks` what the archive does not hold."""

    wrong: tuple[str, ...]
    checked: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def verify(manifest: Manifest, files: Files) -> Verdict:
    """All checks. Of a kind that this release does not know, the files only."""
    remarks = tuple(f"{gap.what}: {gap.because}" for gap in manifest.gaps)
    if broken := differences(manifest, files):
        return Verdict(tuple(broken), remarks=remarks)
    whole = f"{len(files)} files are those of the manifest"
    check = CHECKS.get(manifest.subject.kind)
    if check is None:
        unknown = f"this release does not know evidence of a {manifest.subject.kind}; only the files were compared"
        return Verdict((), (whole,), (*remarks, unknown))
    try:
        found = check(manifest, files)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return Verdict((f"a file is not what its place says: {error}",), (whole,), remarks)
    checked = () if found.wrong else found.checked
    return Verdict(found.wrong, (whole, *checked), (*remarks, *found.told))


def _request(manifest: Manifest, files: Files) -> Found:
    gathered = gathered_from(manifest.subject, files, manifest.gaps)
    return _with_summary(check_request(gathered, manifest.gathered_time), files, summary_content(gathered))


def _cutover(manifest: Manifest, files: Files) -> Found:
    moved = moved_from(manifest.subject, files, manifest.gaps)
    return _with_summary(check_cutover(moved, manifest.gathered_time), files, cutover_summary_content(moved))


def _with_summary(found: Found, files: Files, said: bytes) -> Found:
    """Whoever reads only the summary reads what the other files say."""
    if files.get(SUMMARY) != said:
        return replace(found, wrong=(*found.wrong, "summary.json is not what the other files say"))
    return replace(found, checked=(*found.checked, "the summary is what the files say"))


CHECKS: Mapping[str, Callable[[Manifest, Files], Found]] = {REQUESTS.name: _request, CUTOVERS.name: _cutover}
