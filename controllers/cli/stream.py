"""`kubectl get --watch` as an iterator of events, with a deadline that also ends a silent watch."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from controllers.api.stored import Kind
from controllers.cli.kubectl import Kubectl, failure, missing, resource

CHUNK_BYTES = 65_536
FIRST_WORD_SECONDS = 2.0
Event = tuple[str, Mapping[str, Any]]


def events(
    kubectl: Kubectl, kind: Kind[Any, Any], name: str, *, until: float, now: Callable[[], float] = time.monotonic
) -> Generator[Event]:
    """(type, object) for the object's state now and every later one: ADDED, MODIFIED, DELETED.

    Ends when the clock reaches `until` or the API server closes the watch (the caller starts another).
    The kubectl process never outlives the iterator. Raises ClusterError, also when there is no such object.

    Watched is the list of those of this name: of a single object kubectl drops the first event of the watch, which is
    the only one when the object changed between being read and being watched.
    """
    chosen = ("--field-selector", f"metadata.name={name}")
    command = [*kubectl.arguments, "get", resource(kind), *chosen, "-o", "json", "--watch", "--output-watch-events"]
    with tempfile.TemporaryFile() as complaints, _running(command, complaints, kubectl.program) as process:
        assert process.stdout is not None  # noqa: S101 - asked for a pipe
        if not _is_heard(process.stdout.fileno(), min(FIRST_WORD_SECONDS, until - now())) and now() < until:
            kubectl.run("get", resource(kind), "-o", "name", "--", name)  # of an empty list nothing is said
        yield from _decoded(_chunks(process.stdout.fileno(), until=until, now=now))
        if now() < until and process.wait() != 0:
            complaints.seek(0)
            raise failure(complaints.read().decode("utf-8", "replace"))


@contextmanager
def _running(command: list[str], complaints: IO[bytes], program: str) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, bufsize=0
        )
    except OSError as error:
        raise missing(program) from error
    with process:
        try:
            yield process
        finally:
            process.kill()


def _is_heard(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read, if only the end."""
    return bool(select.select([descriptor], [], [], max(seconds, 0.0))[0])


def _chunks(descriptor: int, *, until: float, now: Callable[[], float]) -> Iterator[bytes]:
    while (left := until - now()) > 0:
        readable, _, _ = select.select([descriptor], [], [], left)
        if not readable:
            return
        chunk = os.read(descriptor, CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _decoded(chunks: Iterator[bytes]) -> Iterator[Event]:
    """The JSON values of the stream, each as soon as it is complete."""
    decoder, buffer = json.JSONDecoder(), b""
    for chunk in chunks:
        buffer += chunk
        while buffer.rstrip().endswith(b"}"):
            try:
                text = buffer.decode("utf-8").lstrip()
                value, end = decoder.raw_decode(text)
            except ValueError:
                break  # a closing brace in the middle of an object, or of a character
            buffer = text[end:].encode("utf-8")
            yield str(value.get("type", "")), value.get("object") or {}
