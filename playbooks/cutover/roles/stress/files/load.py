"""Send a load with hey(1) and say what came of it: `load.py URL REQUESTS_PER_SECOND SECONDS`, as one line of JSON.

hey's limit is one of each worker, and a worker waits for its answer: with as many workers as requests a second, each
sends one a second, and a server that takes longer than that gets less than was meant. What was not sent is an error.
"""

import json
import re
import subprocess
import sys

MOST_WORKERS = 1000


def main():
    url, rate, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    workers = min(rate, MOST_WORKERS)
    pace = ["-c", str(workers), "-q", f"{rate / workers:g}", "-z", f"{seconds}s", "-t", "20"]
    argv = ["hey", *pace, "-disable-redirects", url]
    said = subprocess.run(argv, check=True, text=True, capture_output=True, timeout=seconds + 60).stdout
    statuses = {int(code): int(number) for code, number in re.findall(r"\[(\d{3})\]\s+(\d+) responses", said)}
    answered = sum(statuses.values())
    failed = sum(int(number) for number in re.findall(r"^\s+\[(\d+)\]\t(?!\d+ responses)", said, re.MULTILINE))
    unsent = max(0, int(rate * seconds * 0.95) - answered - failed)
    worst = re.search(r"Slowest:\s+([0-9.]+) secs", said)  # of few answers hey tells no percentiles
    p95 = re.search(r"95%+ in ([0-9.]+) secs", said) or worst
    print(json.dumps({
        "requests": answered + failed + unsent,
        "errors": answered - statuses.get(200, 0) + failed + unsent,
        "p95": round(float(p95[1]) * 1000) if p95 and answered else None,
    }))  # fmt: skip


main()
