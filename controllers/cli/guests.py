"""How guests are reached, as options of a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from controllers.request.pins import public_key

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--ssh-key",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Private key that guests let in. Read at every run, so a mounted Secret may be renewed.",
    ),
    click.option(
        "--host-keys",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder with the host key of every server, SERVER-ID/host_key.pub: without one a guest is not trusted.",
    ),
    click.option("--ssh-user", default="root", show_default=True, help="Who logs in; others than root use sudo."),
    click.option(
        "--ssh-proxy",
        default="",
        metavar="COMMAND",
        help="How a zone's management network is entered, as ssh's ProxyCommand: {zone}, {gateway} (the address of the "
        "guest's router there), %h and %p are filled in. Without it guests are called directly.",
    ),
    click.option(
        "--source-proxy",
        default="",
        metavar="COMMAND",
        help="How the hosts of a cutover's source that are outside the cloud are entered, as ssh's ProxyCommand: "
        "{zone} (the target's), %h and %p are filled in. Without it they are called directly.",
    ),
    click.option(
        "--broker-key",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Public SSH key of the broker: what desktops let in, to show their screen and nothing else.",
    ),
    click.option(
        "--playbook-deadline",
        type=click.FloatRange(min=1),
        default=1800.0,
        show_default=True,
        help="Seconds a playbook may take.",
    ),
    click.option(
        "--cutover-hooks",
        type=click.Path(file_okay=False, exists=True, path_type=Path),
        help="Folder with the departments' own tasks for cutovers, NAME.yml.",
    ),
    click.option(
        "--trial-day",
        type=click.FloatRange(min=1, max=86_400),
        default=86_400.0,
        metavar="SECONDS",
        help="How long a day of a cutover's trial is. For sandboxes: reports count real days, so nobody signs a trial "
        "of minutes without seeing it. How long an original is kept has no such option.",
    ),
)


def guest_options(command: Command) -> Command:
    """The options in the order above."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def guest_settings(  # noqa: PLR0913 - one parameter for each option
    *,
    ssh_key: Path | None,
    host_keys: Path | None,
    ssh_user: str,
    ssh_proxy: str,
    source_proxy: str,
    broker_key: Path | None,
    playbook_deadline: float,
    cutover_hooks: Path | None,
    trial_day: float,
) -> dict[str, Any]:
    """The fields of `Settings` that the options are."""
    return {
        "ssh_key": ssh_key.resolve() if ssh_key else None,
        "host_keys": host_keys.resolve() if host_keys else None,
        "ssh_user": ssh_user,
        "ssh_proxy": ssh_proxy,
        "source_proxy": source_proxy,
        "broker_key": _key_of_broker(broker_key) if broker_key else "",
        "playbook_deadline_seconds": playbook_deadline,
        "cutover_hooks": str(cutover_hooks.resolve()) if cutover_hooks else "",
        "trial_day_seconds": trial_day,
    }


def _key_of_broker(file: Path) -> str:
    try:
        return public_key(file)
    except (OSError, ValueError) as error:
        raise click.BadParameter(
            f"'{file}' is no public key of OpenSSH's: {error}", param_hint="--broker-key"
        ) from None
