"""The error tree. Each class has an HTTP status, a stable code and a sentence that says what to do.

    ApplianceError
    ├── BadRequest            400  bad_request            the request itself is malformed
    │   └── BadCursor         400  bad_cursor
    ├── Unauthenticated       401  unauthenticated
    ├── Forbidden             403  forbidden
    ├── NotFound              404  not_found              also what belongs to another tenant
    ├── Conflict              409  conflict
    │   └── LeaseLost         409  lease_lost             another worker took this job over
    ├── TooLarge              413  too_large
    ├── TypeNotAccepted       415  type_not_accepted
    ├── Refused               422  refused                understood, but not acceptable
    ├── OverShare             429  over_share             you are over your share; carries Retry-After
    ├── Broken                500  broken                 our fault
    └── Unavailable           503  unavailable            we are full or something is down; carries Retry-After

Slices add leaves in their own ``errors.py``. The web edge turns any of these into RFC 9457 problem+json.
"""

from typing import ClassVar, Self


class ApplianceError(Exception):
    """Anything that the appliance refuses or fails at, told in one sentence.

    ``detail`` says what happened, ``advice`` what to do next; ``extra`` goes into the problem document as members,
    ``headers`` stand beside it.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "broken"
    advice: ClassVar[str] = "Look into the log by the request id."

    def __init__(self, detail: str = "", *, retry_after: int | None = None, **extra: object) -> None:
        super().__init__(detail or type(self).__doc__ or self.code)
        self.detail = str(self)
        self.retry_after = retry_after
        self.extra = extra
        self.headers: dict[str, str] = {}

    @classmethod
    def about(cls, thing: object) -> Self:
        """With the class's own sentence and what it is about: "There is no such document: 4711"."""
        return cls(f"{(cls.__doc__ or cls.code).splitlines()[0].removesuffix('.')}: {thing}")

    def problem(self, instance: str = "") -> dict[str, object]:
        """The RFC 9457 members, ``code`` and ``advice`` added."""
        body: dict[str, object] = {
            "type": f"about:blank#{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "advice": self.advice,
        }
        if instance:
            body["instance"] = instance
        return {**self.extra, **body}


class BadRequest(ApplianceError):
    """The request is malformed."""

    status = 400
    code = "bad_request"
    advice = "Correct the request; nothing was changed."


class BadCursor(BadRequest):
    """The cursor is not one that this list gave."""

    code = "bad_cursor"
    advice = "Begin again without a cursor."


class Unauthenticated(ApplianceError):
    """No valid credential came with the request."""

    status = 401
    code = "unauthenticated"
    advice = "Send a valid API key as 'Authorization: Bearer …', or run 'appliance login'."


class Forbidden(ApplianceError):
    """The credential does not allow this act."""

    status = 403
    code = "forbidden"
    advice = "Ask an administrator for the role or scope that this needs."


class NotFound(ApplianceError):
    """There is no such thing here."""

    status = 404
    code = "not_found"
    advice = "Check the id; list what there is."


class Conflict(ApplianceError):
    """It cannot be done in the present state."""

    status = 409
    code = "conflict"
    advice = "Look at the present state, then try again."


class LeaseLost(Conflict):
    """Another worker took this job over; nothing of this run is kept."""

    code = "lease_lost"


class TooLarge(ApplianceError):
    """It is larger than this appliance takes."""

    status = 413
    code = "too_large"
    advice = "Send something smaller, or ask the operator to raise the limit."


class TypeNotAccepted(ApplianceError):
    """This kind of file is not accepted."""

    status = 415
    code = "type_not_accepted"
    advice = "GET /api/v1/formats lists the kinds that are read."


class Refused(ApplianceError):
    """The request is understood but not acceptable."""

    status = 422
    code = "refused"
    advice = "Correct what the message names; nothing was changed."


class OverShare(ApplianceError):
    """You are over your share."""

    status = 429
    code = "over_share"
    advice = "Wait for the time in Retry-After, then try again."


class Broken(ApplianceError):
    """Something failed that should not."""

    status = 500
    code = "broken"


class Unavailable(ApplianceError):
    """This cannot be served at the moment."""

    status = 503
    code = "unavailable"
    advice = "Wait for the time in Retry-After, then try again; 'appliance status' shows what is down."
