"""The archive: a compressed tar of plain files, and a manifest that names each with its SHA-256.

Reading takes nothing on trust: only ordinary files under plain names, together of bounded size, are looked at, and
nothing is ever unpacked onto a disk. What the manifest does not name does not belong there.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from infra.errors import RequestError
from infra.wire import WireModel

MANIFEST = "manifest.json"
MOST_BYTES = 128 * 1024 * 1024
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(max_length=2048)]


class EvidenceBroken(RequestError):
    """The file is no archive of evidence, or cannot be read as one."""


class Subject(WireModel):
    """What the evidence is about. `living` is whether it was there when the evidence was gathered."""

    kind: Text
    namespace: Text
    name: Text
    uid: Text
    living: bool


class Entry(WireModel):
    """One file."""

    path: Text
    sha256: Digest
    bytes: Annotated[int, Field(ge=0)]


class Gap(WireModel):
    """Something that belongs to the evidence and is not in it."""

    what: Text
    because: Text


class Manifest(WireModel):
    """What is in the archive, by whom and when it was gathered."""

    format: Literal["kunlun.cloud/evidence/v1"] = "kunlun.cloud/evidence/v1"
    subject: Subject
    gathered_time: Text
    gathered_by: Text
    release: Text
    files: tuple[Entry, ...] = ()
    gaps: tuple[Gap, ...] = ()


def packed(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """The archive. The same for the same content."""
    entries = [Entry(path=path, sha256=sha256(content), bytes=len(content)) for path, content in sorted(files.items())]
    complete = manifest.model_copy(update={"files": tuple(entries)})
    text = complete.model_dump_json(by_alias=True, indent=2) + "\n"
    moment = int(datetime.fromisoformat(manifest.gathered_time).astimezone(UTC).timestamp())
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as out:
        for path, content in [(MANIFEST, text.encode()), *sorted(files.items())]:
            member = tarfile.TarInfo(path)
            member.size, member.mtime, member.mode = len(content), moment, 0o444
            out.addfile(member, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=moment)


def unpacked(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Manifest and files, in memory. Raises EvidenceBroken for anything that is not of this form."""
    files: dict[str, bytes] = {}
    try:
        with gzip.open(path) as compressed:
            content = compressed.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise EvidenceBroken("it holds more than an archive of evidence may")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                if not member.isfile() or not _is_plain(member.name) or member.name in files:
                    raise EvidenceBroken(f"'{member.name}' is no plain file of its own")
                stream = archive.extractfile(member)
                files[member.name] = stream.read() if stream is not None else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise EvidenceBroken(f"it cannot be read: {error}") from error
    if MANIFEST not in files:
        raise EvidenceBroken("it has no manifest")
    return _manifest(files.pop(MANIFEST)), files


def differences(manifest: Manifest, files: Mapping[str, bytes]) -> list[str]:
    """Where the files are not what the manifest says. Pure."""
    named = {entry.path: entry for entry in manifest.files}
    found = [f"{path} is not named in the manifest" for path in files.keys() - named.keys()]
    found += [f"{path} is missing" for path in named.keys() - files.keys()]
    for path in named.keys() & files.keys():
        if (named[path].sha256, named[path].bytes) != (sha256(files[path]), len(files[path])):
            found.append(f"{path} was changed: its SHA-256 is {sha256(files[path])}, not {named[path].sha256}")
    if len(named) < len(manifest.files):
        found.append("the manifest names a file twice")
    return sorted(found)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest(content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise EvidenceBroken(f"its manifest is not of a form this release knows: {where}: {first['msg']}") from error


def _is_plain(name: str) -> bool:
    """A relative path without detours."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name
