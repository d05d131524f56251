"""How many passages are still another encoder's, over a real PostgreSQL."""

from appliance.access.web import Databases
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.knowledge import encoded
from appliance.knowledge.projection import Projection
from tests.factories.corpus import Library


def test_what_another_encoder_made_is_counted_until_it_is_read_again(databases: Databases) -> None:
    projection = Projection(databases.system, MemoryVectors(8))

    def counted(encoder: str) -> int:
        with databases.system.session() as session:
            return encoded.by_others(session, encoder)

    library = Library(databases, 8, encoder="former@1")
    document = library.ingest(5)
    library.encoder = "new@1"
    library.ingest(7)
    library.encoder = None
    library.ingest(9)
    assert counted("new@1") == 0, "nothing is current before the index has it"
    position = projection.apply(0, flips=True).seq
    assert (counted("new@1"), counted("former@1")) == (5, 7)
    library.encoder = "new@1"
    library.ingest(6, document, number=2)
    assert counted("new@1") == 5, "the former revision answers until the new one is in the index"
    projection.apply(position, flips=True)
    assert (counted("new@1"), counted("former@1")) == (0, 13)
