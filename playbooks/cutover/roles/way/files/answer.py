"""Answer whoever asks for it with one word, for a while: `answer.py PORT WORD SECONDS PIDFILE`.

It stands where the service will, while that must not run: whoever gets the word has come the whole way. Everybody else
is told what he would be told without it: that the service does not answer now.
"""

import http.server
import os
import signal
import sys

ASKING = "Kunlun-Way"  # a header that callers do not send


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        word = sys.argv[2].encode() if ASKING in self.headers else b""
        self.send_response(200 if word else 503)
        self.send_header("Content-Length", str(len(word)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(word)

    do_DELETE = do_HEAD = do_PATCH = do_POST = do_PUT = do_GET

    def log_message(self, *words):
        pass


with http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Answer) as server:
    with open(sys.argv[4], "w") as file:
        file.write(f"{os.getpid()}\n")
    signal.alarm(int(sys.argv[3]))
    server.serve_forever()
