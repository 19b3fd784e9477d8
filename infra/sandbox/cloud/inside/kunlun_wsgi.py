"""The WSGI application named by the environment, so that every service starts through one entry."""

from __future__ import annotations

import importlib
import os
import sys

sys.argv = sys.argv[:1] + os.environ.get("KUNLUN_WSGI_ARGUMENTS", "").split()
application = importlib.import_module(os.environ["KUNLUN_WSGI_MODULE"]).application
