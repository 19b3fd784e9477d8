"""A client that always writes: `writer.py URL`. Run where callers are, on the standard library only.

It tries each number once, and says what came of it, a line each: `ack N TIME` when it was told that N is kept, `lost N
TIME` when it was told otherwise or nothing. It ends when its standard output is closed.
"""

from __future__ import annotations

import http.client
import sys
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.05


def is_kept(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


if __name__ == "__main__":
    number = 0
    while True:
        number += 1
        kept = is_kept(f"{sys.argv[1]}/write/{number}")
        sys.stdout.write(f"{'ack' if kept else 'lost'} {number} {time.time():.3f}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_SECONDS)
