"""Asking for one environment: the same name and content is the same environment, however often it is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import click

from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.stored import REQUESTS, ResourceRequest, stored
from controllers.cli.awaiting import followed
from controllers.cli.environment import EnvironmentReport, Standing, State, report_of, standing_of
from controllers.cli.kubectl import Cause, ClusterError, Kubectl
from controllers.cli.reading import find_request
from controllers.cli.text import plain
from controllers.cli.verdict import snapshot
from controllers.cli.wanted import Wanted
from controllers.cli.watch import View

ATTEMPTS = 3  # of several that ask for the same at once, one creates it
SHOWN = 5
OF_NO_ACCOUNT = {"timeToLive", "driftPolicy", "requestedBy"}  # may change without another environment being built


@dataclass(frozen=True, slots=True)
class Asked:
    """One environment of a command. `request` is None until the API server has taken it."""

    wanted: Wanted
    kubectl: Kubectl
    request: ResourceRequest | None = None
    standing: Standing | None = None  # when it is known without waiting

    def report(self, request: ResourceRequest | None = None, standing: Standing | None = None) -> EnvironmentReport:
        """As things are, or as this command has found them."""
        request = request or self.request
        if request is not None:
            return report_of(request, standing or self.standing or standing_of(request))
        found = standing or self.standing or Standing(State.PENDING)
        return EnvironmentReport(
            name=self.wanted.name,
            namespace=self.wanted.namespace or self.kubectl.namespace,
            state=found.state,
            reason=found.reason,
            message=found.message,
        )


def ask(asked: Asked, *, until: float | None) -> Asked:
    """Have the API server take it. An older one of its name that is being removed is waited for until `until`.

    What it says against it is in the result; nothing is raised but a bug.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _ask_once(asked, until)
        except ClusterError as error:
            if error.cause is not Cause.CROSSED or attempt == ATTEMPTS - 1:
                state = State.FAILED if error.cause in {Cause.OUT_OF_REACH, Cause.CROSSED} else State.REFUSED
                return replace(asked, standing=Standing(state, error.cause, error.message))
    raise AssertionError("unreachable")


def _ask_once(asked: Asked, until: float | None) -> Asked:
    wanted, kubectl = asked.wanted, asked.kubectl
    known = find_request(kubectl, wanted.name)
    if known is not None and known.meta.deleting:
        if until is not None:
            click.echo(f"{plain(wanted.name)} is still being removed: its end is waited for", err=True)
        if until is None or not gone(kubectl, known, until=until):
            what = "the one of this name is still being removed: wait for its end, or take another name"
            return replace(asked, standing=Standing(State.FAILED, "Deleting", what))
        known = None
    if known is not None and not (changes := list(changed(known, wanted.body))):
        return replace(asked, request=known)
    if known is not None:
        told = ", ".join(changes[:SHOWN]) + (f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else "")
        click.echo(f"{plain(wanted.name)} is there already and is changed: {plain(told)}", err=True)
    return replace(asked, request=stored(REQUESTS, kubectl.applied(wanted.body)))


def gone(kubectl: Kubectl, request: ResourceRequest, *, until: float) -> bool:
    """Wait for the end of a request that is being removed; False when time ended before. Raises ClusterError."""
    with closing(followed(kubectl, request, until=until)) as states:
        return any(state is None for state in states)


def await_ready(asked: Asked, view: View, *, until: float) -> EnvironmentReport:
    """Follow it until there is nothing left to wait for. Its last state is in the report, whatever came of it."""
    assert asked.request is not None  # noqa: S101 - what was not taken is not waited for
    last = asked.request
    try:
        with view, closing(followed(asked.kubectl, last, until=until)) as states:
            for state in states:
                if state is None:
                    return asked.report(last, Standing(State.FAILED, "Deleted", _why_gone(last)))
                last = state
                view.show(snapshot(state))
                standing = judged(asked, state)
                if standing.state is not State.PENDING:
                    return asked.report(state, standing)
    except ClusterError as error:
        return asked.report(last, Standing(State.FAILED, error.cause, error.message))
    return asked.report(last, replace(standing_of(last), state=State.TIMED_OUT))


def judged(asked: Asked, state: ResourceRequest) -> Standing:
    """Where it is, for whoever asked: what somebody else has made of it meanwhile is not what was asked for."""
    standing = standing_of(state)
    if standing.state is State.REMOVING:
        return replace(standing, state=State.FAILED)
    if changes := [path for path in changed(state, asked.wanted.body) if path.split(".")[1] not in OF_NO_ACCOUNT]:
        return Standing(
            State.FAILED, "Changed", f"somebody else has changed it meanwhile: {', '.join(changes[:SHOWN])}"
        )
    return standing


def changed(known: ResourceRequest, body: Mapping[str, Any]) -> Iterator[str]:
    """Where the wanted spec differs from the known one, defaults filled in: `spec.servers[0].count`."""
    wanted = ResourceRequestSpec.model_validate({"requestedBy": known.spec.requested_by, **body["spec"]})
    yield from _differences("spec", _plain(known.spec), _plain(wanted))


def _plain(spec: ResourceRequestSpec) -> Any:
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def _differences(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(f"{path}.{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif before != after:
        yield path


def _why_gone(last: ResourceRequest) -> str:
    end = last.status.expiry_time
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if end is not None and end <= now:
        return f"its time to live ended at {end}, before it was ready"
    return "it was deleted while it was waited for"
