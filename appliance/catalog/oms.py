"""Signatures over a model's files in the OpenSSF's model signing format (OMS), with keys that need no network.

``model.sig`` is a Sigstore bundle: a DSSE envelope around an in-toto statement that lists the digest of each file. The
digests are the manifest's, so that signing and checking read no weights. Keys are elliptic (P-256, P-384, P-521), in
PEM files; a signature names its key by the SHA-256 of the public half. Why not the reference implementation: 0030.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.catalog.manifest import BESIDE, BadManifest, File
from appliance.catalog.sources import left_out

LARGEST: Final = 4 * 1024 * 1024
_BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD: Final = "application/vnd.in-toto+json"
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "https://model_signing/signature/v1.0"
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


class BadSignature(BadManifest):
    """The signature does not hold for these files, or is none."""

    code = "bad_signature"
    advice = "Fetch the model and its signature again; do not use these weights."


class BadKey(BadManifest):
    """The file holds no key that can sign or check models."""

    code = "bad_signing_key"
    advice = "Make one with 'openssl ecparam -name prime256v1 -genkey -noout'."


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a version's signature: by which key (SHA-256 of its PEM), and whether we trust that key."""

    state: Literal["unsigned", "untrusted", "verified"]
    key: str | None = None


def sign(files: Iterable[File], name: str, key: Path) -> str:
    """The text of ``model.sig`` over these files. Raises :class:`BadKey`."""
    private = _private(key)
    payload = json.dumps(_statement(files, name), separators=(",", ":")).encode()
    signature = private.sign(_encoded(payload), ec.ECDSA(_HASHES[private.curve.name]))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _PAYLOAD,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
    }
    material = {"publicKey": {"hint": fingerprint(private.public_key())}, "tlogEntries": []}
    return json.dumps({"mediaType": _BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope})


def check(text: str | None, files: Iterable[File], trusted: Iterable[Path]) -> Signature:
    """What a signature says of these files; None: there is none.

    One by a key that nobody here trusts is ``untrusted``, but must list these very files too. Raises
    :class:`BadSignature`, :class:`BadKey`.
    """
    if text is None:
        return Signature("unsigned")
    hint, payload, signature = _opened(text)
    _lists(payload, tuple(files))
    keys = {fingerprint(key): key for key in map(_public, trusted)}
    key = keys.get(hint)
    if key is None:
        return Signature("untrusted", hint)
    try:
        key.verify(signature, _encoded(payload), ec.ECDSA(_HASHES[key.curve.name]))
    except InvalidSignature as error:
        raise BadSignature("the signature was not made by the key that it names") from error
    return Signature("verified", hint)


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """How a signature names its key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.PEM, form)).hexdigest()


def _statement(files: Iterable[File], name: str) -> Mapping[str, Any]:
    ordered = sorted(files, key=lambda file: file.path)
    root = hashlib.sha256(b"".join(bytes.fromhex(file.sha256) for file in ordered)).hexdigest()
    method = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": sorted(BESIDE)}
    resources = [{"name": file.path, "algorithm": "sha256", "digest": file.sha256} for file in ordered]
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": method, "resources": resources},
    }


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding (github.com/secure-systems-lab/dsse, protocol.md)."""
    return b" ".join([f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)}".encode(), payload])


def _opened(text: str) -> tuple[str, bytes, bytes]:
    """Key, payload and signature of a bundle."""
    try:
        bundle = json.loads(text)
        envelope = bundle["dsseEnvelope"]
        (one,) = envelope["signatures"]
        if (bundle["mediaType"], envelope["payloadType"]) != (_BUNDLE, _PAYLOAD):
            raise BadSignature("it is a bundle of another kind")
        hint = str(bundle["verificationMaterial"]["publicKey"]["hint"])
        return hint, base64.b64decode(envelope["payload"], validate=True), base64.b64decode(one["sig"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadSignature(f"it is no signature by a key in the OMS format: {error!r}") from error


def _lists(payload: bytes, files: tuple[File, ...]) -> None:
    """Raise unless the statement lists exactly these files."""
    try:
        told = json.loads(payload)
        predicate = told["predicate"]
        if (told["_type"], told["predicateType"]) != (_STATEMENT, _PREDICATE):
            raise BadSignature("its statement is of another kind")
        if predicate["serialization"]["method"] != "files":
            raise BadSignature("it lists pieces of files, which this appliance does not take apart")
        listed = {
            str(one["name"]): str(one["digest"]) for one in predicate["resources"] if one["algorithm"] == "sha256"
        }
        root = hashlib.sha256(b"".join(bytes.fromhex(one["digest"]) for one in predicate["resources"])).hexdigest()
        if told["subject"][0]["digest"]["sha256"] != root:
            raise BadSignature("its own digest does not follow from its list")
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise BadSignature(f"its statement cannot be read: {error!r}") from error
    ours = {file.path: file.sha256 for file in files}
    theirs = {path: digest for path, digest in listed.items() if not left_out(path) and path not in BESIDE}
    differ = sorted(path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path))
    if differ:
        raise BadSignature(f"it was made over other files: {', '.join(differ[:5])}")


def _private(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path.name} holds no private key without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in _HASHES:
        raise BadKey(f"{path.name} is no key on P-256, P-384 or P-521")
    return key


def _public(path: Path) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path.name} holds no public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _HASHES:
        raise BadKey(f"{path.name} is no key on P-256, P-384 or P-521")
    return key
