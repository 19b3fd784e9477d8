"""Puts the operator together: the one place that knows which implementation stands behind each part."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from functools import partial

from controllers.api.times import utc_now
from controllers.cache import Cache
from controllers.cluster import Access, Cluster, access_from_kubeconfig, access_from_service_account
from controllers.cutover.parts import CutoverParts
from controllers.cutover.playbook import PlaybookRunner
from controllers.holder import Holder
from controllers.lease import Lease
from controllers.measures import Measures
from controllers.operator import Operator
from controllers.playbooks.reach import GuestAccess
from controllers.playbooks.runs import Runs
from controllers.request.configurator import AnsibleConfigurator
from controllers.request.surveys import Surveys
from controllers.settings import Settings
from infra.cloud import Clouds, Limits
from infra.engine import Engine, EngineSettings
from policies.stages import STAGES_FILE, load_stages

CUTOVERS_AT_ONCE = 32  # each is a process that mostly waits


@contextlib.asynccontextmanager
async def candidacy(settings: Settings, measures: Measures) -> AsyncIterator[Lease]:
    """The Lease, not held yet. Its connection is its own: whatever hangs, renewing does not wait behind it."""
    async with Cluster(partial(_access, settings), measures=measures.cluster) as cluster:
        yield Lease(cluster, settings.lease, Holder.of_this_process())


@contextlib.asynccontextmanager
async def assembled(
    settings: Settings, lease: Lease, measures: Measures, *, monotonic: Callable[[], float]
) -> AsyncIterator[Operator]:
    """An operator that is not running yet; its connections are closed at the end.

    The Lease MUST have been acquired just now: what an earlier leader has sent may take effect for a while from here.
    """
    clouds = Clouds(
        settings.cloud,
        settings.clouds_yaml,
        limits=Limits(deadline_seconds=settings.call_deadline_seconds),
        before_change=lease.ensure_valid,
        measures=measures.cloud,
    )
    engine_settings = EngineSettings(
        pulumi=settings.pulumi, state=settings.state / "engine", processes=(os.cpu_count() or 1) + 1
    )
    try:
        access, find_access = _guest_access(settings), partial(_access, settings)
        async with Cluster(find_access, before_change=lease.ensure_valid, measures=measures.cluster) as cluster:
            parts = CutoverParts(
                cluster=cluster,
                cache=Cache(),
                clouds=clouds,
                engine=Engine(engine_settings, clouds, measures=measures.engine),
                surveys=Surveys(clouds),
                configurator=AnsibleConfigurator(settings.state / "guests", access),
                runner=PlaybookRunner(_cutover_runs(settings), access, settings.cutover_hooks),
                procedure=load_stages(settings.stages or STAGES_FILE),
                settings=settings,
                now=utc_now,
                monotonic=monotonic,
                started=monotonic(),
                measures=measures,
            )
            yield Operator(parts, settings.state / "ready")
    finally:
        clouds.close()


def _cutover_runs(settings: Settings) -> Runs:
    return Runs(settings.state / "cutovers", CUTOVERS_AT_ONCE)


def _guest_access(settings: Settings) -> GuestAccess:
    return GuestAccess(
        key=settings.ssh_key,
        host_keys=settings.host_keys,
        user=settings.ssh_user,
        proxy=settings.ssh_proxy,
        source_proxy=settings.source_proxy,
        deadline_seconds=settings.playbook_deadline_seconds,
        runs=settings.playbooks_at_once,
    )


def _access(settings: Settings) -> Access:
    if settings.kubeconfig is not None:
        return access_from_kubeconfig(settings.kubeconfig)
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    return access_from_service_account(f"https://{host}:{port}")
