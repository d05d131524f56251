"""Building this slice's parts from the settings, for the composition roots."""

from functools import cached_property

from appliance.catalog import encoders, manifest
from appliance.drivers.blobs import Blobs, DirectoryBlobs
from appliance.drivers.encoder.absent import AbsentEncoder
from appliance.drivers.encoder.port import Encoder
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.drivers.encoder.reranking import RemoteReranker
from appliance.drivers.vectors.port import Reader
from appliance.kit import crypto
from appliance.kit.database import Database
from appliance.kit.settings import Settings
from appliance.knowledge.access import Index
from appliance.knowledge.importing import Shelf
from appliance.knowledge.ingest import Tools
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.reranked import Rereading
from appliance.knowledge.retrieval import Retrieval
from appliance.tenants.certificate import SECRET, Signer


def blobs(settings: Settings) -> Blobs:
    """Where original files are kept."""
    return DirectoryBlobs(settings.layout.blobs)


def encoder_name(settings: Settings) -> str | None:
    """Name with digest of the encoder in the model store; None where the model is missing."""
    try:
        return encoders.about(settings.model_store, settings.encoder.model).name
    except manifest.BadManifest:
        return None


def encoder(settings: Settings) -> Encoder:
    """The encoder's process, described from the model store; where the model is missing, one that is never ready."""
    try:
        about = encoders.about(settings.model_store, settings.encoder.model)
    except manifest.BadManifest as error:
        return AbsentEncoder(error.detail)
    return RemoteEncoder(settings.layout.encoder_socket, about)


def retrieval(settings: Settings, app: Database, vectors: Reader) -> Retrieval:
    """Search through an index, which ``entry`` chooses, and the encoder's process."""
    rereading = Rereading(RemoteReranker(settings.layout.encoder_socket)) if settings.encoder.reranker else None
    return Retrieval(app, Index(vectors), encoder(settings), rereading=rereading)


def archives(settings: Settings) -> Shelf:
    """Where archives of collections wait to be taken in."""
    web = settings.web
    return Shelf(settings.layout.exports, web.largest_archive, web.largest_upload)


def parse_limits(settings: Settings) -> ParseLimits:
    """What one file may cost."""
    knowledge = settings.knowledge
    return ParseLimits(
        file_bytes=settings.web.largest_upload,
        text=knowledge.largest_text,
        seconds=knowledge.parse_seconds,
        memory=knowledge.parse_memory,
    )


class Workshop:
    """A worker's tools, made on first use: after the fork, in the process that uses them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def tools(self) -> Tools:
        """For ingests."""
        settings = self._settings
        return Tools(
            blobs=self.blobs,
            parser=ParserHost(parse_limits(settings), settings.layout.log("parser")),
            encoder=encoder(settings),
            chunk_tokens=settings.knowledge.chunk_tokens,
            encode_batch=settings.knowledge.encode_batch,
        )

    @property
    def signer(self) -> Signer:
        """For the certificates of what a rule forgot: the same key as for tenants."""
        return Signer(crypto.kept(self._settings.layout.secret(SECRET)))

    @property
    def archives(self) -> Shelf:
        """For collections that are imported."""
        return archives(self._settings)

    @cached_property
    def blobs(self) -> Blobs:
        """For deletions, which need nothing else."""
        return blobs(self._settings)
