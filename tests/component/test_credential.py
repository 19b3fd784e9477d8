"""A rotated credential is used without a restart, and a broken file harms nobody while the old one is good."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.cloud import Clouds
from infra.errors import CredentialsRejected
from tests.component.cloud_api import Api, answer, entry, write_entry


def only(password: str) -> Any:
    """Keystone that knows one password."""
    return lambda identity: identity.get("password", {}).get("user", {}).get("password") == password


def swap(file: Path, content: str) -> None:
    """As Kubernetes does it: the name leads to another file from one moment to the next."""
    folder = file.parent
    fresh = folder / f"..data-{len([*folder.iterdir()])}"
    fresh.write_text(content)
    link = folder / "..new"
    link.symlink_to(fresh)
    link.replace(file)


async def test_a_changed_password_is_used_by_clouds_handed_out_before(api: Api, clouds: Clouds, tmp_path: Path) -> None:
    """A long pass holds one while the password changes and all its tokens are revoked."""
    cloud = clouds.project("p1")
    await cloud.get("network", "ports")
    api.accepted = only("new")
    api.handler = tokens_since(api.tokens)
    with pytest.raises(CredentialsRejected):
        await cloud.get("network", "ports")
    swap(tmp_path / "clouds.yaml", entry(api, password="new"))

    assert {"ok": True} == await cloud.get("network", "ports")
    assert {"ok": True} == await clouds.project("p2").get("network", "ports")


def tokens_since(number: int) -> Any:
    """Tokens given out before are revoked."""

    async def handler(request: web.Request) -> web.Response:
        fresh = int(request.headers["X-Auth-Token"].rsplit("-", 1)[1]) > number
        return web.json_response({"ok": fresh}, status=200 if fresh else 401)

    return handler


async def test_calls_that_meet_a_revoked_token_at_once_are_all_repeated(api: Api, clouds: Clouds) -> None:
    """keystoneauth repeats only the one that renews the token."""
    cloud = clouds.project("p1")
    await cloud.get("network", "ports")
    api.handler = tokens_since(api.tokens)
    answers = await asyncio.gather(*(cloud.get("network", "ports") for _ in range(16)))

    assert [{"ok": True}] * 16 == answers


async def test_a_new_application_credential_takes_the_place_of_a_password(
    api: Api, clouds: Clouds, tmp_path: Path
) -> None:
    """The kind of credential may change, too."""
    await clouds.admin().get("network", "ports")
    api.accepted = lambda identity: ["application_credential"] == identity["methods"]
    auth = {"auth_url": f"{api.address}/identity/v3"}
    auth |= {"application_credential_id": "a1", "application_credential_secret": "canary"}
    login = {"auth_type": "v3applicationcredential", "auth": auth, "region_name": "R1"}
    swap(tmp_path / "clouds.yaml", json.dumps({"clouds": {"c": login}}))
    api.handler = tokens_since(api.tokens)

    assert {"ok": True} == await clouds.admin().get("network", "ports")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        ("clouds:\n  c:\n    auth: {password: canary\n", "is not YAML in line"),
        ("clouds: {other: {}}", "entry 'c' is missing or incomplete"),
        ("clouds: {c: {auth: {password: canary}}}", "entry 'c' is missing or incomplete"),
    ],
    ids=["missing", "empty", "truncated", "no entry", "half an entry"],
)
async def test_a_broken_file_leaves_the_old_credential_in_use(
    content: str | None, told: str, api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named, without its content, when the old one is rejected; and put right, all is well."""
    file = write_entry(tmp_path / "clouds.yaml", api)
    clouds = Clouds("c", file)
    cloud = clouds.project("p1")
    await cloud.get("network", "ports")
    if content is None:
        file.unlink()
    else:
        swap(file, content)
    assert {} == await clouds.project("p3").get("network", "ports")

    api.accepted, api.handler = only("new"), tokens_since(api.tokens)
    with pytest.raises(CredentialsRejected, match=told) as caught:
        await cloud.get("network", "ports")
    assert "canary" not in caught.value.message + caplog.text
    write_entry(file, api, password="new")
    assert {"ok": True} == await cloud.get("network", "ports")


async def test_a_file_touched_without_a_change_costs_nothing(api: Api, clouds: Clouds, tmp_path: Path) -> None:
    """The kubelet writes Secrets anew now and then: no login for that."""
    await clouds.project("p1").get("network", "ports")
    swap(tmp_path / "clouds.yaml", entry(api))

    assert 0 == clouds.generation()
    await clouds.project("p1").get("network", "ports")
    assert 1 == api.tokens


async def test_a_rejected_credential_recovers_by_itself(api: Api, clouds: Clouds) -> None:
    """Keystone takes it again, and so do we: nothing is remembered of the refusal."""
    api.login_status = 401
    for _ in range(2):
        with pytest.raises(CredentialsRejected):
            await clouds.project("p1").get("network", "ports")
    api.login_status = 201
    api.handler = answer(200, {"ok": True})

    assert {"ok": True} == await clouds.project("p1").get("network", "ports")
