"""The encoder's process: ``python -m appliance.entry.encoder``.

The socket is there at once and answers ``ping`` and ``tokens``; the model's libraries and weights load meanwhile. A
model that cannot be loaded ends the process with a sentence in its log: its owner decides what then.
"""

import os
import signal
import sys
import threading

from appliance.catalog import encoders
from appliance.catalog.verify import verified
from appliance.drivers.encoder.counting import Counter
from appliance.drivers.encoder.port import Encoder
from appliance.drivers.encoder.reranking import Reranker
from appliance.drivers.encoder.server import EncoderServer
from appliance.drivers.encoder.turns import Turns
from appliance.kit import log, settings
from appliance.kit.errors import ApplianceError

_logger = log.get(__name__)
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""A helper thread that waits sleeps: spinning, it takes the core from the one who prepares the next passages."""


def load(given: settings.Settings, counter: Counter) -> Encoder:
    """The model, checked against its manifest. Takes ten seconds, nearly all of it imports."""
    directory = given.model_store / given.encoder.model
    about = encoders.about(given.model_store, given.encoder.model)
    verified(directory)  # sealed or not: what names code to be imported is not loaded
    os.environ.update(OFFLINE | PATIENT)
    from appliance.drivers.encoder.sentence import SentenceEncoder  # noqa: PLC0415 - the socket must be there before

    encoder = given.encoder
    return SentenceEncoder(directory, about, counter, threads=encoder.threads, precision=encoder.precision)


def load_reranker(given: settings.Settings) -> Reranker:
    """The cross-encoder of the settings, checked against its manifest too."""
    directory = given.model_store / given.encoder.reranker
    encoders.reranker(directory)
    verified(directory)
    from appliance.drivers.encoder.cross import CrossReranker  # noqa: PLC0415 - as above

    return CrossReranker(directory)


def run(given: settings.Settings, stop: threading.Event) -> None:
    """Serve until ``stop``. Raises :class:`ApplianceError` when the model is not there or not acceptable."""
    counter = Counter(given.model_store / given.encoder.model)
    server = EncoderServer(given.layout.encoder_socket, counter)
    server.start()
    try:
        turns = Turns(load(given, counter), given.encoder.batch)
        turns.encode(["warm up"])
        server.ready(turns)
        _logger.info("encoder ready", name=turns.name, languages=sorted(turns.languages))
        if given.encoder.reranker:
            _rerank(given, server, turns)
        stop.wait()
        turns.close()
    finally:
        server.close()


def _rerank(given: settings.Settings, server: EncoderServer, turns: Turns) -> None:
    """Without its reranker an encoder is still an encoder."""
    try:
        reranker = turns.do(lambda: load_reranker(given))  # on the thread of all passes
    except ApplianceError as error:
        _logger.warning("reranker cannot be loaded", reason=error.detail, advice=error.advice)
        return
    server.reranks(reranker, turns)
    _logger.info("reranker ready", name=given.encoder.reranker)


def main() -> int:
    """Run as a process; exit code 1 with the reason in the log when the model cannot be loaded."""
    given = settings.load()
    log.configure("encoder", given.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(given, stop)
    except ApplianceError as error:
        _logger.critical("encoder cannot start", reason=error.detail, advice=error.advice)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
