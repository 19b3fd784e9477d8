"""The one connection to OpenStack, against a small HTTP server that speaks Keystone and whatever a test needs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.cloud import Clouds
from infra.cloud_answers import Absent, OutcomeUnknown
from infra.correlation import HEADER, call_id, correlated
from infra.errors import (
    CloudRefused,
    CloudUnavailable,
    CredentialsRejected,
    KunlunError,
    QuotaExceeded,
    RateLimited,
)
from infra.measures import CloudMeasures
from tests.component.cloud_api import Api, answer, write_entry
from tests.counted import counted


async def test_a_warm_scope_makes_no_call_but_the_one_asked_for(api: Api, clouds: Clouds) -> None:
    """One token a project, one discovery of Keystone for all; we say who we are; and everything sent is counted."""
    cloud = clouds.project("p1")
    await cloud.warm()
    await clouds.project("p2").warm()
    await cloud.get("network", "networks/n1")
    await cloud.get("compute", "servers/detail")

    assert ["/network/v2.0/networks/n1", "/compute/v2.1/servers/detail"] == [one.path for one in api.seen]
    assert {"token-p1-1"} == {one.headers["X-Auth-Token"] for one in api.seen}
    assert all(one.headers["User-Agent"].startswith("kunlun/") for one in api.seen)
    assert 1 == counted(clouds.measures.calls)["compute", "GET", "servers/detail", "200"]
    assert 2 == counted(clouds.measures.calls)["identity", "POST", "auth/tokens", "201"]
    assert 1 == api.discoveries


async def test_every_call_counts_with_its_service_and_code(api: Api, tmp_path: Path) -> None:
    """Logins are identity's whatever they were for; ids are in no label; what was not answered is counted, too."""
    measures = CloudMeasures()
    cloud = Clouds("c", write_entry(tmp_path / "clouds.yaml", api), measures=measures).project("p1")
    await cloud.get("network", "networks/n1")
    api.handler = answer(409, {"NeutronError": {"type": "InUse", "message": "in use"}})
    with pytest.raises(KunlunError):
        await cloud.post("network", "ports", {"port": {}})

    found = counted(measures.calls)
    assert 1 == found["network", "GET", "networks", "200"]
    assert 1 == found["network", "POST", "ports", "409"]
    assert 1 == found["identity", "POST", "auth/tokens", "201"]
    assert {"network", "identity"} == {service for service, *_ in found}


async def test_calls_that_carry_out_a_plan_carry_its_id(api: Api, clouds: Clouds) -> None:
    """OpenStack writes it into its logs; other calls have none."""
    cloud = clouds.project("p1")
    with correlated(call_id("digest")):
        await cloud.get("network", "networks/n1")
    await cloud.get("network", "networks/n1")

    assert [call_id("digest"), None] == [one.headers.get(HEADER) for one in api.seen]


async def test_an_expired_token_is_renewed_once(api: Api, clouds: Clouds) -> None:
    """401 means a new token and the same call again; nobody notices."""

    async def handler(request: web.Request) -> web.Response:
        stale = request.headers["X-Auth-Token"].endswith("-1")
        return web.json_response({"ok": not stale}, status=401 if stale else 200)

    api.handler = handler
    assert {"ok": True} == await clouds.project("p1").get("network", "networks")
    assert 2 == api.tokens


DISOWNED = {"badRequest": {"message": "Networking client is experiencing an unauthorized exception.", "code": 400}}


