"""`kubectl kunlun abandon NAME --reason R`: let a request go and leave what was built for it where it is.

For a removal that cannot be carried out, such as in a cloud that is gone for good. The API server decides who may,
and writes down who did; the operator records what stays. `kunlun orphans` shows that afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from controllers.api import ABANDON, ABANDONED_BY
from controllers.api.stored import REQUESTS, ResourceRequest
from controllers.cli.clouds import cloud_options
from controllers.cli.kubectl import ClusterError, Kubectl, cluster_options
from controllers.cli.reading import find_request
from controllers.cli.screen import grid, screen
from controllers.cli.text import counted, plain
from infra.errors import KunlunError

Row = tuple[str, str, str]


@click.command(short_help="Give up a request whose removal cannot be carried out.")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is recorded with your name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@cloud_options
@cluster_options
def command(  # noqa: PLR0913 - one parameter for each option
    *, name: str, reason: str, yes: bool, clouds: Path | None, cloud: str, kubectl: Kubectl
) -> None:
    """Delete the ResourceRequest NAME without removing what was built for it.

    What stays is shown first: as the request's status has it, or with --clouds as the cloud lists it now. It
    goes on costing money and has no owner; find it again with `kunlun orphans`. This cannot be taken back.

    You need the verb "abandon" on resourcerequests.kunlun.cloud, and patch and delete: the role kunlun:provider.
    """
    if not reason.strip():
        raise click.BadParameter("must say why; it is recorded with your name", param_hint="--reason")
    request = find_request(kubectl, name)
    if request is None:
        raise ClusterError(f"there is no request named '{plain(name)}' here: is the namespace right?")
    stays = _recorded(request) if clouds is None else _listed(request, clouds, cloud)
    screen().print(grid(("KIND", "NAME", "ID"), stays))
    question = f"Give up request {name} and leave {counted(len(stays), 'object')} in OpenStack?"
    if not yes:
        click.confirm(question, abort=True, err=True)
    person = give_up(kubectl, request, reason)
    click.echo(
        f"request {name} is given up by {plain(person)}; what stays in OpenStack "
        f"({counted(len(stays), 'object')}) is shown by `kunlun orphans`"
    )


def give_up(kubectl: Kubectl, request: ResourceRequest, reason: str) -> str:
    """Mark this very request, then delete it. Returns the name that the API server wrote. Raises ClusterError."""
    annotations = {ABANDON: reason.strip(), ABANDONED_BY: None}
    change = {"metadata": {"uid": request.meta.uid, "annotations": annotations}}
    marked = kubectl.patch(REQUESTS, request.meta.name, change)
    person = marked["metadata"].get("annotations", {}).get(ABANDONED_BY)
    if person is None:  # then the operator would take the deletion for a usual one, and remove everything
        raise ClusterError("the API server did not write your name: are Kunlun's admission policies installed?")
    if not request.meta.deleting:
        _delete(kubectl, request.meta.name)
    return str(person)


def _delete(kubectl: Kubectl, name: str) -> None:
    """A mark that stays would turn the department's own deletion, months later, into giving up: say so."""
    try:
        kubectl.delete(REQUESTS, name)
    except ClusterError as error:
        raise ClusterError(
            f"request {name} is marked as given up, but was not deleted: {error.message}\n"
            "Whoever deletes it now leaves everything in OpenStack. Run the same command again, or take the "
            "mark back:\n"
            f"kubectl annotate resourcerequests.kunlun.cloud {name}{kubectl.shown} {ABANDON}- {ABANDONED_BY}-"
        ) from error


def _recorded(request: ResourceRequest) -> Sequence[Row]:
    return [(item.kind.value, item.name, item.id) for item in request.status.resources]


def _listed(request: ResourceRequest, clouds_yaml: Path, cloud: str) -> Sequence[Row]:
    """As the cloud lists it now; as the status has it when the cloud does not answer."""
    if request.status.project is None:
        return _recorded(request)
    try:
        return asyncio.run(_ask(request.status.project, request.meta.uid, clouds_yaml, cloud))
    except KunlunError as error:
        click.echo(f"the cloud cannot be asked, this is what the status has: {plain(error.message)}", err=True)
        return _recorded(request)


async def _ask(project: str, uid: str, clouds_yaml: Path, cloud: str) -> Sequence[Row]:
    from infra.cloud import Clouds
    from infra.provider.observe import observe

    clouds = Clouds(cloud, clouds_yaml)
    try:
        observed = await observe(clouds.project(project), uid)
    finally:
        clouds.close()
    return [(found.kind.value, found.name, found.id) for found in observed.objects]
