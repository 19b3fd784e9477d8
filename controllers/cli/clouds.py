"""Which OpenStack, by clouds.yaml: the options of every command that looks at the cloud itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Result = TypeVar("Result")


def cloud_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """--clouds and --cloud."""
    with_cloud = click.option("--cloud", default="kunlun", show_default=True, help="Entry of clouds.yaml to use.")
    with_clouds = click.option(
        "--clouds",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="clouds.yaml; without it, the places openstacksdk looks in.",
    )
    return with_clouds(with_cloud(command))
