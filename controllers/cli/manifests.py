"""`kunlun manifests`: write the CustomResourceDefinitions, or say which files no longer match the models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

import infra
from controllers.api.crd import manifests

CRD_DIRECTORY = Path(infra.__file__).parent / "kubernetes" / "crds"


@click.command(short_help="Write the Kubernetes manifests made from the API models.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and name the files that differ.")
def command(check: bool) -> None:
    """Write infra/kubernetes/crds from the models in controllers/api."""
    wanted = manifests()
    drifted = drifted_files(CRD_DIRECTORY, wanted)
    for name in drifted:
        click.echo(name)
    if check:
        raise SystemExit(1 if drifted else 0)
    write_files(CRD_DIRECTORY, wanted)


def drifted_files(directory: Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of files that are missing, differ, or are there without a kind behind them."""
    found = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.yaml")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write_files(directory: Path, wanted: Mapping[str, str]) -> None:
    """Make the directory hold exactly `wanted`; a file that is right already is not touched."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in drifted_files(directory, wanted):
        path = directory / name
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
