"""Settings: built-in defaults < ``appliance.toml`` in the data directory < ``APPLIANCE_*`` variables.

A nested setting is written ``APPLIANCE_INDEX__OPTIMISE_AFTER``. Every one is listed in ``docs/reference/settings.md``.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from appliance.kit.layout import Layout


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Section):
    """PostgreSQL. In the embedded profile host is the socket directory and the passwords lie in ``secrets/``."""

    host: str = Field("", description="Socket directory or host name; empty: the embedded server's own")
    port: int = Field(5432, description="Port; in the embedded profile a part of the socket's name")
    name: str = Field("appliance", description="Database")
    pool_size: int = Field(8, ge=1, description="Connections a process keeps for each database role")
    statement_timeout_ms: int = Field(30_000, ge=0, description="Longest statement of the app role")
    lock_timeout_ms: int = Field(5_000, ge=0, description="Longest wait for a lock")


class BrokerSettings(_Section):
    """Valkey or Redis, behind Celery."""

    url: str = Field("", description="Celery broker address; empty: the embedded Valkey's socket")


class WebSettings(_Section):
    """The HTTP API."""

    host: str = Field("127.0.0.1", description="Address to listen on; any but loopback needs a certificate")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on")
    certificate: Path | None = Field(None, description="TLS certificate; needed for any address but loopback")
    key: Path | None = Field(None, description="TLS private key")
    proxies: str = Field("", description="Addresses of proxies whose X-Forwarded-For is believed, by commas")
    largest_upload: int = Field(100 * 1024 * 1024, ge=1, description="Bytes a single uploaded file may have")
    largest_archive: int = Field(20 * 1024**3, ge=1, description="Bytes a collection's archive may have for its import")
    keep_idempotency_hours: int = Field(24, ge=1, description="Hours in which a repeated Idempotency-Key is known")
    threads: int = Field(16, ge=1, description="Threads for blocking work; also the limit of concurrent services")
    connections: int = Field(2_000, ge=1, description="Connections that may be open at once")
    connections_per_peer: int = Field(200, ge=1, description="One address's of them (an IPv6 /64's); proxies are free")
    head_seconds: float = Field(20, gt=0, description="Seconds in which the head of a request has to come")
    body_seconds: float = Field(
        20, gt=0, description="Seconds in which a body has to come, or a KiB of it for each of them"
    )
    send_seconds: float = Field(60, gt=0, description="Seconds after which a caller who takes nothing is cut off")


class SessionSettings(_Section):
    """Sessions of browsers."""

    idle_minutes: int = Field(60, ge=1, description="Minutes without a request after which a session ends")
    hours: int = Field(12, ge=1, description="Hours after which a session ends in any case")
    keep_days: int = Field(30, ge=1, description="Days that ended sessions are kept")


class InvitationSettings(_Section):
    """Invitations of people."""

    keep_days: int = Field(90, ge=1, description="Days that accepted, revoked and expired invitations are kept")


class MailSettings(_Section):
    """The company's mail server, for invitations."""

    host: str = Field("", description="SMTP server; empty: no mail is sent, links are copied")
    port: int = Field(587, ge=1, le=65535, description="Its port")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none: for this machine's own alone")
    ca: Path | None = Field(None, description="PEM of the authority that signed its certificate; empty: the system's")
    user: str = Field("", description="Signs in as, with the password in secrets/smtp-password; empty: as nobody")
    sender: str = Field("", description="Address that mail comes from; empty: appliance@ and the server's name")
    public_url: str = Field("", description="Where people reach the page; empty: as the request named us")


class JobSettings(_Section):
    """Durable jobs."""

    concurrency: int = Field(4, ge=1, description="Jobs that a worker runs at once; most wait for the encoder")
    running_per_tenant: int = Field(3, ge=1, description="Running jobs a tenant may have at once")
    lease_seconds: int = Field(30, ge=2, description="A lease not renewed for so long is taken from its worker")
    sweep_seconds: int = Field(10, ge=1, description="Pause between two sweeps")
    attempts: int = Field(5, ge=1, description="Times a job is begun before it fails for good")
    keep_events_days: int = Field(30, ge=1, description="Days that job events are kept")
    keep_jobs_days: int = Field(90, ge=1, description="Days that ended jobs are kept")


