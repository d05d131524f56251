"""What a licence file says, and what a list of revocations says: parsed strictly, verified before anything is believed.

``Licence`` and ``Revocations`` are only made here, from a file whose signatures hold.
"""

from dataclasses import dataclass
from typing import Any, NewType

from appliance.licensing.errors import BoundElsewhere, Ended, Malformed, NotYetValid, Revoked
from appliance.licensing.signing import Keys, Purpose, opened
from appliance.licensing.strict import Members, digest, identity, items, members, names, number, seconds, text

HOUR = 3600
DAY = 86_400
MOST_GRACE_DAYS = 365
LARGEST_LIMIT = 1_000_000
MOST_MODELS = 200
MOST_DIGESTS = 50
MOST_FEATURES = 100
MOST_REVOKED = 500
LARGEST_SEQUENCE = 2**53 - 1

LicenceId = NewType("LicenceId", str)

_LICENCE = frozenset(
    [
        "customer",
        "expires",
        "features",
        "fingerprint",
        "grace_days",
        "id",
        "issued_at",
        "key",
        "limits",
        "models",
        "not_before",
    ]
)
_LIMITS = frozenset({"adapters", "gpus", "seats", "tenants"})
_MODEL = frozenset({"digests", "kind", "name"})
_REVOCATIONS = frozenset({"issued_at", "key", "keys", "licences", "sequence"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each there may be; 0: none."""

    tenants: int
    seats: int
    gpus: int
    adapters: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model version (one digest) or a family (the digests of its versions) that may be deployed."""

    kind: str
    name: str
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence whose signatures hold. Times are seconds since 1970; valid from ``not_before`` until ``expires``."""

    id: LicenceId
    customer: str
    fingerprint: str | None
    models: tuple[Model, ...]
    limits: Limits
    features: tuple[str, ...]
    issued_at: int
    not_before: int
    expires: int
    grace_days: int
    key: str

    @property
    def ends(self) -> int:
        """When the grace days are over too."""
        return self.expires + self.grace_days * DAY

    @property
    def signed_time(self) -> int:
        """It cannot be earlier than this: the vendor signed it then, and it was accepted after its first day began."""
        return max(self.issued_at, self.not_before)


@dataclass(frozen=True, slots=True)
class Revocations:
    """The vendor's list of revoked licences and keys. A list replaces every list of a lower sequence."""

    sequence: int
    issued_at: int
    licences: frozenset[str]
    keys: frozenset[str]
    key: str


def read_licence(raw: bytes, keys: Keys) -> Licence:
    """The licence in a file. Raises :class:`NotAccepted` in one of its forms."""
    told = members(opened(Purpose.LICENCE, raw, keys), "the licence", _LICENCE)
    found = Licence(
        id=LicenceId(identity(told["id"], "id")),
        customer=text(told["customer"], "customer"),
        fingerprint=None if told["fingerprint"] is None else digest(told["fingerprint"], "fingerprint"),
        models=tuple(_model(one) for one in items(told["models"], "models", MOST_MODELS)),
        limits=_limits(told["limits"]),
        features=names(told["features"], "features", MOST_FEATURES),
        issued_at=seconds(told["issued_at"], "issued_at"),
        not_before=seconds(told["not_before"], "not_before"),
        expires=seconds(told["expires"], "expires"),
        grace_days=number(told["grace_days"], "grace_days", MOST_GRACE_DAYS),
        key=text(told["key"], "key"),
    )
    if found.not_before >= found.expires:
        raise Malformed("the licence ends before it begins")
    return found


def read_revocations(raw: bytes, keys: Keys) -> Revocations:
    """The list in a file. Raises :class:`NotAccepted` in one of its forms."""
    told: Members = members(opened(Purpose.REVOCATIONS, raw, keys), "the list", _REVOCATIONS)
    return Revocations(
        sequence=number(told["sequence"], "sequence", LARGEST_SEQUENCE),
        issued_at=seconds(told["issued_at"], "issued_at"),
        licences=frozenset(names(told["licences"], "licences", MOST_REVOKED, identity)),
        keys=frozenset(names(told["keys"], "keys", MOST_REVOKED)),
        key=text(told["key"], "key"),
    )


def check(licence: Licence, now: int, fingerprint: str, revoked: frozenset[str]) -> None:
    """Raise unless it may be installed now, on this appliance."""
    if licence.id in revoked:
        raise Revoked(f"the vendor has revoked the licence {licence.id}")
    if licence.fingerprint not in (None, fingerprint):
        raise BoundElsewhere(f"the licence is bound to another appliance; this one's fingerprint is {fingerprint}")
    if now < licence.not_before:
        raise NotYetValid
    if now + HOUR < licence.issued_at:
        raise NotYetValid("the vendor signed it later than this machine's clock tells")
    if now >= licence.ends:
        raise Ended


def _limits(value: object) -> Limits:
    told = members(value, "limits", _LIMITS)
    return Limits(**{name: number(told[name], f"limits.{name}", LARGEST_LIMIT) for name in _LIMITS})


def _model(value: Any) -> Model:  # noqa: ANN401 - JSON, checked here
    told = members(value, "a model", _MODEL)
    kind, found = told["kind"], names(told["digests"], "a model's digests", MOST_DIGESTS, digest)
    if kind not in ("version", "family"):
        raise Malformed("a model's kind is neither version nor family")
    if not found or (kind == "version" and len(found) != 1):
        raise Malformed("a version has one digest, a family one or more")
    return Model(kind, text(told["name"], "a model's name"), found)
