"""A vendor for tests: keys, signed licences and lists."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance.kit.canonical import Canonical
from appliance.kit.ids import uuid7
from appliance.licensing.licence import DAY
from appliance.licensing.signing import Keys, Purpose, link, signed
from appliance.licensing.strict import moment

NOW = 1_800_000_000


class Vendor:
    """A root key, and a second key that it signed."""

    def __init__(self) -> None:
        self.root = Ed25519PrivateKey.generate()
        self.later = Ed25519PrivateKey.generate()
        self.link = link(self.later.public_key(), self.root)

    @property
    def keys(self) -> Keys:
        """What the appliance pins."""
        return Keys(self.root.public_key())

    def pin(self, directory: Path) -> Path:
        """The root's public half as a file."""
        path = directory / "root.pem"
        path.write_bytes(self.root.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return path

    def private(self, directory: Path) -> Path:
        """The root's private half as a file."""
        path = directory / "private.pem"
        path.write_bytes(self.root.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path

    def licence(self, by: Ed25519PrivateKey | None = None, links: Canonical = (), /, **changed: Canonical) -> bytes:
        """A signed licence file."""
        return signed(Purpose.LICENCE, terms(**changed), by or self.root, links)

    def revocations(self, sequence: int, *licences: str, keys: tuple[str, ...] = (), at: int = NOW) -> bytes:
        """A signed list of revocations."""
        payload: dict[str, Canonical] = {
            "sequence": sequence,
            "issued_at": moment(at),
            "licences": sorted(licences),
            "keys": sorted(keys),
        }
        return signed(Purpose.REVOCATIONS, payload, self.root)


def terms(now: int = NOW, /, **changed: Canonical) -> dict[str, Canonical]:
    """What a licence says: a year from ``now``, 30 days of grace."""
    usual: dict[str, Canonical] = {
        "id": str(uuid7()),
        "customer": "Beispiel AG 示例",
        "fingerprint": None,
        "models": [{"kind": "version", "name": "qwen2.5-7b-instruct", "digests": ["ab" * 32]}],
        "limits": {"tenants": 5, "seats": 50, "gpus": 2, "adapters": 8},
        "features": ["finetune"],
        "issued_at": moment(now - DAY),
        "not_before": moment(now - DAY),
        "expires": moment(now + 364 * DAY),
        "grace_days": 30,
    }
    return {**usual, **changed}