class AuditSettings(_Section):
    """The chain over the audit record."""

    sequence_seconds: float = Field(1.0, gt=0, le=5, description="Pause between two looks for entries to chain")
    head_entries: int = Field(1_000, ge=1, description="A signed head after so many entries")
    head_seconds: int = Field(60, ge=1, description="A signed head after so many seconds, if there are new entries")
    syslog: str = Field("", description="Where entries and heads go: udp://, tcp:// or unix://; empty: nowhere")


class CatalogSettings(_Section):
    """Model versions."""

    trusted_keys: Path | None = Field(None, description="Directory of public keys (*.pem) that may sign models")
    unsigned: Literal["allow", "refuse"] = Field(
        "allow", description="Whether models come in without a signature by a trusted key"
    )


class KnowledgeSettings(_Section):
    """Documents: parsing, chunking, retrieval."""

    parse_seconds: int = Field(120, ge=1, description="Deadline for parsing one file")
    parse_memory: int = Field(1536 * 1024 * 1024, ge=1, description="Address space of the parsing child, bytes")
    largest_text: int = Field(20_000_000, ge=1, description="Characters of normal text a document may have")
    chunk_tokens: int = Field(200, ge=16, description="Aimed size of a chunk in the encoder's tokens")
    encode_batch: int = Field(64, ge=1, description="Chunks sent to the encoder at once")


class SourceSettings(_Section):
    """Where documents come from by themselves."""

    folders: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Directories that folders of sources may lie in, each with the names or ids of tenants; * for all",
    )
    hosts: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Hosts (name or name:port) that sources may reach at private addresses, each with its tenants",
    )
    items: int = Field(100_000, ge=1, description="Things that one source may hold; what is beyond is not taken")
    stable_seconds: float = Field(2, ge=0, description="Seconds that a file must have rested before it is taken")
    keep_log_days: int = Field(90, ge=1, description="Days that the log of a source is kept")


class IndexSettings(_Section):
    """The vector index."""

    qdrant_url: str = Field("", description="Qdrant server; empty: the embedded index process")
    dimensions: int = Field(384, ge=1, description="Length of the encoder's vectors")
    optimise_after: int = Field(5_000, ge=1, description="Changed points after which graphs are built; a tenth if more")
    poll_seconds: float = Field(1.0, gt=0, description="Longest wait for new outbox rows")


class EncoderSettings(_Section):
    """The embedding model's process."""

    model: str = Field("all-minilm-l6-v2", description="Name of the encoder in the model store")
    threads: int = Field(0, ge=0, description="Torch threads; 0: one for each core")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Of weights; auto: as computed best")
    batch: int = Field(32, ge=1, description="Texts in one forward pass")
    reranker: str = Field("", description="Name of a reranker in the model store; empty: none")


class EngineSettings(_Section):
    """vLLM engines."""

    model: str = Field("smollm2-135m-instruct", description="Language model deployed at the first start")
    start_seconds: int = Field(600, ge=1, description="Longest start; six times as long for one that still works")
    poll_seconds: float = Field(1.0, gt=0, description="Pause between two reconciliations")
    enabled: bool = Field(default=True, description="False: no engine is started; answers are quoted")
    eager: bool = Field(default=False, description="The first deployment compiles nothing: ready sooner, slower then")
    endpoints: dict[str, list[str]] = Field(
        default_factory=dict, description="Engines that others start: a deployment's name and its HTTP addresses"
    )
    program: str = Field(
        "vllm.entrypoints.openai.api_server", description="Python module that is the engine; takes vLLM's arguments"
    )


class GatewaySettings(_Section):
    """The OpenAI-compatible gateway."""

    answer_seconds: float = Field(600, gt=0, description="Longest answer; the engine is then told to stop")
    wait_seconds: float = Field(60, gt=0, description="Longest wait for a turn at an engine")


