"""Embeddings over the gateway: the encoder's own process, counted like any inference."""

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from appliance.access.principal import Principal
from appliance.catalog import encoders, manifest
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.kit import clock, offload
from appliance.kit.ids import uuid7
from appliance.serving.bodies import EmbeddingBody
from appliance.serving.errors import FieldRefused, ModelNotAllowed, RouteNotFound
from appliance.serving.inference import Record
from appliance.usage.budgets import Reserving, Unlimited
from appliance.usage.journal import UsageRecord
from appliance.usage.reservation import Wanted

_JSON: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoder of this appliance as a model that callers may name."""

    name: str
    digest: str
    created_at: datetime
    encoder: RemoteEncoder


class Embeddings:
    """Vectors of callers' texts. ``encoding`` None: this appliance has no encoder."""

    def __init__(self, encoding: Encoding | None, record: Record, budgets: Reserving | None = None) -> None:
        self.encoding = encoding
        self._record = record
        self._budgets = budgets or Unlimited()

    def close(self) -> None:
        """Close the connections to the encoder's process."""
        if self.encoding is not None:
            self.encoding.encoder.close()

    async def encode(self, body: EmbeddingBody, principal: Principal) -> tuple[bytes, dict[str, str]]:
        """The answer and its provenance.

        Raises :class:`RouteNotFound`, :class:`ModelNotAllowed`, :class:`FieldRefused`, ``EncoderNotReady`` or
        ``OverQuota``.
        """
        found = self.encoding
        if found is None or body.model != found.name:
            raise RouteNotFound(f"there is no model {body.model!r} that embeds")
        if not principal.may_use(found.name):
            raise ModelNotAllowed(f"this key may not use the model {found.name!r}")
        wide = found.encoder.dimensions
        if body.dimensions not in (None, wide):
            raise FieldRefused(f"dimensions: the vectors of {found.name} have {wide}", field="dimensions")
        texts = [body.input] if isinstance(body.input, str) else body.input
        begun, started_at = clock.monotonic(), clock.now()
        tokens = sum(await offload.run(found.encoder.tokens, texts))
        reservation = await offload.run(self._budgets.reserve, principal, Wanted(tokens, tokens))
        try:
            vectors = await offload.run(found.encoder.encode, texts)
            usage = _usage(found, principal, tokens, clock.monotonic() - begun, started_at)
            reservation.recording(self._record)(usage)
        finally:
            reservation.release()
        told = {"x-appliance-route": found.name, "x-appliance-model-digest": found.digest}
        return _answer(found.name, vectors, tokens, body.encoding_format), told


def open_encoder(store: Path, name: str, socket: Path) -> Encoding | None:
    """The encoder that lies in the model store; None where there is none that can be read."""
    try:
        found = manifest.read(store / name)
        about = encoders.about(store, name)
    except manifest.BadManifest:
        return None
    return Encoding(name, found.digest, clock.now(), RemoteEncoder(socket, about))


def _answer(name: str, vectors: NDArray[np.float32], tokens: int, form: str) -> bytes:
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(vector, form)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return _JSON.dump_json({"object": "list", "data": data, "model": name, "usage": usage})


def _vector(vector: NDArray[np.float32], form: str) -> list[float] | str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode() if form == "base64" else vector.tolist()


def _usage(found: Encoding, principal: Principal, tokens: int, seconds: float, started_at: datetime) -> UsageRecord:
    return UsageRecord(
        request_id=uuid7(),
        tenant_id=principal.tenant,
        user_id=principal.user,
        key_id=principal.key,
        route=found.name,
        model_digest=found.digest,
        adapter_digest=None,
        outcome="done",
        prompt_tokens=tokens,
        completion_tokens=0,
        first_token_seconds=None,
        total_seconds=seconds,
        started_at=started_at,
    )
