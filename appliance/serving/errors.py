"""What can go wrong between a caller and an engine. EngineDown (503) stands beside the engine's port."""

from appliance.kit.errors import BadRequest, Forbidden, NotFound, Refused, Unavailable


class RouteNotFound(NotFound):
    """There is no route of this name."""

    code = "route_not_found"
    advice = "List the routes with GET /v1/models, and send one of them as 'model'."


class ModelNotAllowed(Forbidden):
    """The key's list of models does not name this one."""

    code = "model_not_allowed"
    advice = "List the models that the key may use with GET /v1/models, or ask for a key without such a list."


class FieldRefused(BadRequest):
    """A field of the request is not accepted."""

    code = "field_refused"
    advice = "Leave out or correct the field that the message names; nothing was sent to the model."


class EngineRefused(Refused):
    """The engine understood the request and will not serve it, for instance because the prompt is too long."""

    code = "engine_refused"
    advice = "Shorten the prompt or ask for fewer tokens."


class NoPlace(Refused):
    """No device of this host can take the engine."""

    code = "no_place"
    advice = "Stop another deployment, or give this one less: a smaller context, cache, share of memory or model."


class EngineFull(Unavailable):
    """The engine has as many requests as it takes."""

    code = "engine_full"
