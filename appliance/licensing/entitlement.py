"""What the licence allows, as a frozen value that only this slice can make. Others ask it, and believe the answer."""

from dataclasses import InitVar, dataclass

from appliance.licensing.errors import LimitReached, NotLicensed
from appliance.licensing.licence import Licence, Limits
from appliance.licensing.points import POINTS, Point, is_open
from appliance.licensing.states import EVALUATION, Standing, State

_MAKER = object()


@dataclass(frozen=True)
class Entitlement:
    """What may be done now. ``models`` and ``features`` None: any."""

    standing: Standing
    limits: Limits
    models: frozenset[str] | None
    features: frozenset[str] | None
    maker: InitVar[object] = None

    def __post_init__(self, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("an Entitlement comes from licensing alone")

    @property
    def state(self) -> State:
        """The state that is told."""
        return self.standing.state

    def allows(self, point: Point) -> bool:
        """Whether such an act may begin, its feature included; numbers and models are asked on their own."""
        rule = POINTS[point]
        has_feature = rule.feature is None or self.features is None or rule.feature in self.features
        return is_open(point, self.standing.deciding) and has_feature

    def allows_writes(self) -> bool:
        """Whether documents may be added and changed."""
        return self.allows(Point.WRITING)

    def allows_model(self, digest: str) -> bool:
        """Whether the model version with this digest may be deployed."""
        return self.models is None or digest in self.models

    def limit(self, point: Point) -> int | None:
        """How many there may be of what the point adds, None: it has no number."""
        name = POINTS[point].limit
        return None if name is None else int(getattr(self.limits, name))

    def check(self, point: Point) -> None:
        """Raise :class:`NotLicensed` for the state or a missing feature; numbers and models are not looked at."""
        if not self.allows(point):
            stated = f"the licence is {self.state.replace('_', ' ')}"
            why = "it is not in the licence" if is_open(point, self.standing.deciding) else stated
            raise NotLicensed(f"{point.replace('_', ' ')} is not licensed: {why}", point=point)

    def require(self, point: Point, used: int = 0, model: str | None = None) -> None:
        """Raise unless the act may begin where ``used`` are there already.

        :class:`NotLicensed` for the state, a missing feature or a model; :class:`LimitReached` for a number.
        """
        what = point.replace("_", " ")
        self.check(point)
        if POINTS[point].model and model is not None and not self.allows_model(model):
            raise NotLicensed(f"{what} is not licensed for this model version", point=point)
        most = self.limit(point)
        if most is not None and used >= most:
            name = str(POINTS[point].limit)
            raise LimitReached(f"the licence allows {most} {name}, and there are {used}", limit=name, most=most)


def entitled(standing: Standing, licence: Licence | None) -> Entitlement:
    """What follows from a licence that holds, or from none: the evaluation's, or after its end the same, closed."""
    if licence is None:
        return Entitlement(standing, EVALUATION, None, None, _MAKER)
    models = frozenset(digest for model in licence.models for digest in model.digests)
    return Entitlement(standing, licence.limits, models, frozenset(licence.features), _MAKER)
