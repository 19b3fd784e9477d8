"""Deleting findings on command: by the provider's own kinds, in their order, each told as it ends.

One that fails does not keep the others: whoever commands this reads what is left and commands again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from infra.cloud import Cloud
from infra.errors import KunlunError
from infra.orphans.findings import Finding, TenancyKind
from infra.provider.authority import command_authority
from infra.provider.builder import Builder, Steps
from infra.provider.kinds import REMOVAL_ORDER
from infra.provider.observed import Observed, ObservedObject
from infra.provider.waiting import Patience
from infra.tenancy import delete_project

Tell = Callable[[Finding, KunlunError | None], None]


async def remove(cloud: Cloud, findings: Collection[Finding], patience: Patience, tell: Tell) -> None:
    """Deletes exactly these, objects before shares before projects; `tell` gets each with its error, if any.

    They MUST come from a scan made just now: what is deleted is known by the id and marker seen there.
    """
    builders = _builders(cloud, findings, patience)
    for kind in (*REMOVAL_ORDER, *TenancyKind):
        going = [_told(cloud, finding, builders, tell) for finding in findings if finding.kind == kind]
        await asyncio.gather(*going)


def _builders(cloud: Cloud, findings: Collection[Finding], patience: Patience) -> Mapping[str, Builder]:
    """One for each uid; it can delete the objects found and no other."""
    by_uid: dict[str, list[ObservedObject]] = defaultdict(list)
    for finding in findings:
        if finding.found is not None:
            by_uid[finding.uid].append(finding.found)
    return {
        uid: Builder(
            cloud,
            command_authority(uid, objects),
            Observed(uid, tuple(objects)),
            Steps(len(objects), lambda _: None),
            patience,
        )
        for uid, objects in by_uid.items()
    }


async def _told(cloud: Cloud, finding: Finding, builders: Mapping[str, Builder], tell: Tell) -> None:
    try:
        await _remove(cloud, finding, builders)
    except KunlunError as error:
        tell(finding, error)
    else:
        tell(finding, None)


async def _remove(cloud: Cloud, finding: Finding, builders: Mapping[str, Builder]) -> None:
    if finding.found is not None:
        await builders[finding.uid].delete(finding.found.kind, finding.id, finding.name)
    elif finding.kind is TenancyKind.SHARE:
        await cloud.delete("network", f"/rbac-policies/{finding.id}")
    elif finding.kind is TenancyKind.PROJECT:
        await delete_project(cloud, finding.name, tenant=finding.holder, only=finding.id)
