"""`kubectl kunlun desktop`: open one's own desktop in a browser, or ask for a clean one."""

from __future__ import annotations

import hashlib
import secrets
import time
import webbrowser
from collections.abc import Callable

import click

from controllers.api import API_VERSION
from controllers.api.conditions import Condition, Reason
from controllers.api.stored import REQUESTS, SESSIONS, DesktopSession, ResourceRequest, stored
from controllers.cli.kubectl import ClusterError, Document, Kubectl, cluster_options
from controllers.cli.text import plain
from controllers.cli.watch import Duration

POLL_SECONDS = 0.5
ON_ITS_WAY = {Reason.AWAITING_SERVERS}


@click.group(short_help="Open your own desktop in a browser; have one built anew.")
def command() -> None:
    """Cloud desktops: open your own, or have one built anew."""


@command.command("open", short_help="Open your desktop in a browser.")
@click.argument("name")
@click.option("--timeout", type=Duration(), default="3m", show_default=True, help="How long to wait for its start.")
@click.option("--print", "only_print", is_flag=True, help="Print the address instead of starting the browser.")
@cluster_options
def open_desktop(name: str, timeout: float, only_print: bool, kubectl: Kubectl) -> None:
    """Open your desktop of the ResourceRequest NAME; one that was stopped is started first.

    Who you are is taken from your login by the API server. The address opens once, within a minute, for you alone:
    its last part is a secret that only this program has.
    """
    address = opened(kubectl, name, timeout_seconds=timeout)
    if only_print or not webbrowser.open(address):
        click.echo(address)


@command.command("reset", short_help="Ask for a clean desktop.")
@click.argument("name")
@click.argument("desktop")
@cluster_options
def reset_desktop(name: str, desktop: str, kubectl: Kubectl) -> None:
    """Ask that DESKTOP (such as counter-3) of the ResourceRequest NAME be built anew.

    It changes the request, so it makes a new plan; what is on the desktop is lost when that is approved.
    """
    document = kubectl.find(REQUESTS, name)
    if document is None:
        raise ClusterError(f"there is no request named '{plain(name)}' here: is the namespace right?")
    change = {"metadata": {"uid": document["metadata"]["uid"]}, "spec": {"desktops": with_reset(document, desktop)}}
    kubectl.patch(REQUESTS, name, change)
    click.echo(f"asked for: {plain(desktop)} of request {plain(name)} is built anew when the new plan is approved")


def with_reset(document: Document, desktop: str) -> list[Document]:
    """The request's desktops as they were written, with one more reset of this one. Raises ClusterError."""
    request: ResourceRequest = stored(REQUESTS, document)
    entry, _, number = desktop.rpartition("-")
    known = next((one for one in request.spec.desktops if one.name == entry), None)
    if known is None or not number.isdecimal() or int(number) >= known.count:
        raise ClusterError(f"request '{request.meta.name}' has no desktop '{plain(desktop)}'")
    times = {one.number: one.times for one in known.resets}
    times[int(number)] = times.get(int(number), 0) + 1
    resets = [{"number": place, "times": count} for place, count in sorted(times.items())]
    return [
        {**written, "resets": resets} if written["name"] == entry else written
        for written in document["spec"]["desktops"]
    ]


def opened(kubectl: Kubectl, name: str, *, timeout_seconds: float, sleep: Callable[[float], None] = time.sleep) -> str:
    """A session of one's own, waited for; returns the address. Raises ClusterError with what stands in the way."""
    secret = secrets.token_urlsafe(32)
    document = kubectl.create(session_document(name, secret))
    own, until = document["metadata"]["name"], time.monotonic() + timeout_seconds
    told = ""
    while time.monotonic() < until:
        found = kubectl.find(SESSIONS, own)
        if found is None:
            raise ClusterError("the session is gone")
        session = stored(SESSIONS, found)
        ready = _ready(session)
        if ready is not None and ready.status == "True" and session.status.url:
            return f"{session.status.url}#{secret}"
        if ready is not None and ready.reason not in ON_ITS_WAY:
            raise ClusterError(f"{ready.reason}: {ready.message}")
        if ready is not None and ready.message != told:
            told = ready.message
            click.echo(plain(told), err=True)
        sleep(POLL_SECONDS)
    raise ClusterError(f"not ready after {timeout_seconds:.0f} seconds: {told or 'no answer from the operator'}")


def session_document(name: str, secret: str) -> Document:
    """The object to create; the user is left to the API server."""
    return {
        "apiVersion": API_VERSION,
        "kind": SESSIONS.name,
        "metadata": {"generateName": f"{name}-"},
        "spec": {"request": name, "key": hashlib.sha256(secret.encode()).hexdigest()},
    }


def _ready(session: DesktopSession) -> Condition | None:
    return next((item for item in session.status.conditions if item.type == "Ready"), None)
