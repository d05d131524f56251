"""What can go wrong between a caller and an engine. EngineDown (503) stands beside the engine's port."""

from appliance.kit.errors import BadRequest, Conflict, Forbidden, NotFound, Refused, Unavailable


class RouteNotFound(NotFound):
    """There is no route of this name."""

    code = "route_not_found"
    advice = "List the routes with GET /v1/models, and send one of them as 'model'."


class ModelNotAllowed(Forbidden):
    """The key's list of models does not name this one."""

    code = "model_not_allowed"
    advice = "List the models that the key may use with GET /v1/models, or ask for a key without such a list."


class DeploymentNotFound(NotFound):
    """There is no such deployment."""

    code = "deployment_not_found"
    advice = "List what there is with 'appliance deployments list'."


class DeploymentInUse(Conflict):
    """A route leads to the deployment."""

    code = "deployment_in_use"
    advice = "Lead those routes elsewhere or delete them, then delete the deployment."


class ModelNotReady(Conflict):
    """The model version cannot be deployed as it is."""

    code = "model_not_ready"
    advice = "'appliance models list' says what is wrong with it."


class AdaptersOfAnotherBase(Conflict):
    """Routes have adapters that fit the version that runs, and not the one that shall."""

    code = "adapters_of_another_base"
    advice = "Deploy the new version under another name and lead those routes there with adapters made for it."


class NothingFormer(Conflict):
    """There is nothing to go back to."""

    code = "nothing_former"
    advice = "Only what was changed before can be rolled back."


class RouteRefused(Refused):
    """The route cannot lead there as it was asked."""

    code = "route_refused"
    advice = "Correct what the message names; nothing was changed."


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


class DeadlinePassed(Unavailable):
    """The answer was not there in time, and the engine was told to stop."""

    code = "deadline_passed"
    advice = "Ask for fewer tokens or stream the answer; the operator can raise gateway.answer_seconds."
