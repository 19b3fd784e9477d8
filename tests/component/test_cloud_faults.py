"""What a cloud in trouble answers, and what is never made of it: an empty list, an endless wait, a second try."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.cloud import MOST_PAGES, Clouds, Limits
from infra.cloud_answers import OutcomeUnknown, error_from_answer
from infra.errors import CloudUnavailable, EngineInterrupted, KunlunError, QuotaExceeded, RateLimited
from tests.component.cloud_api import Api, answer, write_entry

IN_FORTY_SECONDS = "Fri, 01 Jan 2027 00:00:40 GMT"


def text(body: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=body)

    return handler


async def cut_off(request: web.Request) -> web.StreamResponse:
    """Promises more than it sends."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"ports": []}')
    assert request.transport is not None
    request.transport.close()
    return response


async def refused_before(request: web.Request) -> web.StreamResponse:
    """Closes without a word, as a proxy whose upstream is gone."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    "handler",
    [text(""), text('{"ports": ['), text("<html>"), text("[]"), text("null"), cut_off, refused_before],
    ids=["empty", "truncated", "html", "a list", "null", "cut off", "no answer"],
)
async def test_what_cannot_be_read_is_no_empty_answer(handler: Any, api: Api, clouds: Clouds) -> None:
    """An empty list would mean that nothing exists, and everything would be built twice."""
    api.handler = handler
    cloud = clouds.project("p1")
    with pytest.raises(CloudUnavailable) as caught:
        await cloud.list("network", "ports")
    assert not isinstance(caught.value, OutcomeUnknown)
    with pytest.raises(OutcomeUnknown):
        (await cloud.post("network", "ports", {}))["port"]


@pytest.mark.parametrize("body", [{}, {"servers": []}, {"ports": None}, {"ports": {}}])
async def test_a_page_without_its_list_is_no_empty_page(body: Any, api: Api, clouds: Clouds) -> None:
    """A list answer names its collection."""
    api.handler = answer(200, body)
    with pytest.raises(CloudUnavailable):
        await clouds.project("p1").list("network", "ports")


async def test_an_answer_without_its_object_is_unreadable(api: Api, clouds: Clouds) -> None:
    """After a change it is unknown whether it happened; after a read the cloud is in trouble."""
    api.handler = answer(200, {"other": 1})
    with pytest.raises(OutcomeUnknown):
        (await clouds.project("p1").post("network", "ports", {}))["port"]
    with pytest.raises(CloudUnavailable):
        (await clouds.project("p1").get("network", "ports/p"))["port"]


async def test_an_empty_answer_to_an_action_is_success(api: Api, clouds: Clouds) -> None:
    """Nova accepts an action with 202 and nothing else."""
    api.handler = text("")
    assert {} == await clouds.project("p1").post("compute", "servers/1/action", {"resize": {}})


@pytest.mark.parametrize("marker", ["same", "another"])
async def test_pages_that_do_not_end_are_an_error(marker: str, api: Api, clouds: Clouds) -> None:
    """Neither the same page for ever nor ever another."""

    async def handler(request: web.Request) -> web.Response:
        following = 1 if marker == "same" else int(request.query.get("marker", "0")) + 1
        links = [{"rel": "next", "href": f"http://elsewhere/ports?marker={following}"}]
        return web.json_response({"ports": [{}], "ports_links": links})

    api.handler = handler
    with pytest.raises(CloudUnavailable, match="do not end"):
        await clouds.project("p1").list("network", "ports")
    assert MOST_PAGES >= len(api.seen)


async def test_pages_of_images_are_read_too(api: Api, clouds: Clouds) -> None:
    """Glance gives 25 at a time and says `next` where the others have links."""

    async def handler(request: web.Request) -> web.Response:
        if "marker" in request.query:
            return web.json_response({"images": [{"id": "2"}]})
        return web.json_response({"images": [{"id": "1"}], "next": "/v2/images?marker=1"})

    api.handler = handler
    assert ["1", "2"] == [raw["id"] for raw in await clouds.project("p1").list("image", "/images")]


@pytest.mark.parametrize(
    ("status", "headers", "expected", "seconds"),
    [
        (429, {}, RateLimited, 5),
        (429, {"Retry-After": "0"}, RateLimited, 1),
        (429, {"Retry-After": "86400"}, RateLimited, 300),
        (429, {"Retry-After": "soon"}, RateLimited, 5),
        (429, {"Retry-After": IN_FORTY_SECONDS, "Date": "Fri, 01 Jan 2027 00:00:00 GMT"}, RateLimited, 40),
        (429, {"Retry-After": IN_FORTY_SECONDS}, RateLimited, 5),
        (413, {"Retry-After": "12"}, RateLimited, 12),
        (503, {"Retry-After": "30"}, CloudUnavailable, 30),
        (503, {}, CloudUnavailable, 5),
        (599, {}, CloudUnavailable, 5),
    ],
)  # fmt: skip
def test_whoever_says_when_to_come_back_is_believed(
    status: int, headers: dict[str, str], expected: type[KunlunError], seconds: float
) -> None:
    """Within bounds, in both forms of Retry-After, and never at once."""
    error = error_from_answer(status, {"overLimit": {"message": "slow down"}}, headers, "GET ports")
    assert isinstance(error, expected)
    assert seconds == error.retry_after_seconds  # type: ignore[attr-defined]


def test_an_empty_pool_says_what_to_do() -> None:
    """Neutron's sentence alone helps nobody."""
    body = {"NeutronError": {"type": "IpAddressGenerationFailure", "message": "No more IP addresses available"}}
    error = error_from_answer(409, body, {}, "POST ports")
    assert isinstance(error, QuotaExceeded)
    assert "give it another range" in error.message


