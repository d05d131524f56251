"""The licence as it is told over HTTP."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.licensing.guard import Suspicion
from appliance.licensing.points import Point
from appliance.licensing.states import State


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LimitsView(_View):
    """How many of each there may be."""

    tenants: int
    seats: int
    gpus: int
    adapters: int


class ModelView(_View):
    """A model version or family that may be deployed."""

    kind: str = Field(description="version or family")
    name: str
    digests: list[str]


class TermsView(BaseModel):
    """What the file in force says."""

    id: str
    customer: str
    bound: bool = Field(description="Whether it names this appliance's fingerprint")
    models: list[ModelView]
    issued_at: datetime
    not_before: datetime
    expires: datetime
    grace_days: int
    key: str = Field(description="Id of the vendor's key that signed it")


class ClockView(BaseModel):
    """The clock guard."""

    mark: datetime = Field(description="It is this late at least")
    suspicion: Suspicion | None = Field(description="Why the clock is not believed; null: it is")
    since: datetime | None


class LicenceView(BaseModel):
    """The licence: its state, what it allows, and what it is verified with."""

    state: State
    deciding: State = Field(description="The state that decides while the clock is suspect; else the same")
    until: datetime | None = Field(description="When the deciding state ends by itself")
    reason: str | None = Field(description="Code of what is wrong with the file in force")
    appliance_id: UUID
    fingerprint: str
    root: str = Field(description="Id of the root key that is trusted")
    pinned: bool = Field(description="Whether that is the vendor's own; false: the settings name another")
    limits: LimitsView
    features: list[str] | None = Field(description="null: any")
    open: dict[Point, bool] = Field(description="Which acts may begin")
    licence: TermsView | None = Field(description="null: no file is in force")
    clock: ClockView
    revocations: int | None = Field(description="Sequence of the list of revocations that is here")


class SignedFileBody(BaseModel):
    """A signed file of the vendor's, as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"file": '{"format":"appliance-licence-v1","keys":[],"payload":{},"…":""}\n'}]},
    )

    file: str = Field(description="The file's text, byte for byte; 64 KiB at most", max_length=1024 * 1024)
