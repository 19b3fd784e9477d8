"""The refusals of OpenStack and of the Kubernetes API, word for word as they come."""

from __future__ import annotations

import json

from tests.faults.calls import Answer

JSON = {"Content-Type": "application/json"}


def not_authenticated() -> Answer:
    """Keystone's middleware: the token is not valid (any more)."""
    return _fault(401, "error", {"message": "The request you have made requires authentication.", "code": 401})


def quota_of_nova() -> Answer:
    return _fault(
        403,
        "forbidden",
        {"code": 403, "message": "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"},
    )


def forbidden() -> Answer:
    """A policy says no."""
    return _fault(403, "forbidden", {"code": 403, "message": "Policy doesn't allow this to be performed."})


def absent() -> Answer:
    return _fault(404, "itemNotFound", {"code": 404, "message": "The resource could not be found."})


def quota_of_neutron() -> Answer:
    return _neutron(409, "OverQuota", "Quota exceeded for resources: ['port'].")


def no_more_addresses() -> Answer:
    return _neutron(409, "IpAddressGenerationFailure", "No more IP addresses available on network 4c1.")


def conflict() -> Answer:
    """Of an object in use or in the wrong state."""
    return _fault(409, "conflictingRequest", {"code": 409, "message": "The object is not in a state for this."})


def quota_of_cinder() -> Answer:
    return _fault(
        413,
        "overLimit",
        {
            "code": 413,
            "message": "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
        },
    )


def too_many(retry_after_seconds: int | None = None) -> Answer:
    """429, with or without a Retry-After."""
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    body = {"overLimit": {"code": 429, "message": "This request was rate-limited."}}
    return Answer(429, json.dumps(body).encode(), JSON | headers)


def broken() -> Answer:
    return _fault(500, "computeFault", {"code": 500, "message": "Unexpected API Error."})


def unavailable() -> Answer:
    """What a load balancer says while nobody is behind it."""
    return Answer(503, b"<html><body><h1>503 Service Unavailable</h1></body></html>", {"Content-Type": "text/html"})


def status_conflict() -> Answer:
    """The API server's own 409: somebody else has written meanwhile (meta/v1 Status)."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409}
    return Answer(409, json.dumps({**body, "message": "the object has been modified"}).encode(), JSON)


def _fault(status: int, name: str, fault: dict[str, object]) -> Answer:
    return Answer(status, json.dumps({name: fault}).encode(), JSON)


def _neutron(status: int, kind: str, message: str) -> Answer:
    return _fault(status, "NeutronError", {"type": kind, "message": message, "detail": ""})
