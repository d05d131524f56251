"""Where things lie in a data directory. Nothing else builds these paths."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

# sun_path holds 108 bytes with its terminator (unix(7)); the wire's successor adds a suffix of 9.
SOCKET_LIMIT = 98
ENGINE_SOCKET_LIMIT = 107
"""For those that vLLM makes itself, which are called by a UUID and nothing more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one data directory."""

    data: Path

    @property
    def run(self) -> Path:
        """Sockets, pid records, readiness files; 0700. A link to a shorter path where sockets would not fit."""
        path = self.data / "run"
        return path.readlink() if path.is_symlink() else path

    @property
    def secrets(self) -> Path:
        """Files of mode 0600."""
        return self.data / "secrets"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own directory."""
        return self.data / "postgres"

    @property
    def blobs(self) -> Path:
        """Original files by tenant and sha256."""
        return self.data / "blobs"

    @property
    def adapters(self) -> Path:
        """LoRA weights by tenant and id, each version at a path of its own that is never used again."""
        return self.data / "adapters"

    @property
    def exports(self) -> Path:
        """Archives of tenants that were asked for, by tenant; each is gone after a day."""
        return self.data / "exports"

    @property
    def index(self) -> Path:
        """The vector index: a projection, may be thrown away."""
        return self.data / "index"

    @property
    def journal(self) -> Path:
        """Usage records on their way to the database."""
        return self.data / "journal"

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.data / "logs"

    @property
    def spool(self) -> Path:
        """What is being uploaded, in files without a name: on the disk that has room for it, and private."""
        return self.data / "spool"

    @property
    def licensing(self) -> Path:
        """The clock guard's mark beside the database, and a restore's marker."""
        return self.data / "licensing"

    @property
    def index_socket(self) -> Path:
        """Where the index process answers."""
        return self.run / "index.sock"

    @property
    def encoder_socket(self) -> Path:
        """Where the encoder process answers."""
        return self.run / "encoder.sock"

    @property
    def valkey_socket(self) -> Path:
        """Where the embedded Valkey answers."""
        return self.run / "valkey.sock"

    def engine_socket(self, deployment: UUID) -> Path:
        """One engine's socket: the last 12 hex digits of a UUIDv7 are its random part."""
        return self.run / f"engine-{deployment.hex[-12:]}.sock"

    def engine_warm(self, deployment: UUID) -> Path:
        """There while that engine takes requests: it answers its health check before, while it is warmed."""
        return self.engine_socket(deployment).with_suffix(".warm")

    def beat(self, process: str) -> Path:
        """Touched by a process that nobody calls, in every turn of its loop."""
        return self.run / f"{process}.beat"

    def log(self, process: str) -> Path:
        """The log file of a process."""
        return self.logs / f"{process}.log"

    def secret(self, name: str) -> Path:
        """The file of a secret."""
        return self.secrets / name

    def make(self) -> None:
        """Create the directories, private to this user. PostgreSQL's own is made by its driver."""
        self.data.mkdir(parents=True, exist_ok=True)
        for directory in (self.run, self.secrets, self.blobs, self.index, self.journal, self.logs, self.spool):
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
