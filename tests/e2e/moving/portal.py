"""The department's portal, run on its hosts as a program of its own, on the standard library only: it takes writes.

`POST /write/N` puts N into the table `permits` and, for every tenth, into a file as well; it answers 200 once both are
kept, 503 otherwise. `GET /health` answers 200 when the database does. Where that is says the file `portal.env`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

UPLOADS = Path("/srv/uploads")
FILE_EVERY = 10


class Portal(BaseHTTPRequestHandler):
    """One caller."""

    def do_GET(self) -> None:
        self._answer("SELECT 1")

    def do_POST(self) -> None:
        number = int(self.path.rpartition("/")[2])
        if number % FILE_EVERY == 0:
            (UPLOADS / f"{number}.txt").write_text(f"permit {number}\n")
        self._answer(f"INSERT INTO permits (number) VALUES ({number})")

    def _answer(self, statement: str) -> None:
        done = subprocess.run(["psql", "-qtAXc", statement], check=False, timeout=5, capture_output=True, text=True)
        body = (done.stdout + done.stderr).encode()
        self.send_response(200 if done.returncode == 0 else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


if __name__ == "__main__":
    for line in Path(sys.argv[1]).read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ[name] = value
    ThreadingHTTPServer(("0.0.0.0", 8080), Portal).serve_forever()
