"""What can go wrong with model versions; those about their files stand beside the code that finds them."""

from appliance.kit.errors import NotFound


class ModelNotFound(NotFound):
    """There is no such model version."""

    code = "model_not_found"
    advice = "List what there is with 'appliance models list'."


class ModelUnknown(NotFound):
    """No source of models has this name."""

    code = "model_unknown"
    advice = "Put a verified directory with a manifest.json into the model store, or name one of the known packages."
