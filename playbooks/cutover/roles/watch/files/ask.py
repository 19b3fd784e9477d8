"""Ask for a URL again and again: `ask.py URL EVERY WITHIN`. A line for each answer: `well 200`, or `badly` and why."""

import http.client
import sys
import time
import urllib.error
import urllib.request

NEVER_A_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answer(url, within):
    """One look."""
    try:
        with NEVER_A_PROXY.open(url, timeout=within) as response:
            return "well 200" if response.status == 200 else f"badly: status {response.status}"
    except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
        return f"badly: {error}".replace("\n", " ")


def main():
    """Until nobody listens any more."""
    url, every, within = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    due = time.monotonic()
    while True:
        print(answer(url, within), flush=True)
        due = max(due + every, time.monotonic())
        time.sleep(max(due - time.monotonic(), 0))


main()