async def test_a_token_that_only_neutron_knows_to_be_revoked_is_renewed_once(api: Api, clouds: Clouds) -> None:
    """Nova still believes it, asks Neutron in its name, and answers 400."""

    async def handler(request: web.Request) -> web.Response:
        stale = request.headers["X-Auth-Token"].endswith("-1")
        return web.json_response(DISOWNED if stale else {"servers": []}, status=400 if stale else 200)

    api.handler = handler
    assert [] == await clouds.project("p1").list("compute", "servers/detail")
    assert 2 == api.tokens


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (409, {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources"}}, QuotaExceeded),
        (409, {"NeutronError": {"type": "IpAddressGenerationFailure", "message": "No more IPs"}}, QuotaExceeded),
        (403, {"forbidden": {"message": "Quota exceeded for cores: Requested 4", "code": 403}}, QuotaExceeded),
        (413, {"overLimit": {"message": "VolumeLimitExceeded: exceeds allowed quota.", "code": 413}}, QuotaExceeded),
        (403, {"forbidden": {"message": "Policy doesn't allow update_quota", "code": 403}}, CredentialsRejected),
        (400, DISOWNED, CloudUnavailable),
        (404, {"NeutronError": {"type": "NetworkNotFound", "message": "no such network"}}, Absent),
        (400, {"badRequest": {"message": "Invalid input for name", "code": 400}}, CloudRefused),
        (409, {"NeutronError": {"type": "SubnetInUse", "message": "in use"}}, CloudRefused),
        (503, {"message": "try later"}, CloudUnavailable),
        (500, "<html>oops</html>", CloudUnavailable),
    ],
)  # fmt: skip
async def test_every_answer_becomes_one_error(
    status: int, body: Any, expected: type[KunlunError], api: Api, clouds: Clouds
) -> None:
    """By code and fault, once; the message is OpenStack's own."""
    api.handler = answer(status, body)
    with pytest.raises(KunlunError) as caught:
        await clouds.project("p1").get("network", "networks")

    assert type(caught.value) in {expected, *expected.__subclasses__()}
    told = next(iter(body.values())) if isinstance(body, dict) else body
    assert str(told["message"] if isinstance(told, dict) else told) in caught.value.message


async def test_a_rate_limit_says_when_to_come_back(api: Api, clouds: Clouds) -> None:
    """429 with its Retry-After, bounded."""
    api.handler = answer(429, {"overLimit": {"message": "slow down"}}, **{"Retry-After": "17"})
    with pytest.raises(RateLimited) as caught:
        await clouds.project("p1").post("network", "ports", {})
    assert 17 == caught.value.retry_after_seconds


async def test_a_change_that_broke_may_have_happened(api: Api, clouds: Clouds) -> None:
    """A broken connection, 5xx or silence after a POST: unknown. The same for a GET is only unavailable."""
    cloud = clouds.project("p1")
    await cloud.warm()

    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    for handler in (hang_up, answer(502, {})):
        api.handler = handler
        with pytest.raises(OutcomeUnknown):
            await cloud.post("network", "ports", {})
        with pytest.raises(CloudUnavailable) as caught:
            await cloud.get("network", "ports")
        assert not isinstance(caught.value, OutcomeUnknown)
    assert "CloudUnavailable" == OutcomeUnknown("").reason


async def test_silence_has_a_deadline(api: Api, clouds: Clouds) -> None:
    """No call waits for ever."""

    async def silence(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1)
        return web.Response()

    await clouds.project("p1").warm()
    api.handler = silence
    clouds.project("p1").deadline_seconds = 0.05
    with pytest.raises(OutcomeUnknown, match="no answer to POST ports"):
        await clouds.project("p1").post("network", "ports", {})


async def test_all_pages_are_read(api: Api, clouds: Clouds) -> None:
    """Nova gives a thousand at a time and says where the next page is."""

    async def handler(request: web.Request) -> web.Response:
        if "marker" in request.query:
            return web.json_response({"servers": [{"id": "2"}]})
        link = {"rel": "next", "href": "http://elsewhere/v2.1/servers/detail?limit=1&marker=1"}
        return web.json_response({"servers": [{"id": "1"}], "servers_links": [link]})

    api.handler = handler
    assert ["1", "2"] == [raw["id"] for raw in await clouds.project("p1").list("compute", "servers/detail")]


async def test_absence_is_success_when_deleting(api: Api, clouds: Clouds) -> None:
    """Deleting twice is no error."""
    api.handler = answer(404, {"itemNotFound": {"message": "gone"}})
    await clouds.project("p1").delete("compute", "servers/s1")


async def test_a_service_the_catalogue_lacks_is_no_error_to_ask_about(clouds: Clouds) -> None:
    """A zone without block storage is an ordinary zone."""
    assert not await clouds.project("p1").has("volume")
    assert await clouds.project("p1").has("compute")


async def test_a_refused_login_is_for_the_platform_team(api: Api, clouds: Clouds) -> None:
    """And its message holds no password."""
    api.login_status = 401
    with pytest.raises(CredentialsRejected, match="the login") as caught:
        await clouds.admin().get("network", "networks")

    assert "secret" not in caught.value.message
