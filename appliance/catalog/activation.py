"""Whether a version may be activated: decided purely, from its licence's terms and what the operator says."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from appliance.catalog.entry import Terms
from appliance.catalog.errors import LicenceNotAccepted, TermsInDoubt


@dataclass(frozen=True, slots=True)
class Consent:
    """Who accepts. ``override``: why in spite of what is unknown or forbidden. ``by`` None: the appliance's set-up."""

    by: UUID | None
    accepts: bool
    override: str | None = None


def accepted(terms: Terms, consent: Consent) -> dict[str, Any]:
    """What is written down of an acceptance. Raises :class:`LicenceNotAccepted`, :class:`TermsInDoubt`."""
    told = terms.model_dump(mode="json")
    if not consent.accepts:
        raise LicenceNotAccepted(f"the licence {terms.id} was not accepted", terms=told, doubts=list(terms.doubts))
    if terms.doubts and not consent.override:
        raise TermsInDoubt(", ".join(terms.doubts), terms=told, doubts=list(terms.doubts))
    return {
        "licence": terms.id,
        "terms": terms.digest,
        "read": terms.read.isoformat(),
        "doubts": list(terms.doubts),
        "override": consent.override if terms.doubts else None,
    }


def harmless(terms: Terms) -> bool:
    """Whether the terms are known, and bind whoever uses the weights to nothing but attribution."""
    duties = (terms.registration, terms.naming, terms.acceptable_use)
    uses = (terms.commercial, terms.outputs_train_others)
    return (
        not terms.doubts
        and all(duty.duty == "none" for duty in duties)
        and all(use.use == "allowed" for use in uses)
        and terms.user_cap == "none"
    )
