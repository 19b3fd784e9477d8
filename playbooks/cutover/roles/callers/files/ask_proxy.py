"""Where does the proxy pass callers on, now? Asked of the process by its socket (HAProxy management guide, 9.3)."""

import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as line:
    line.settimeout(5)
    line.connect(sys.argv[1])
    line.sendall(b"show servers state\n")
    said = b"".join(iter(lambda: line.recv(65536), b"")).decode()
head, *rows = [row.lstrip("# ").split() for row in said.splitlines() if row and row != "1"]
servers = [dict(zip(head, row)) for row in rows]
print(json.dumps(sorted(f"{one['srv_addr']}:{one['srv_port']}" for one in servers)))
