"""`kunlun sandbox`: a whole cloud on this machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

import policies
from infra.sandbox.guests.inside import argv_in, ensure_address, environ_in, host_named, hosts
from infra.sandbox.guests.places import places_of, proxy_of, source_proxy_of
from infra.sandbox.health import sandbox_health
from infra.sandbox.layout import Layout, cache_folder
from infra.sandbox.packages import ensure_root
from infra.sandbox.ports import Ports
from infra.sandbox.record import Record
from infra.sandbox.sandbox import (
    Wishes,
    down,
    end_desktops,
    keep_guests,
    release_guests,
    serve_desktops,
    up,
    wipe,
)

ZONES = Path(policies.__file__).parent / "zones.yaml"
MANIFESTS = Path(__file__).parents[2] / "infra" / "kubernetes"
DEFAULT_FOLDER = ".sandbox"
TRIAL_DAY_SECONDS = 1  # of cutovers: thirty days in half a minute

folder_option = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="State folder; else $KUNLUN_SANDBOX, else ./.sandbox."
)
operator_option = click.option("--no-operator", is_flag=True, help="Leave the operator to `kunlun run`.")
cinder_option = click.option("--cinder", is_flag=True, help="With block storage (slower; stays on for this folder).")

guests_option = click.option(
    "--guests", is_flag=True, help="Servers get bodies: packets and SSH are real (stays on for this folder)."
)


@click.group()
def command() -> None:
    """A whole cloud on this machine: control plane, OpenStack, zones, personas. Needs root."""


@command.command(name="up")
@folder_option
@operator_option
@cinder_option
@guests_option
def up_command(folder: Path | None, no_operator: bool, cinder: bool, guests: bool) -> None:
    """Start the sandbox; does nothing twice, and repairs what died."""
    layout = layout_from(folder)
    tell_where(layout, up(layout, wishes_from(no_operator, cinder, guests), progress()))


@command.command(name="down")
@folder_option
@click.option("--wipe", "forget", is_flag=True, help="Also remove the state folder.")
def down_command(folder: Path | None, forget: bool) -> None:
    """End the sandbox; its state stays unless --wipe."""
    layout = layout_from(folder)
    (wipe if forget else down)(layout, cache_folder(os.environ), progress())


@command.command(name="reset")
@folder_option
@operator_option
@cinder_option
@guests_option
def reset_command(folder: Path | None, no_operator: bool, cinder: bool, guests: bool) -> None:
    """End the sandbox, forget everything, start a new one."""
    layout, say = layout_from(folder), progress()
    wipe(layout, cache_folder(os.environ), say)
    tell_where(layout, up(layout, wishes_from(no_operator, cinder, guests), say))


@command.command(name="status")
@folder_option
@click.pass_context
def status_command(context: click.Context, folder: Path | None) -> None:
    """Show every program; exit code 1 unless all of them work."""
    found = sandbox_health(layout_from(folder))
    if not found:
        click.echo("no sandbox here; `kunlun sandbox up` starts one")
    for each in found:
        state = "works" if each.works else "DOES NOT ANSWER" if each.pid else "DOES NOT RUN"
        click.echo(f"{each.program:24} {each.pid or '-':>8} {each.port or '-':>6} {each.memory_mib:8.1f} MiB  {state}")
    if found:
        click.echo(f"{'total':24} {'':8} {'':6} {sum(each.memory_mib for each in found):8.1f} MiB")
        show_hosts(layout_from(folder))
    context.exit(0 if found and all(each.works for each in found) else 1)


@command.command(name="guest")
@folder_option
@click.option("--once", is_flag=True, help="One look at the cloud, here and now, instead of the background process.")
@click.option("--off", is_flag=True, help="End all guests and outside hosts; their disks stay.")
@click.option("--exec", "name", metavar="HOST", help="Run a command in a guest (name or server id) or outside host.")
@click.option("--address", help="With --exec: give the outside host this address first, to call from.")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD...]")
@click.pass_context
def guest_command(context: click.Context, /, folder: Path | None, argv: tuple[str, ...], **chosen: Any) -> None:
    """Give every running server a body: a namespace at its port, with a root, a hostname and SSH of its own.

    A background process follows the cloud from now on: servers that are built, stopped, rebuilt, renamed or
    deleted. Beyond each zone's uplink stands an outside host, `outside-<zone>`. Prints what there is.

    \b
      kunlun sandbox guest --exec permit-portal-web-0 -- hostname
      kunlun sandbox guest --exec outside-extranet --address 10.10.200.7 -- curl --interface 10.10.200.7 http://10.10.1.4
      ssh -i .sandbox/guests/ssh_key root@ADDRESS      # from inside a namespace that may reach it
    """
    layout = layout_from(folder)
    if chosen["name"]:
        context.exit(execute(layout, chosen["name"], argv, chosen["address"]))
    if argv:
        raise click.UsageError("a command needs --exec HOST before it")
    if chosen["off"]:
        release_guests(layout)
    elif chosen["once"]:
        look_once(layout)
    else:
        keep_guests(layout, os.environ)
    show_hosts(layout)


@command.command(name="desktops")
@folder_option
@click.option("--off", is_flag=True, help="End the broker; guests stay.")
def desktops_command(folder: Path | None, off: bool) -> None:
    """Let browsers to desktops: starts the broker, and guests with it; installs what both need.

    Then `kubectl kunlun desktop open NAME` opens a desktop to whom it belongs.
    """
    layout = layout_from(folder)
    if off:
        end_desktops(layout)
    else:
        serve_desktops(layout, wishes_from(no_operator=False, cinder=False), progress())


def look_once(layout: Layout) -> None:
    """What the background process does again and again. It speaks to OpenStack, so it is imported here only."""
    from infra.sandbox.guests.keeper import keep_once

    ensure_root()
    asyncio.run(keep_once(places_of(layout), progress()))


def execute(layout: Layout, name: str, argv: Sequence[str], address: str | None) -> int:
    """Run a command there, on this terminal; its exit code."""
    ensure_root()
    host = host_named(places_of(layout), name)
    if not argv:
        raise click.UsageError("--exec needs a command, after `--`")
    if address is not None:
        ensure_address(host, address)
    return subprocess.run(argv_in(host, argv), check=False, env=environ_in(host)).returncode


def show_hosts(layout: Layout) -> None:
    """Guests and outside hosts, where they are."""
    for host in hosts(places_of(layout)):
        click.echo(f"{host.name:32} {host.address or '-':>15}  {host.namespace}")


def layout_from(folder: Path | None) -> Layout:
    """The option, else the environment, else a folder where we are."""
    return Layout((folder or Path(os.environ.get("KUNLUN_SANDBOX") or DEFAULT_FOLDER)).expanduser().absolute())


def wishes_from(no_operator: bool, cinder: bool, guests: bool = False) -> Wishes:
    return Wishes(
        zones=ZONES,
        manifests=MANIFESTS,
        cache=cache_folder(os.environ),
        environ=dict(os.environ),
        operator=None if no_operator else operator_argv,
        cinder=cinder,
        guests=guests,
        broker=broker_argv,
    )


def operator_argv(layout: Layout, pulumi: Path) -> list[str]:
    """How the operator is started: this very program, as its own cloud user and service account."""
    words = [sys.executable, "-m", "controllers", "run", "--kubeconfig", layout.operator_kubeconfig]
    words += ["--clouds", layout.clouds, "--cloud", "kunlun", "--state", layout.operator, "--pulumi", pulumi]
    places = places_of(layout)
    words += ["--ssh-key", places.ssh_key, "--host-keys", places.folder, "--ssh-proxy", proxy_of(places)]
    ports = Ports(places.base)
    words += ["--broker-key", places.broker_key.with_suffix(".pub"), "--desktop-url", ports.url("broker")]
    words += ["--metrics-address", f"127.0.0.1:{ports['operator']}"]
    words += ["--source-proxy", source_proxy_of(places), "--trial-day", TRIAL_DAY_SECONDS]
    return [str(word) for word in words]


def broker_argv(layout: Layout, _: Path) -> list[str]:
    """How the broker of desktops is started."""
    places = places_of(layout)
    words = [sys.executable, "-m", "controllers", "broker", "--kubeconfig", layout.broker_kubeconfig]
    words += ["--listen", f"127.0.0.1:{Ports(places.base)['broker']}", "--key", places.broker_key]
    words += ["--host-keys", places.folder, "--ssh-proxy", proxy_of(places), "--state", layout.run / "broker"]
    return [str(word) for word in words]


def progress() -> Callable[[str], None]:
    """Lines on standard error, each with the seconds since the command began."""
    began = time.monotonic()
    return lambda text: click.echo(f"[{time.monotonic() - began:6.1f}] {text}", err=True)


def tell_where(layout: Layout, record: Record) -> None:
    """What a person does next."""
    known = ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in record.starts.items())
    click.echo(f"export KUBECONFIG={layout.kubeconfig}")
    click.echo(f"export OS_CLIENT_CONFIG_FILE={layout.clouds} OS_CLOUD=admin")
    click.echo(f"personas: {layout.users}/<name>.kubeconfig; logs: {layout.logs}; starts so far: {known}")
