"""Two people of one tenant, one of another, a model that speaks English, and passages in English and Chinese."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from appliance.access.principal import Principal, Role, UserId
from appliance.access.web import Databases
from appliance.chat.answering import Answering
from appliance.chat.evidence import Source
from appliance.kit.settings import EncoderSettings, EngineSettings, Settings
from appliance.knowledge.parsing.parsed import Recognised
from appliance.serving import bootstrap
from appliance.serving.directory import Directory
from appliance.serving.service import Engines
from appliance.tenants import bootstrap as people
from appliance.tenants.authentication import Authenticator
from appliance.tenants.service import Tenants
from appliance.usage.journal import UsageRecord
from tests.factories import models
from tests.factories.deployments import pretend
from tests.factories.engine import Spoken, SpokenUpstream
from tests.factories.retrieval import GivenPassages
from tests.factories.sources import passage

TRIAL = "The trial period is 2 months. There are two talks with your manager, after 3 weeks and after 7 weeks."
HOTEL = "The hotel limit is 140 EUR per night in cities of the European Union."
RIVAL = "The hotel limit in cities of the European Union is 160 EUR per night."
WARRANTY = "Dies ist nicht gefragt.\nThe warranty of the XR-200 is 36 months.\nThe warranty of the PT-45 is 24 months."
CHINESE = "密码长度不得少于14个字符，并且不得写在纸上。"


def passages() -> tuple[Source, ...]:
    """What the documents say. The warranty's passage begins in the middle of its document, on page 3 of a scan."""
    warranty = replace(passage(WARRANTY, name="warranty.pdf", headings=("Warranty",)), start=100, line=12, page=3)
    warranty = replace(warranty, recognised=(Recognised(100, 123, 0.5), Recognised(124, 163, 0.7)))
    warranty = replace(
        warranty, sheets=((3, [[100, 123, 1000, 1000, 9000, 1200], [124, 163, 1000, 1300, 6000, 1500]]),)
    )
    return (
        passage(TRIAL, name="onboarding.md", headings=("Trial period",)),
        passage(HOTEL, name="expenses.md"),
        passage(RIVAL, name="travel.html"),
        warranty,
        passage(CHINESE, name="信息安全.html"),
    )


@dataclass(frozen=True, slots=True)
class People:
    """Who asks, with their keys."""

    one: Principal
    colleague: Principal
    stranger: Principal
    key: str
    key_of_colleague: str


@pytest.fixture
def people_of(databases: Databases) -> People:
    with databases.operator.session() as session:
        people.first_start(session)
        tenants = Tenants(session)
        first, second = tenants.create("one"), tenants.create("two")
        keys = []
        for tenant, name in ((first.id, "one"), (first.id, "colleague"), (second.id, "stranger")):
            user = tenants.people(tenant).add(name, name.title(), Role.MEMBER)
            keys.append(tenants.people(tenant).issue_key(UserId(user.id), "test"))
    one, colleague, stranger = (Authenticator(databases.system)(key) for key in keys)
    return People(one, colleague, stranger, keys[0], keys[1])


@pytest.fixture
def deployed(databases: Databases, settings: Settings, tmp_path: Path) -> Databases:
    """A model is registered and its engine runs, as far as the rows tell."""
    configured = settings.model_copy(
        update={
            "models": models.store(tmp_path / "models"),
            "engine": EngineSettings(model=models.LANGUAGE),
            "encoder": EncoderSettings(model=models.ENCODER),
        }
    )
    with databases.operator.session() as session:
        bootstrap.ensure(session, configured)
    with databases.system.session() as session:
        pretend(session)
    return databases


@dataclass(frozen=True, slots=True)
class Desk:
    """Answering with all that stands behind it."""

    answering: Answering
    retrieval: GivenPassages
    upstream: SpokenUpstream
    databases: Databases
    records: list[UsageRecord]

    def stop_engine(self) -> None:
        """The engine is known to be down."""
        with self.databases.system.session() as session:
            pretend(session, "failed")

    def says(self, text: str, **how: bool) -> None:
        """What the engine answers from now on."""
        self.upstream.says = Spoken(tuple(text.split()), **how)


@pytest.fixture
def desk(deployed: Databases) -> Desk:
    upstream = SpokenUpstream(Spoken(()))
    records: list[UsageRecord] = []
    engines = Engines(
        Directory(deployed.app, now=iter(range(10**6)).__next__), lambda _: upstream, records.append, b"s"
    )
    retrieval = GivenPassages(passages())
    return Desk(Answering(deployed.app, retrieval, engines, patience=5), retrieval, upstream, deployed, records)
