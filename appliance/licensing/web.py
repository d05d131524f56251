"""The licence asked by a route, before its act: whether the state is open for it. Numbers are asked where they change.

@router.post("/collections", dependencies=[allow(Action.MANAGE_COLLECTIONS), licensed(Point.WRITING)])
"""

from fastapi import Request, params

from appliance.access.web import Caller
from appliance.licensing.asking import Licences
from appliance.licensing.points import ALWAYS, POINTS, Point


def licensed(point: Point) -> params.Depends:
    """A dependency that lets an act through while the licence is open for it (403 ``not_licensed`` otherwise).

    A point that no state closes asks nobody: reading must not hang on the licence's own rows.
    """

    def check(request: Request, _principal: Caller) -> None:
        if POINTS[point] is not ALWAYS:
            licences(request).now().check(point)

    return params.Depends(check)


def licences(request: Request) -> Licences:
    """The licence of this process."""
    found: Licences = request.app.state.licences
    return found
