"""`kunlun get [NAME...]`: environments as they are now, for people, programs, shells and test reports."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from controllers.api.stored import REQUESTS, ResourceRequest, stored
from controllers.cli.environment import Environments, report_of, standing_of
from controllers.cli.kubectl import ClusterError, Kubectl, cluster_options
from controllers.cli.outputs import Destination, one_environment_for_variables, outputs_option, write_outputs
from controllers.cli.reading import find_request
from controllers.cli.text import plain
from infra.errors import KunlunError


def schema() -> str:
    """The JSON schema of the output `json`; docs/ci/environments.schema.json is this text."""
    document = Environments.model_json_schema(by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **document}, indent=2) + "\n"


def _print_schema(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(schema(), nl=False)
        context.exit()


@click.command(short_help="Show environments: for people, programs, shells and test reports.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema, help="The schema of `json`."
)
@outputs_option
@cluster_options
def command(names: tuple[str, ...], outputs: tuple[Destination, ...], kubectl: Kubectl) -> None:
    """Show the environments NAME, or all of the namespace, as they are now.

    \b
    Exit code
      0    shown, whatever their state is
      1    one of the names is not there, or may not be read
      2    usage
    """
    requests = list(_named(kubectl, names) if names else _all(kubectl))
    one_environment_for_variables(outputs, len(requests))
    write_outputs([report_of(request, standing_of(request)) for request in requests], outputs)


def _named(kubectl: Kubectl, names: tuple[str, ...]) -> Iterator[ResourceRequest]:
    for name in names:
        request = find_request(kubectl, name)
        if request is None:
            raise ClusterError(f"there is no environment named '{name}' here: is the namespace right?")
        yield request


def _all(kubectl: Kubectl) -> Iterator[ResourceRequest]:
    for document in kubectl.listed(REQUESTS):
        try:
            yield stored(REQUESTS, document)
        except KunlunError as error:
            click.echo(f"{plain(document['metadata']['name'])} cannot be read: {plain(error.message)}", err=True)
