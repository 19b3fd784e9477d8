"""A small HTTP server that speaks Keystone and whatever a test needs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Keystone's tokens, and one handler for everything else."""

    def __init__(self) -> None:
        self.address = ""
        self.tokens = 0
        self.discoveries = 0
        self.login_status = 201
        self.accepted: Callable[[dict[str, Any]], bool] = lambda identity: True
        self.seen: list[web.Request] = []
        self.handler: Handler = answer(200, {})

    async def keystone(self, request: web.Request) -> web.Response:
        self.tokens += 1
        if self.login_status != 201:
            return web.json_response({"error": {"message": "who are you?"}}, status=self.login_status)
        auth = (await request.json())["auth"]
        if not self.accepted(auth["identity"]):
            return web.json_response({"error": {"message": "who are you?"}}, status=401)
        catalogue = [
            {"type": kind, "name": kind, "endpoints": [self._endpoint(f"{self.address}/{kind}")]}
            for kind in ("network", "compute", "image")
        ]
        token = {"expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalogue, "methods": ["password"]}
        project = auth.get("scope", {}).get("project", {})
        headers = {"X-Subject-Token": f"token-{project.get('id', 'own')}-{self.tokens}"}
        return web.json_response({"token": token | {"project": project}}, status=201, headers=headers)

    async def version(self, request: web.Request) -> web.Response:
        self.discoveries += 1
        links = [{"rel": "self", "href": f"{self.address}/identity/v3/"}]
        return web.json_response({"version": {"id": "v3.14", "status": "stable", "links": links}})

    async def other(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return await self.handler(request)

    def _endpoint(self, url: str) -> dict[str, str]:
        return {"interface": "public", "url": url, "region": "R1", "region_id": "R1", "id": "e"}


def answer(status: int, body: Any, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return handler


@asynccontextmanager
async def served() -> AsyncIterator[Api]:
    """It listens on a port of its own."""
    api = Api()
    app = web.Application()
    app.router.add_post("/identity/v3/auth/tokens", api.keystone)
    app.router.add_get("/identity/v3", api.version)
    app.router.add_route("*", "/{rest:.*}", api.other)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield api
    await runner.cleanup()


def entry(api: Api, **auth: str) -> str:
    """A clouds.yaml for it."""
    known = {"auth_url": f"{api.address}/identity/v3", "username": "kunlun", "password": "secret"}
    known |= {"project_name": "own", "user_domain_id": "default", "project_domain_id": "default"}
    return json.dumps({"clouds": {"c": {"auth": known | auth, "region_name": "R1"}}})


def write_entry(file: Path, api: Api, **auth: str) -> Path:
    file.write_text(entry(api, **auth))
    return file
