"""Looks at both sides at once, again and again: `looker.py SOURCE-URL TARGET-URL`. On the standard library only.

Each look is a line, `source`, `target`, `neither` or `both`, and its time. It ends when its standard output is closed.
"""

from __future__ import annotations

import http.client
import sys
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.2


def serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


if __name__ == "__main__":
    words = {(True, False): "source", (False, True): "target", (False, False): "neither", (True, True): "both"}
    while True:
        said = words[serves(sys.argv[1]), serves(sys.argv[2])]
        sys.stdout.write(f"{said} {time.time():.3f}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_SECONDS)
