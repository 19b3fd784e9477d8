"""A key service for the engine's state, on a private unix socket.

Without it every run spends half its CPU on stretching a passphrase that is no passphrase: the key is 32 random
bytes. The engine speaks two calls of HashiCorp Vault's transit API (`/v1/transit/encrypt|decrypt/KEY`), so these two
are answered. Losing the key costs nothing but the cache: states sealed by another key are thrown away.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_NAME = "kunlun"
_PREFIX = "vault:v1:"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_FOLDER = "kunlun-transit-"


class Transit:
    """Start it before the first run; `environment` tells the engine where it is."""

    def __init__(self, folder: Path) -> None:
        """`folder` keeps the key and the one stack configuration all stacks share, both mode 0600."""
        self.config_file = folder / "stack.yaml"
        self.sealed_key = ""
        self._key_file = folder / "transit.key"
        self._folder_note = folder / "transit.folder"
        self._token = base64.b32encode(os.urandom(20)).decode()
        self._socket = Path()
        self._runner: web.AppRunner | None = None
        self._aead = AESGCM(bytes(_KEY_BYTES))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"VAULT_SERVER_URL": f"unix://{self._socket}", "VAULT_SERVER_TOKEN": self._token}

    async def start(self) -> None:
        """The socket lies in a folder of its own: paths of unix sockets must be short."""
        self._aead = AESGCM(self._ensured_key())
        self.sealed_key = self._ensured_config()
        self._socket = self._fresh_folder() / "transit.sock"
        app = web.Application()
        app.router.add_route("*", "/v1/transit/{operation:encrypt|decrypt}/{key}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()
        self._socket.chmod(0o600)

    async def close(self) -> None:
        """Idempotent."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            shutil.rmtree(self._socket.parent, ignore_errors=True)
            self._folder_note.unlink(missing_ok=True)

    def _fresh_folder(self) -> Path:
        """A folder nobody else could have made; the one of a process that was killed is cleared away.

        Only one of ours: a note that was cut short names something else.
        """
        if self._folder_note.exists():
            noted = Path(self._folder_note.read_text(encoding="utf-8", errors="replace"))
            if noted.parent == Path(tempfile.gettempdir()) and noted.name.startswith(_FOLDER):
                shutil.rmtree(noted, ignore_errors=True)
        folder = tempfile.mkdtemp(prefix=_FOLDER)
        self._folder_note.write_text(folder, encoding="utf-8")
        return Path(folder)

    async def _answer(self, request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get("X-Vault-Token", ""), self._token):
            return web.json_response({"errors": ["permission denied"]}, status=403)
        body = await request.json()
        try:
            if request.match_info["operation"] == "encrypt":
                return web.json_response({"data": {"ciphertext": self._sealed(base64.b64decode(body["plaintext"]))}})
            opened = base64.b64encode(self._opened(body["ciphertext"])).decode()
        except (InvalidTag, KeyError, ValueError, binascii.Error):
            return web.json_response({"errors": ["not sealed by this key"]}, status=400)
        return web.json_response({"data": {"plaintext": opened}})

    def _sealed(self, content: bytes) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        return _PREFIX + base64.b64encode(nonce + self._aead.encrypt(nonce, content, None)).decode()

    def _opened(self, sealed: str) -> bytes:
        raw = base64.b64decode(sealed.removeprefix(_PREFIX))
        return self._aead.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)

    def _ensured_key(self) -> bytes:
        if not self._key_file.exists() or self._key_file.stat().st_size != _KEY_BYTES:
            _write_private(self._key_file, os.urandom(_KEY_BYTES))
        return self._key_file.read_bytes()

    def _ensured_config(self) -> str:
        """The data key of all states, sealed; a complete configuration is never rewritten by the engine."""
        if known := self._known_sealed_key():
            return known
        sealed = base64.b64encode(self._sealed(os.urandom(_KEY_BYTES)).encode()).decode()
        text = f"secretsprovider: hashivault://{_KEY_NAME}\nencryptedkey: {sealed}\n"
        _write_private(self.config_file, text.encode())
        return sealed

    def _known_sealed_key(self) -> str | None:
        """None when there is none, or one that cannot be opened: cut short, or sealed by a lost key."""
        try:
            text = self.config_file.read_text(encoding="utf-8")
            sealed = text.partition("encryptedkey: ")[2].strip()
            whole = len(self._opened(base64.b64decode(sealed).decode())) == _KEY_BYTES
        except (OSError, ValueError, InvalidTag):
            return None
        return sealed if whole else None


def _write_private(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
