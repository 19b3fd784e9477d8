"""The cluster, reached through `kubectl`: whatever way of logging in a kubeconfig knows, works here too.

Why not a client library: exec plugins, OIDC, client certificates, proxies and impersonation are kubectl's
business, and a person who can `kubectl get` can then also approve. Nothing here keeps or reads a credential.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import click

from controllers.api import GROUP
from controllers.api.stored import Kind
from controllers.cli.text import plain

Document = Mapping[str, Any]
Result = TypeVar("Result")

PROGRAM = "kubectl"
DEADLINE_SECONDS = 120  # a login plugin may have to ask a person
MESSAGE_LIMIT = 2000
SETTLING = ("failed to find resource referenced by paramKind", "There can be a delay")
SETTLING_SECONDS, SETTLING_PAUSE_SECONDS = 45.0, 3.0


class Cause(StrEnum):
    """What kind of no it was, as far as a program has to know."""

    REFUSED = "Refused"
    ABSENT = "Absent"
    CROSSED = "Crossed"  # somebody else was faster
    OUT_OF_REACH = "OutOfReach"  # nothing was decided: it may be tried again


class ClusterError(click.ClickException):
    """kubectl, or the API server behind it, said no. The message is theirs, without the wrapping."""

    def __init__(self, message: str, cause: Cause = Cause.REFUSED) -> None:
        super().__init__(plain(message, newlines=True))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Which cluster, as whom, in which namespace: exactly kubectl's own options and defaults."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    program: str = PROGRAM

    @property
    def arguments(self) -> list[str]:
        """The program and the options that were given, ready for the verb."""
        given = {"--kubeconfig": self.kubeconfig, "--context": self.context, "--namespace": self.namespace}
        return [self.program, *(f"{option}={value}" for option, value in given.items() if value)]

    @property
    def shown(self) -> str:
        """The same options as a person would type them after a command."""
        given = {"-n": self.namespace, "--context": self.context, "--kubeconfig": self.kubeconfig}
        return "".join(f" {option} {value}" for option, value in given.items() if value)

    def find(self, kind: Kind[Any, Any], name: str) -> Document | None:
        """The object as the API server has it, or None when there is none. Raises ClusterError."""
        answer = self.run("get", resource(kind), "--ignore-not-found", "-o", "json", "--", name)
        return _parsed(answer) if answer.strip() else None

    def select(self, kind: Kind[Any, Any], field_selector: str) -> list[Document]:
        """The namespace's objects of the kind that fit the selector. Raises ClusterError."""
        answer = self.run("get", resource(kind), f"--field-selector={field_selector}", "-o", "json")
        return list(_parsed(answer).get("items", ()))

    def listed(self, kind: Kind[Any, Any]) -> list[Document]:
        """The namespace's objects of the kind, or all if it has no namespaces. Raises ClusterError."""
        return list(_parsed(self.run("get", resource(kind), "-o", "json")).get("items", ()))

    def everywhere(self, kind: Kind[Any, Any]) -> list[Document]:
        """Every object of the kind in the whole cluster. Raises ClusterError."""
        answer = self.run("get", resource(kind), "--all-namespaces", "-o", "json")
        return list(_parsed(answer).get("items", ()))

    def patch(self, kind: Kind[Any, Any], name: str, change: Document) -> Document:
        """Merge a change into the object and return it as stored. Raises ClusterError with the server's refusal."""
        words = ("patch", resource(kind), "--type=merge", f"--patch={json.dumps(change)}", "-o", "json")
        return _parsed(self.run(*words, "--", name))

    def delete(self, kind: Kind[Any, Any], name: str) -> None:
        """Ask for the object's deletion; its end is not waited for. Raises ClusterError."""
        self.run("delete", resource(kind), "--wait=false", "--", name)

    def create(self, document: Document) -> Document:
        """Create the object and return it as stored. Raises ClusterError with the server's refusal.

        An API server that has just started refuses everything for up to half a minute because it has not read
        its policies yet; nothing is written by such a refusal, so it is simply tried again.
        """
        return self._written("create", document)

    def applied(self, document: Document) -> Document:
        """Apply the object, as `kubectl apply` does, and return it as stored. Raises as `create` does."""
        return self._written("apply", document)

    def _written(self, verb: str, document: Document) -> Document:
        deadline = time.monotonic() + SETTLING_SECONDS
        while True:
            try:
                return _parsed(self.run(verb, "-o", "json", "-f", "-", stdin=json.dumps(document)))
            except ClusterError as error:
                if not any(words in error.message for words in SETTLING) or time.monotonic() > deadline:
                    raise
                click.echo("the API server is still reading its policies; trying again", err=True)
                time.sleep(SETTLING_PAUSE_SECONDS)

    def apply(self, text: str) -> str:
        """`kubectl apply` of YAML text; returns kubectl's own lines. Raises ClusterError."""
        return self.run("apply", "-f", "-", stdin=text)

    def run(self, *arguments: str, stdin: str = "") -> str:
        """One kubectl process within its deadline; its standard output. Raises ClusterError."""
        try:
            ended = subprocess.run(
                [*self.arguments, *arguments],
                input=stdin,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        except OSError as error:
            raise missing(self.program) from error
        except subprocess.TimeoutExpired as error:
            what = f"kubectl did not answer within {DEADLINE_SECONDS} seconds"
            raise ClusterError(what, Cause.OUT_OF_REACH) from error
        if ended.returncode != 0:
            raise failure(ended.stderr)
        return ended.stdout


def missing(program: str) -> ClusterError:
    """What to say when there is no kubectl to run."""
    return ClusterError(f"`{program}` is needed for this and was not found: install it or put it on PATH")


def resource(kind: Kind[Any, Any]) -> str:
    """The full resource name: no other group's short name can take its place."""
    return f"{kind.plural}.{GROUP}"


_SERVER = re.compile(r'^(?:Error from server(?: \(\w+\))?: |error: )(?:error when creating "STDIN": )?')
_NOISE = re.compile(r"^(?:Warning: |[EWI][0-9]{4} )")  # kubectl's own log lines are not the answer
_DENIED = re.compile(r"^.*denied request: ", re.DOTALL)


_CAUSES = {
    Cause.ABSENT: re.compile(r"\(NotFound\)"),
    Cause.CROSSED: re.compile(r"\((AlreadyExists|Conflict)\)"),
    # The codes of the API server that ask to come back, and what kubectl says when nobody answers.
    Cause.OUT_OF_REACH: re.compile(
        r"\((ServiceUnavailable|TooManyRequests|Timeout|ServerTimeout|InternalError)\)|Unable to connect to the server"
        r"|The connection to the server|connection refused|i/o timeout|TLS handshake timeout|unexpected EOF"
    ),
}


def failure(stderr: str) -> ClusterError:
    """What kubectl complained of, and what kind of no it is."""
    found = (cause for cause, words in _CAUSES.items() if words.search(stderr))
    return ClusterError(refusal(stderr), next(found, Cause.REFUSED))


def refusal(stderr: str) -> str:
    """The sentence that matters in kubectl's error output; the rest is wrapping."""
    lines = [line for line in stderr.strip().splitlines() if not _NOISE.match(line)]
    text = "\n".join(lines).strip() or "kubectl failed without saying why"
    without_prefix = _SERVER.sub("", text)
    return _DENIED.sub("", without_prefix)[:MESSAGE_LIMIT]


def _parsed(answer: str) -> Document:
    try:
        document = json.loads(answer)
    except json.JSONDecodeError as error:
        raise ClusterError("kubectl answered something that is not JSON") from error
    if not isinstance(document, dict):
        raise ClusterError("kubectl answered something that is not an object")
    return document


def cluster_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """kubectl's -n/--namespace, --context and --kubeconfig, handed on as one `kubectl` argument."""

    with_namespace = click.option("-n", "--namespace", metavar="NAME", help="Namespace of the department.")
    return with_namespace(whole_cluster_options(command))


def whole_cluster_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """The same without a namespace, for what concerns all of them."""

    @functools.wraps(command)
    def with_kubectl(
        *arguments: Any, context: str | None, kubeconfig: str | None, namespace: str | None = None, **options: Any
    ) -> Result:
        return command(*arguments, kubectl=Kubectl(namespace, context, kubeconfig), **options)

    with_context = click.option("--context", metavar="NAME", help="Context of the kubeconfig to use.")
    with_file = click.option("--kubeconfig", metavar="FILE", help="Path to the kubeconfig file.")
    return with_file(with_context(with_kubectl))