def test_quota_with_a_retry_after_is_still_quota() -> None:
    """Cinder answers 413 with `Retry-After: 0` when the quota is used up: that is no rate limit."""
    body = {"overLimit": {"message": "VolumeLimitExceeded: exceeds allowed quota.", "retryAfter": "0"}}
    assert isinstance(error_from_answer(413, body, {"Retry-After": "0"}, "POST volumes"), QuotaExceeded)


async def test_an_answer_that_drips_frees_its_thread_at_the_deadline(api: Api, clouds: Clouds) -> None:
    """Each byte in time is not the whole in time: as many such answers as threads, then an ordinary one."""
    cloud, done = clouds.project("p1"), asyncio.Event()
    await cloud.warm()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not done.is_set():
            await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    api.handler = drip
    cloud.deadline_seconds = 0.2
    ends = await asyncio.gather(*(cloud.get("network", "ports") for _ in range(16)), return_exceptions=True)
    assert {CloudUnavailable} == {type(end) for end in ends}
    api.handler = answer(200, {"ok": True})
    cloud.deadline_seconds = 5.0
    assert {"ok": True} == await cloud.get("network", "ports")
    done.set()


async def test_a_call_that_never_got_a_thread_is_never_sent(api: Api, clouds: Clouds, tmp_path: Path) -> None:
    """The wait for a free thread is part of the deadline, and nothing is sent after it."""
    narrow, go, arrived = (
        Clouds("c", tmp_path / "clouds.yaml", limits=Limits(threads=1)),
        asyncio.Event(),
        asyncio.Event(),
    )
    held, waiting = narrow.project("p1"), narrow.project("p2")
    await asyncio.gather(held.warm(), waiting.warm())

    async def wait(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.json_response({})

    api.handler = wait
    holding = asyncio.ensure_future(held.get("network", "ports"))
    await arrived.wait()
    waiting.deadline_seconds = 0.1
    with pytest.raises(CloudUnavailable, match="no answer to GET networks"):
        await waiting.get("network", "networks")
    go.set()
    await holding
    await held.get("network", "routers")

    assert ["ports", "routers"] == [one.path.rpartition("/")[2] for one in api.seen]


async def test_nothing_is_changed_that_was_not_permitted_at_that_moment(api: Api, tmp_path: Path) -> None:
    """Asked in front of each change, not of reads and logins; what it raises is what the caller gets."""
    asked: list[int] = []

    def forbid() -> None:
        asked.append(1)
        raise EngineInterrupted("not ours any more")

    cloud = Clouds("c", write_entry(tmp_path / "clouds.yaml", api), before_change=forbid).project("p1")
    await cloud.get("network", "ports")
    with pytest.raises(EngineInterrupted, match="not ours any more"):
        await cloud.post("network", "ports", {})

    assert (1, ["GET"]) == (len(asked), [one.method for one in api.seen])


async def test_a_load_balancers_page_is_not_shown_to_people(api: Api, clouds: Clouds) -> None:
    """They read what the code means."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(status=503, text="<html><body><h1>503 Service Unavailable</h1></body></html>")

    api.handler = page
    with pytest.raises(CloudUnavailable) as caught:
        await clouds.project("p1").list("network", "ports")

    assert caught.value.message.endswith("GET ports: Service Unavailable")
