"""A cloud that rejects, has no more, or cannot build: said, waited for, and gone on with when it is put right."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.cloud import Cloud, Clouds
from infra.stackplan import Kind
from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Sandbox, a_server, a_story, eventually, leftovers, objects, project_of

TOKEN_RESOLUTION_SECONDS = 1.0  # when a token was issued is kept in whole seconds
FREED_SECONDS = 90.0
SOON_SECONDS = 30.0  # it would rest for a minute


def test_a_rotated_password_is_used_without_a_restart(sandbox: Sandbox, operator: OperatorControl) -> None:
    """Changed in Keystone, which revokes every token; a few seconds after clouds.yaml is replaced, all goes on.

    Services believe a token that they have seen for some minutes more. So the operator begins here without any.
    """
    operator.kill()
    operator.start()
    with a_story(sandbox, "rotated") as story:
        story.apply()
        story.planned()
        with another_password(sandbox) as write_it:
            story.approve()
            told = story.reaches("Provisioned", "CredentialsRejected")
            write_it()
            assert eventually(lambda: story.condition("Provisioned")[1] != "CredentialsRejected", SOON_SECONDS)
            story.ready()
        assert [] == story.unplanned()

    assert "refused the login" in told


def test_used_up_quota_is_explained_and_gone_on_with_when_it_is_raised(sandbox: Sandbox) -> None:
    """Each item with what is needed and what is left; nothing is built twice in between."""
    project = project_of(sandbox)
    before = leftovers(sandbox, project)
    with a_story(sandbox, "quota") as story:
        with a_quota(sandbox, project, cores=1):
            story.apply(servers=[a_server(flavor="c1.large")])
            story.approve()
            told = story.reaches("Provisioned", "QuotaExceeded")
        story.ready(FREED_SECONDS)
        assert [] == story.unplanned()

    assert "quota of project civil-affairs-extranet: needs 4 cores, 1 left" in told
    assert before == leftovers(sandbox, project)


def test_want_of_hosts_is_explained_and_gone_on_with_when_there_is_one(sandbox: Sandbox) -> None:
    """Nova puts the server into ERROR; it is built anew on its port when a host takes it."""
    project = project_of(sandbox)
    before = leftovers(sandbox, project)
    with a_story(sandbox, "no-host") as story:
        with no_host(sandbox):
            story.apply()
            story.approve()
            told = story.reaches("Provisioned", "QuotaExceeded")
            port = port_of(sandbox, project, story.uid())
        story.ready(FREED_SECONDS)
        assert [] == story.unplanned()
        assert port == port_of(sandbox, project, story.uid())

    assert "No valid host was found" in told
    assert "no host takes new servers" in told
    assert before == leftovers(sandbox, project)


def port_of(sandbox: Sandbox, project: str, uid: str) -> str:
    return next(found.id for found in objects(sandbox, project, uid).objects if found.kind is Kind.PORT)


def as_administrator(sandbox: Sandbox, work: Callable[[Cloud], Any]) -> Any:
    """Runs `work` with OpenStack's administrator."""

    async def done() -> Any:
        clouds = Clouds("admin", sandbox.home / "clouds.yaml")
        try:
            return await work(clouds.admin())
        finally:
            clouds.close()

    return asyncio.run(done())


@contextmanager
def another_password(sandbox: Sandbox) -> Iterator[Callable[[], None]]:
    """The operator's user has another password in Keystone; what is given writes it into clouds.yaml, too."""
    file = sandbox.home / "clouds.yaml"
    known = file.read_text()
    content = json.loads(known)
    auth = content["clouds"]["kunlun"]["auth"]
    old, auth["password"] = auth["password"], secrets.token_hex(8)
    change_password(sandbox, auth["username"], old, auth["password"])
    try:
        yield lambda: swap(file, json.dumps(content))
    finally:
        change_password(sandbox, auth["username"], auth["password"], old)
        swap(file, known)


def change_password(sandbox: Sandbox, user: str, old: str, new: str) -> None:
    """As the user does it; Keystone revokes all tokens, also those of the second in which it happened."""

    async def work(cloud: Cloud) -> None:
        found = await cloud.list("identity", "/users", {"name": user})
        body = {"user": {"original_password": old, "password": new}}
        await cloud.post("identity", f"/users/{found[0]['id']}/password", body)

    as_administrator(sandbox, work)
    time.sleep(TOKEN_RESOLUTION_SECONDS)


def swap(file: Path, content: str) -> None:
    """From one moment to the next, as Kubernetes does."""
    fresh = file.with_suffix(".new")
    fresh.write_text(content)
    fresh.replace(file)


@contextmanager
def a_quota(sandbox: Sandbox, project: str, *, cores: int) -> Iterator[None]:
    """Nova's quota of cores, as it was afterwards."""

    async def put(cloud: Cloud, amount: int) -> None:
        await cloud.put("compute", f"/os-quota-sets/{project}", {"quota_set": {"cores": amount, "force": True}})

    async def get(cloud: Cloud) -> int:
        return int((await cloud.get("compute", f"/os-quota-sets/{project}"))["quota_set"]["cores"])

    before = as_administrator(sandbox, get)
    as_administrator(sandbox, lambda cloud: put(cloud, cores))
    try:
        yield
    finally:
        as_administrator(sandbox, lambda cloud: put(cloud, before))


@contextmanager
def no_host(sandbox: Sandbox) -> Iterator[None]:
    """No compute service takes new servers."""

    async def turn(cloud: Cloud, verb: str) -> None:
        query = {"binary": "nova-compute"}
        for service in (await cloud.get("compute", "/os-services", query))["services"]:
            body = {"host": service["host"], "binary": service["binary"]}
            await cloud.put("compute", f"/os-services/{verb}", body)

    as_administrator(sandbox, lambda cloud: turn(cloud, "disable"))
    try:
        yield
    finally:
        as_administrator(sandbox, lambda cloud: turn(cloud, "enable"))
