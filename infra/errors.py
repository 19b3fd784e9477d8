"""The one error tree, sorted by who must act.

It lives below everything else, so that the cloud side can say what went wrong in the same words as the
operator. A `message` is always fit for the requester to read: no secrets, no traces, no internal names.
"""

from __future__ import annotations


class KunlunError(Exception):
    """Everything reported on purpose. `reason` becomes the condition's reason, `message` its message."""

    @property
    def reason(self) -> str:
        """The class name: one CamelCase word from the closed list in `controllers.api.conditions`."""
        return type(self).__name__

    @property
    def message(self) -> str:
        return str(self)


class RequestError(KunlunError):
    """The requester (or an approver) acts: the spec or the decision must change."""


class InvalidRequest(RequestError):
    """The spec is not consistent in itself."""


class PolicyViolated(RequestError):
    """The spec breaks a rule of policy."""


class PlatformError(KunlunError):
    """The cloud provider's people act. Retried, but only slowly: time alone does not heal it."""


class CredentialsRejected(PlatformError):
    """OpenStack answered 401 or 403 for a reason other than quota."""


class ZoneUnknown(PlatformError):
    """A zone does not exist, or the cloud does not have what it is made of."""


class ImageMissing(PlatformError):
    """An image of the plan is not in the catalogue any more."""


class FlavorMissing(PlatformError):
    """A flavor of the plan is not in the catalogue any more."""


class ServerFault(PlatformError):
    """Nova put a server into ERROR; the message carries Nova's own fault text."""


class RolloutStopped(PlatformError):
    """More desktops failed than the request's budget allows; no further batch is begun."""


class CloudRefused(PlatformError):
    """OpenStack refused a call for good (400, 404 on a parent, 409 that no retry heals)."""


class DataLost(PlatformError):
    """A data volume that was built is gone; no empty one is made in its place."""


class NotApproved(PlatformError):
    """Something asked the cloud for an effect the approved plan does not contain; nothing was done."""


class PlanForged(PlatformError):
    """A Plan's content does not match its digest or name; nothing was done."""


class EngineFailed(PlatformError):
    """The Pulumi engine ended without success for a reason of its own."""


class StateUnwritable(PlatformError):
    """The operator's state folder is full or cannot be written to. Goes on by itself once it can."""


class ClusterRefused(PlatformError):
    """The API server refused a write of the operator for good; the message is the server's."""


class PlanLost(PlatformError):
    """The plan in force is gone for good; nothing is built or changed without it."""


class StatusUnreadable(PlatformError):
    """A status is not of the form this release writes; nothing is done on the strength of it."""


class PlaybookFailed(PlatformError):
    """A task of a role failed on a guest; the message names it, the operator's folder has what Ansible printed."""


class ManagementMissing(PlatformError):
    """There is no way to the guests: no management network in the zone, or no key to log in with."""


class InternalError(PlatformError):
    """A bug. The operator's log has the trace."""

    def __init__(self) -> None:
        super().__init__("an internal error, tried again; the operator's log says more")


class TransientError(KunlunError):
    """Time acts: the same call is tried again after `retry_after_seconds`."""

    def __init__(self, message: str, *, retry_after_seconds: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class CloudUnavailable(TransientError):
    """OpenStack did not answer, or answered 5xx."""


class RateLimited(TransientError):
    """OpenStack answered 429; `retry_after_seconds` is its Retry-After."""


class QuotaExceeded(TransientError):
    """Quota or capacity is used up; freed when somebody deletes something or the quota is raised."""


class ReplacingServer(TransientError):
    """Nova could not build a server that never started; it is built anew, a bounded number of times."""


class GuestUnreachable(TransientError):
    """A guest has no pinned host key yet, does not answer by SSH, or is not the one that was pinned."""


class EngineInterrupted(TransientError):
    """The pass was stopped (shutdown, deletion, deadline); the next one continues."""


class StackLocked(TransientError):
    """Somebody may still be at work on the engine's state of a request; the message says who."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after_seconds=30)


class CutoverBusy(TransientError):
    """Somebody else works on a step of the cutover; the message says on which."""


class ClusterUnavailable(TransientError):
    """The Kubernetes API did not answer, or asked to come back later."""
