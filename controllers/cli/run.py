"""`kunlun run`: the operator."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click
import structlog

from controllers.settings import Settings


@click.command(short_help="Run the operator.")
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="KUBECONFIG",
    help="How to reach the Kubernetes API; without it, the pod's service account is used.",
)
@click.option(
    "--clouds",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="clouds.yaml; without it, the places openstacksdk looks in.",
)
@click.option("--cloud", default="kunlun", show_default=True, help="Entry of clouds.yaml to use.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("state"),
    show_default=True,
    help="Folder for the engine's state. It is a cache: losing it costs one pass.",
)
@click.option(
    "--pulumi",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The pulumi program; without it, the one on PATH.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="How many objects are worked on at once.",
)
@click.option(
    "--observe-interval",
    type=click.FloatRange(1),
    default=300.0,
    show_default=True,
    help="Seconds between two looks at what exists.",
)
@click.option(
    "--call-deadline",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds in which OpenStack has to answer a call; then it is looked up whether it took effect.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning"]), default="info", show_default=True)
def command(log_level: str, **options: object) -> None:
    """Run the operator until it is told to stop (SIGTERM or ^C)."""
    _log_events(log_level)
    settings = _settings(**options)  # type: ignore[arg-type]
    settings.state.mkdir(parents=True, exist_ok=True)
    if settings.kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(settings.kubeconfig)  # Kopf's own login reads it
    with _only_one(settings.state), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(settings))


@contextlib.contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Two operators would build everything twice; the kernel frees the lock with the process, however it ends."""
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise click.ClickException(f"another operator is using the state folder {state}") from error
        yield


def _settings(  # noqa: PLR0913
    *,
    kubeconfig: Path | None,
    clouds: Path | None,
    cloud: str,
    state: Path,
    pulumi: Path | None,
    workers: int,
    observe_interval: float,
    call_deadline: float,
) -> Settings:
    return Settings(
        cloud=cloud,
        clouds_yaml=clouds,
        kubeconfig=kubeconfig,
        pulumi=pulumi or _pulumi_on_path(),
        state=state.resolve(),
        workers=workers,
        observe_interval_seconds=observe_interval,
        call_deadline_seconds=call_deadline,
    )


def _pulumi_on_path() -> Path:
    import shutil

    found = shutil.which("pulumi")
    if found is None:
        raise click.UsageError("there is no `pulumi` on PATH; give its place with --pulumi")
    return Path(found)


def _log_events(level: str) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")


async def _run(settings: Settings) -> None:
    from controllers.assembly import assembled
    from controllers.operator import run

    async with assembled(settings, monotonic=time.monotonic) as operator:
        await run(operator)
