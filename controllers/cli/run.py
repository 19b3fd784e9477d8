"""`kunlun run`: the operator."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click
import structlog
import yaml
from pydantic import ValidationError

from controllers.api.findings import findings_of
from controllers.cli.addresses import ListenAddress
from controllers.cli.clouds import cloud_options
from controllers.cli.guests import guest_options, guest_settings
from controllers.cli.logs import Form, log_events
from controllers.settings import Settings

if TYPE_CHECKING:
    from controllers.lease import Lease
    from controllers.vitals import Vitals

FOLDER_POLL_SECONDS = 0.5


@click.command(short_help="Run the operator.")
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="KUBECONFIG",
    help="How to reach the Kubernetes API; without it, the pod's service account is used.",
)
@cloud_options
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("state"),
    show_default=True,
    help="Folder for the engine's state. It is a cache: losing it costs one pass. Each operator needs its own: "
    "one that finds it in use waits for the folder, and cannot take over the Lease.",
)
@click.option(
    "--pulumi",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The pulumi program; without it, the one on PATH.",
)
@click.option(
    "--stages",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=lambda *given: _procedure(given[-1]),
    help="Which stages a plan needs, in the form of policies/stages.yaml; without it, that of this release.",
)
@click.option(
    "--lease",
    default="kunlun-system/kunlun-operator",
    show_default=True,
    metavar="NAMESPACE/NAME",
    callback=lambda *given: _lease_name(given[-1]),
    help="The Lease that says which operator works; the others stand by. The shipped Role covers the namespace "
    "kunlun-system only: for another, grant get, create, update and patch on leases there.",
)
@click.option(
    "--observe-interval",
    type=click.FloatRange(1),
    default=300.0,
    show_default=True,
    help="Seconds between two looks at what exists.",
)
@guest_options
@click.option(
    "--call-deadline",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds in which OpenStack has to answer a call; then it is looked up whether it took effect.",
)
@click.option(
    "--desktop-url",
    default="https://desktops.invalid",
    metavar="URL",
    help="Where browsers find the broker of desktops; see `kunlun broker`.",
)
@click.option(
    "--metrics-address",
    type=ListenAddress(),
    help="Where to serve Prometheus metrics (/metrics) and the probes (/livez, /readyz); without it, nowhere.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning"]), default="info", show_default=True)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "logfmt", "json"]),
    default="logfmt",
    show_default=True,
    help="One event a line: key=value, or JSON; auto is JSON unless standard error is a terminal.",
)
def command(log_level: str, log_format: Form, **options: object) -> None:
    """Run the operator until it is told to stop (SIGTERM or ^C).

    It works while it holds the Lease, and stands by while another operator does. One that has lost it begins anew.
    """
    log_events(log_level, log_format)
    settings = _settings(**options)  # type: ignore[arg-type]
    settings.state.mkdir(parents=True, exist_ok=True)
    asyncio.run(_run(settings))


def _settings(  # noqa: PLR0913
    *,
    kubeconfig: Path | None,
    clouds: Path | None,
    cloud: str,
    state: Path,
    pulumi: Path | None,
    stages: Path | None,
    lease: tuple[str, str],
    observe_interval: float,
    call_deadline: float,
    desktop_url: str,
    metrics_address: tuple[str, int] | None,
    **guests: Any,
) -> Settings:
    return Settings(
        cloud=cloud,
        clouds_yaml=clouds,
        kubeconfig=kubeconfig,
        pulumi=pulumi or _pulumi_on_path(),
        state=state.resolve(),
        stages=stages,
        lease=lease,
        observe_interval_seconds=observe_interval,
        call_deadline_seconds=call_deadline,
        desktop_url=desktop_url.rstrip("/"),
        metrics_address=metrics_address,
        **guest_settings(**guests),
    )


def _procedure(path: Path | None) -> Path | None:
    """A file that cannot be followed is refused before anything starts."""
    from policies.stages import load_stages

    try:
        if path is not None:
            load_stages(path)
    except (ValidationError, yaml.YAMLError) as error:
        problems = (
            "; ".join(map(str, findings_of(error, "stages"))) if isinstance(error, ValidationError) else str(error)
        )
        raise click.BadParameter(f"{path}: {problems}") from error
    return path


def _lease_name(text: str) -> tuple[str, str]:
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name):
        raise click.BadParameter("it must be NAMESPACE/NAME")
    return namespace, name


def _pulumi_on_path() -> Path:
    import shutil

    found = shutil.which("pulumi")
    if found is None:
        raise click.UsageError("there is no `pulumi` on PATH; give its place with --pulumi")
    return Path(found)


async def _run(settings: Settings) -> None:
    from controllers.assembly import assembled, candidacy
    from controllers.leading import lead
    from controllers.lease import LeaseLost
    from controllers.vitals import Vitals

    vitals = Vitals()
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    async with contextlib.AsyncExitStack() as stack:
        await _serve(settings.metrics_address, vitals, stack)
        vitals.lease = lease = await stack.enter_async_context(candidacy(settings, vitals.measures))
        if not await _leads(_become_leader(settings.state, lease, vitals, stack), told_to_end):
            await lease.release()  # it may have become ours at the same moment
            return
        async with assembled(settings, lease, vitals.measures, monotonic=time.monotonic) as operator:
            vitals.operator = operator
            try:
                await lead(operator, lease, told_to_end=told_to_end)
            except LeaseLost:
                if told_to_end.is_set():
                    structlog.get_logger(__name__).error("the lease is lost; ending at once")
                    os._exit(0)
                structlog.get_logger(__name__).error("the lease is lost; beginning anew, to stand by")
                _begin_anew()


def _begin_anew() -> NoReturn:
    """The same process with nothing of what it was: threads in calls that are not ours to make any more end with it.

    Its files and connections close, so the state folder is free, and nobody has to start it again.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):  # engines that were killed; nobody else would reap them
            pass
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


async def _leads(becoming: Coroutine[Any, Any, None], told_to_end: asyncio.Event) -> bool:
    """Whether we lead now; False when we were told to end while standing by."""
    tasks = {asyncio.create_task(becoming), asyncio.create_task(told_to_end.wait())}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return not any(task.result() for task in done)


async def _serve(address: tuple[str, int] | None, vitals: Vitals, stack: contextlib.AsyncExitStack) -> None:
    from controllers.probes import serving

    try:
        await stack.enter_async_context(serving(address, vitals))
    except OSError as error:
        raise click.ClickException(f"--metrics-address cannot be listened on: {error.strerror}") from error


async def _become_leader(state: Path, lease: Lease, vitals: Vitals, stack: contextlib.AsyncExitStack) -> None:
    """The folder first: who cannot have it must not keep the Lease from one who could work."""
    stack.enter_context(await _sole_use(state))
    (state / "ready").unlink(missing_ok=True)  # a killed operator's
    vitals.candidate = True
    await lease.acquire()


async def _sole_use(state: Path) -> IO[str]:
    """The folder is ours until the file is closed; the kernel frees it with the process, however it ends.

    A second operator over the same folder stands by like any other: a supervisor that starts one too many should not
    see it fail again and again, and it is there when the first one goes.
    """
    lock, told = (state / "lock").open("a"), False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                structlog.get_logger(__name__).info("standing by", because=f"another operator uses {state}")
            told = True
            await asyncio.sleep(FOLDER_POLL_SECONDS)
        else:
            return lock
