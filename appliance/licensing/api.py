"""Routes of the licence: translation only. A refused act is audited in a transaction of its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request

from appliance.access.permissions import Action
from appliance.access.principal import Principal
from appliance.access.web import Caller, Databases, allow
from appliance.audit.service import Audit
from appliance.kit.errors import ApplianceError
from appliance.licensing import schemas
from appliance.licensing.asking import Licences
from appliance.licensing.licence import Licence
from appliance.licensing.place import Place
from appliance.licensing.points import Point
from appliance.licensing.service import Licensing, Status

router = APIRouter(prefix="/api/v1/licence", tags=["licence"], dependencies=[allow(Action.MANAGE_LICENCE)])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@router.get("")
def show_licence(request: Request) -> schemas.LicenceView:
    """Show the licence's state, what it allows, and this appliance's fingerprint (operator)."""
    databases: Databases = request.app.state.databases
    with databases.operator.session() as session:
        return _view(Licensing(session, _place(request)).show())


@router.post("", status_code=201)
def install_licence(body: schemas.SignedFileBody, request: Request, principal: Caller) -> schemas.LicenceView:
    """Verify a licence file and put it into force (operator). A file that is not accepted changes nothing."""
    raw = body.file.encode()
    return _act(
        request,
        principal,
        "licence.install",
        lambda licensing, audit: licensing.install(raw, audit, principal.user),
    )


@router.post("/revocations", status_code=201)
def install_revocations(body: schemas.SignedFileBody, request: Request, principal: Caller) -> schemas.LicenceView:
    """Verify a list of revocations and put it into force; an older one than is here is refused (operator)."""
    raw = body.file.encode()
    return _act(request, principal, "licence.revocations", lambda licensing, audit: licensing.revoke(raw, audit))


@router.post("/clock/accept")
def accept_clock(request: Request, principal: Caller) -> schemas.LicenceView:
    """Believe the machine's clock as it is now, after it was suspect (operator)."""
    return _act(request, principal, "licence.accept_clock", lambda licensing, audit: licensing.accept_clock(audit))


def _act(
    request: Request, principal: Principal, action: str, act: Callable[[Licensing, Audit], Status]
) -> schemas.LicenceView:
    databases: Databases = request.app.state.databases
    name = getattr(request.state, "request_id", None)
    try:
        with databases.operator.session() as session:
            audit = Audit(session, principal.tenant, principal.user, name)
            shown = _view(act(Licensing(session, _place(request)), audit))
    except ApplianceError as error:
        with databases.operator.session() as session:
            Audit(session, principal.tenant, principal.user, name).record(action, outcome="refused", code=error.code)
        raise
    licences: Licences = request.app.state.licences
    licences.forget()
    return shown


def _place(request: Request) -> Place:
    return Place.of(request.app.state.settings)


def _view(status: Status) -> schemas.LicenceView:
    entitlement, clock, licence = status.entitlement, status.clock, status.licence
    return schemas.LicenceView(
        state=entitlement.state,
        deciding=status.standing.deciding,
        until=_moment(status.standing.until),
        reason=status.reason,
        appliance_id=status.appliance_id,
        fingerprint=status.fingerprint,
        root=status.root,
        pinned=status.pinned,
        limits=schemas.LimitsView.model_validate(entitlement.limits),
        features=None if entitlement.features is None else sorted(entitlement.features),
        open={point: entitlement.allows(point) for point in Point},
        licence=None if licence is None else _terms(licence),
        clock=schemas.ClockView(
            mark=_EPOCH + timedelta(seconds=clock.mark), suspicion=clock.suspicion, since=_moment(clock.since)
        ),
        revocations=status.revocations,
    )


def _terms(licence: Licence) -> schemas.TermsView:
    return schemas.TermsView(
        id=licence.id,
        customer=licence.customer,
        bound=licence.fingerprint is not None,
        models=[schemas.ModelView.model_validate(model) for model in licence.models],
        issued_at=_EPOCH + timedelta(seconds=licence.issued_at),
        not_before=_EPOCH + timedelta(seconds=licence.not_before),
        expires=_EPOCH + timedelta(seconds=licence.expires),
        grace_days=licence.grace_days,
        key=licence.key,
    )


def _moment(at: int | None) -> datetime | None:
    return None if at is None else _EPOCH + timedelta(seconds=at)
