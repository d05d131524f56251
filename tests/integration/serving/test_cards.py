"""Graphics cards that a licence allows, when two deploy at once."""

import threading
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.service import Audit
from appliance.licensing.errors import LimitReached
from appliance.serving import adapters
from appliance.serving.operating import Operating, Wish
from tests.integration.serving.conftest import EVALUATION, Engines, Gateway


def test_two_who_deploy_at_once_do_not_pass_the_number_of_cards(engines: Engines, gateway: Gateway) -> None:
    one_card = Wish({"device": "cuda"})
    first, second = (engines.version(f"tiny-{name}").id for name in ("first", "second"))
    outcomes: list[str] = []

    def create(session: Session, name: str, version: UUID) -> None:
        audit = Audit(session, gateway.tenants[0], None)
        Operating(session, audit, lambda: EVALUATION, adapters.none).create(name, version, one_card)

    def other() -> None:
        try:
            with engines.databases.operator.session() as session:
                create(session, "second", second)
        except LimitReached as error:
            outcomes.append(error.code)
        else:
            outcomes.append("made")

    thread = threading.Thread(target=other)
    with engines.databases.operator.session() as session:
        create(session, "first", first)
        thread.start()
        thread.join(1)
    thread.join(20)
    assert outcomes == [LimitReached.code], "the evaluation has one card"
