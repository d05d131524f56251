"""What we sign the reference implementation accepts, what it signs we accept, and what is refused both refuse."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance.catalog import manifest, oms
from appliance.catalog.oms import BadKey, BadSignature, Signature
from tests.factories.models import model

PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def keys(directory: Path, curve: ec.EllipticCurve | None = None, name: str = "vendor") -> tuple[Path, Path]:
    """A private and a public key as files."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    private, public = directory / f"{name}.key", directory / f"{name}.pem"
    private.write_bytes(key.private_bytes(*PEM))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_ours_is_theirs_and_theirs_is_ours(tmp_path: Path, curve: ec.EllipticCurve) -> None:
    from model_signing import hashing, signing, verifying  # noqa: PLC0415 - seconds, for this test alone

    directory = model(tmp_path, "tiny", "encoder")  # which has a folder inside
    files = manifest.read(directory).files
    private, public = keys(tmp_path, curve)
    signature = directory / "model.sig"

    def theirs() -> None:
        verifying.Config().use_elliptic_key_verifier(public_key=public).verify(directory, signature)

    signature.write_text(oms.sign(files, "tiny", private))
    theirs()
    ours = oms.check(signature.read_text(), files, [public])

    ignored = hashing.Config().set_ignored_paths(paths=[signature, directory / manifest.NAME])
    signing.Config().use_elliptic_key_signer(private_key=private).set_hashing_config(ignored).sign(directory, signature)
    theirs()
    assert oms.check(signature.read_text(), files, [public]) == ours
    assert ours.state == "verified"

    (directory / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="mismatch"):
        theirs()
    with pytest.raises(BadSignature, match=r"over other files: config\.json"):
        oms.check(signature.read_text(), manifest.survey(directory), [public])


@pytest.fixture
def signed(tmp_path: Path) -> tuple[dict[str, Any], tuple[manifest.File, ...], Path]:
    """A bundle, the files that it is over, and the public key."""
    files = manifest.read(model(tmp_path)).files
    private, public = keys(tmp_path)
    return json.loads(oms.sign(files, "tiny", private)), files, public


def test_without_a_signature_or_with_a_stranger_s_nothing_is_claimed(
    signed: tuple[dict[str, Any], tuple[manifest.File, ...], Path], tmp_path: Path
) -> None:
    bundle, files, public = signed
    stranger = keys(tmp_path, name="stranger")[1]
    assert oms.check(None, files, [public]) == Signature("unsigned")
    assert oms.check(json.dumps(bundle), files, [stranger]).state == "untrusted"
    assert oms.check(json.dumps(bundle), files, [stranger, public]).state == "verified"


def statement(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    """A change of what was signed."""

    def spoil(bundle: dict[str, Any]) -> None:
        envelope = bundle["dsseEnvelope"]
        told = json.loads(base64.b64decode(envelope["payload"]))
        change(told)
        envelope["payload"] = base64.b64encode(json.dumps(told).encode()).decode()

    return spoil


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda bundle: bundle.update(mediaType="x"), "another kind"),
        (lambda bundle: bundle["dsseEnvelope"].update(payloadType="x"), "another kind"),
        (lambda bundle: bundle.pop("verificationMaterial"), "no signature by a key"),
        (lambda bundle: bundle["dsseEnvelope"].update(signatures=[]), "no signature by a key"),
        (lambda bundle: bundle["dsseEnvelope"].update(payload="%%"), "no signature by a key"),
        (lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig="AAAA"), "not made by the key"),
        (statement(lambda told: told.update(note="x")), "not made by the key"),
        (statement(lambda told: told.update(_type="x")), "of another kind"),
        (statement(lambda told: told.pop("subject")), "cannot be read"),
        (statement(lambda told: told["predicate"]["serialization"].update(method="shards")), "pieces of files"),
        (statement(lambda told: told["predicate"]["resources"].pop()), "own digest"),
        (statement(lambda told: told["predicate"]["resources"][0].update(name="other.json")), r"other\.json"),
    ],
)
def test_a_signature_that_does_not_hold_is_refused(
    signed: tuple[dict[str, Any], tuple[manifest.File, ...], Path],
    spoil: Callable[[dict[str, Any]], object],
    named: str,
) -> None:
    bundle, files, public = signed
    spoil(bundle)
    with pytest.raises(BadSignature, match=named):
        oms.check(json.dumps(bundle), files, [public])


def test_a_file_that_the_signature_does_not_cover_is_a_fault(
    signed: tuple[dict[str, Any], tuple[manifest.File, ...], Path],
) -> None:
    bundle, files, public = signed
    with pytest.raises(BadSignature, match=r"added\.json"):
        oms.check(json.dumps(bundle), (*files, manifest.File("added.json", "0" * 64, 1)), [public])


def test_only_keys_on_the_known_curves_are_taken(
    signed: tuple[dict[str, Any], tuple[manifest.File, ...], Path], tmp_path: Path
) -> None:
    bundle, files, _ = signed
    other = rsa.generate_private_key(65537, 2048)
    private, public = tmp_path / "rsa.key", tmp_path / "rsa.pem"
    private.write_bytes(other.private_bytes(*PEM))
    public.write_bytes(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for key in (private, tmp_path / "absent", public):
        with pytest.raises(BadKey):
            oms.sign(files, "tiny", key)
    for key in (public, tmp_path / "absent", private):
        with pytest.raises(BadKey):
            oms.check(json.dumps(bundle), files, [key])
    koblitz = keys(tmp_path, ec.SECP256K1(), "koblitz")
    with pytest.raises(BadKey, match="P-256"):
        oms.sign(files, "tiny", koblitz[0])
