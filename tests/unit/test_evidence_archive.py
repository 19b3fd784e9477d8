"""The archive of evidence as a file: what is not of the manifest's form is seen, and never unpacked."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from controllers.cli import root
from controllers.evidence.archive import MOST_BYTES, EvidenceBroken, Manifest, packed, unpacked
from controllers.evidence.verify import verify
from tests.unit.cli_stage import NAMESPACE, UID
from tests.unit.evidence_case import NOW, Case


def repacked(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with other files and the manifest it had."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        files = {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in archive}
    change(files)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({"request.json": files["request.json"] + b"\n"}), "request.json was changed"),
        (lambda files: files.pop("request.json"), "request.json is missing"),
        (lambda files: files.update({"plans/more.json": b"{}"}), "plans/more.json is not named"),
    ],
    ids=["one byte more", "a file less", "a file more"],
)
def test_a_file_that_is_not_the_manifests_is_seen(
    change: Callable[[dict[str, bytes]], None], said: str, tmp_path: Path
) -> None:
    """And the command says so with exit code 1."""
    file = tmp_path / "evidence.tar.gz"
    file.write_bytes(repacked(Case().archive(), change))
    result = CliRunner().invoke(root, ["evidence", "verify", str(file)])

    assert 1 == result.exit_code
    assert f"WRONG {said}" in result.output


def a_tar(member: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(member, io.BytesIO(b"\0" * member.size))
    return out.getvalue()


def a_link() -> tarfile.TarInfo:
    member = tarfile.TarInfo("request.json")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        a_tar(tarfile.TarInfo("../up")),
        a_tar(tarfile.TarInfo("/etc/x")),
        a_tar(a_link()),
        a_tar(tarfile.TarInfo("a")),
        gzip.compress(b"\0" * (MOST_BYTES + 1), 1),
    ],
    ids=["empty", "no archive", "a way out", "an absolute path", "a link", "no manifest", "a bomb"],
)
def test_what_is_no_archive_of_evidence_is_refused(content: bytes, tmp_path: Path) -> None:
    """One sentence, exit code 1; nothing is ever written to a disk."""
    file = tmp_path / "evidence.tar.gz"
    file.write_bytes(content)
    result = CliRunner().invoke(root, ["evidence", "verify", str(file)])

    assert (1, True) == (result.exit_code, "EvidenceBroken" in result.output), result.output
    with pytest.raises(EvidenceBroken):
        unpacked(file)
    assert [file] == list(tmp_path.iterdir())


def test_a_kind_of_a_later_release_has_its_files_compared(tmp_path: Path) -> None:
    """And it is said that nothing else was."""
    subject = Case().subject.model_copy(update={"kind": "Migration"})
    manifest = Manifest(subject=subject, gathered_time=NOW, gathered_by="sun.li", release="9")
    file = tmp_path / "evidence.tar.gz"
    file.write_bytes(packed(manifest, {"migration.json": b"{}"}))
    verdict = verify(*unpacked(file))

    assert (1, ()) == (len(verdict.checked), verdict.wrong)
    assert "only the files were compared" in verdict.remarks[0]


def test_an_archive_in_order_ends_with_exit_code_0(tmp_path: Path) -> None:
    """What was checked is listed, with the archive's own hash to compare it with another copy."""
    file = tmp_path / "evidence.tar.gz"
    file.write_bytes(Case().archive())
    result = CliRunner().invoke(root, ["evidence", "verify", str(file)])

    assert 0 == result.exit_code, result.output
    assert f"ResourceRequest {NAMESPACE}/permit-portal ({UID}), gathered {NOW} by sun.li" in result.output
    assert "WRONG" not in result.output and "SHA-256 of the archive" in result.output
