"""Following one request, that very one, until it is gone or the time is over.

An API server that is away for a while, or closes the watch, ends nothing: a pipeline would lose its environment by it.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing

from controllers.api.stored import REQUESTS, ResourceRequest, stored
from controllers.cli.kubectl import Cause, ClusterError, Kubectl
from controllers.cli.stream import events

PAUSE_SECONDS = 1.0


def followed(kubectl: Kubectl, request: ResourceRequest, *, until: float) -> Generator[ResourceRequest | None]:
    """Its state now and after every change; None when it is gone (another one of its name is not it), and then the end.

    Ends without a word when the monotonic clock reaches `until`. Raises ClusterError when the API server refuses.
    """
    while time.monotonic() < until:
        try:
            with closing(events(kubectl, REQUESTS, request.meta.name, until=until)) as stream:
                for kind, document in stream:
                    gone = kind == "DELETED" or document["metadata"]["uid"] != request.meta.uid
                    yield None if gone else stored(REQUESTS, document)
                    if gone:
                        return
        except ClusterError as error:
            if error.cause is Cause.ABSENT:
                yield None
                return
            if error.cause is not Cause.OUT_OF_REACH:
                raise
        time.sleep(max(min(PAUSE_SECONDS, until - time.monotonic()), 0.0))