class MetricsSettings(_Section):
    """What ``/metrics`` tells, and to whom."""

    loopback: bool = Field(default=True, description="Tell this machine without the key; never what a proxy passes on")
    tenants: bool = Field(default=False, description="Tell tokens by tenant, under the tenant's id")


class LicensingSettings(_Section):
    """The vendor's licence."""

    root: Path | None = Field(None, description="Public key (PEM) to trust instead of the vendor's own; for tests")


class UsageSettings(_Section):
    """What is kept of usage, and what the hardware costs. A price that is not known stays 0: no cost is told then."""

    keep_records_days: int = Field(400, ge=32, description="Days that a request's record is kept")
    keep_hours_days: int = Field(1_830, ge=32, description="Days that hourly sums are kept")
    currency: str = Field("USD", min_length=1, max_length=8, description="Of the prices here")
    hardware_price: float = Field(0.0, ge=0, description="What the server cost; 0: not known")
    hardware_years: float = Field(4.0, gt=0, description="Years in which it is written off")
    power_watts: float = Field(0.0, ge=0, description="What it draws on average")
    power_price: float = Field(0.0, ge=0, description="Of a kilowatt-hour")
    utilisation: float = Field(
        0.3, gt=0, le=1, description="Share of the time in which engines are to be busy: idle time is paid by the busy"
    )


class HostSettings(_Section):
    """What the machine must have to spare before the appliance starts on it, and when ``up`` gives a part up."""

    least_memory: int = Field(2 * 1024**3, ge=0, description="Bytes of memory that must be available")
    least_disk: int = Field(1024**3, ge=0, description="Bytes that must be free below the data directory")
    patience: float = Field(
        1.0,
        ge=0,
        description="Factor of the minutes (web 1, encoder 2, index and worker 3) that a part may neither answer nor "
        "work before it is started again; 0: for ever",
    )


class Settings(BaseSettings):
    """All settings of one appliance."""

    model_config = SettingsConfigDict(
        env_prefix="APPLIANCE_",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data: Path = Field(Path.home() / ".local/share/appliance", description="The data directory")
    models: Path | None = Field(None, description="The model store; default: models/ in the data directory")
    profile: Literal["embedded", "server"] = Field("embedded", description="Who runs the services: `up`, or the system")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    database: DatabaseSettings = DatabaseSettings()
    broker: BrokerSettings = BrokerSettings()
    web: WebSettings = WebSettings()
    sessions: SessionSettings = SessionSettings()
    invitations: InvitationSettings = InvitationSettings()
    mail: MailSettings = MailSettings()
    jobs: JobSettings = JobSettings()
    audit: AuditSettings = AuditSettings()
    catalog: CatalogSettings = CatalogSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    sources: SourceSettings = SourceSettings()
    index: IndexSettings = IndexSettings()
    encoder: EncoderSettings = EncoderSettings()
    engine: EngineSettings = EngineSettings()
    usage: UsageSettings = UsageSettings()
    gateway: GatewaySettings = GatewaySettings()
    metrics: MetricsSettings = MetricsSettings()
    host: HostSettings = HostSettings()
    licensing: LicensingSettings = LicensingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        data = os.environ.get("APPLIANCE_DATA")
        file = TomlConfigSettingsSource(settings_cls, Path(data) / "appliance.toml") if data else None
        return (init_settings, env_settings, file) if file else (init_settings, env_settings)

    @property
    def layout(self) -> Layout:
        """The paths of the data directory."""
        return Layout(self.data.absolute())

    @property
    def model_store(self) -> Path:
        """Where verified weight files lie."""
        return (self.models or self.data / "models").absolute()

    @property
    def broker_url(self) -> str:
        """The broker's address, the embedded one unless set."""
        return self.broker.url or f"redis+socket://{self.layout.valkey_socket}"


@lru_cache(maxsize=1)
def load() -> Settings:
    """This process's settings, read once."""
    return Settings()
