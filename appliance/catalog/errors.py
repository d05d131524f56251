"""What can go wrong with model versions; those about their files stand beside the code that finds them."""

from appliance.kit.errors import Conflict, NotFound


class ModelNotFound(NotFound):
    """There is no such model version."""

    code = "model_not_found"
    advice = "List what there is with 'appliance models list'."


class ModelUnknown(NotFound):
    """No source of models has this name."""

    code = "model_unknown"
    advice = "Put a verified directory with a manifest.json into the model store, or name one of the known packages."


class AdapterNotFound(NotFound):
    """There is no such adapter in this tenant."""

    code = "adapter_not_found"
    advice = "List what there is with 'appliance adapters list'."


class NotABase(Conflict):
    """This model version can carry no adapter: it is no language model, or its files are not as they should be."""

    code = "not_a_base"
    advice = "Name a verified language model: 'appliance models list'."


class NoRoom(Conflict):
    """The model store's disk has no room for it."""

    code = "no_room"
    advice = "Free space on the disk of the model store, then import it again."


class NotActive(Conflict):
    """Nobody has accepted the licence of these weights."""

    code = "model_not_active"
    advice = "Read its terms with 'appliance models show', then 'appliance models activate NAME --accept-licence'."


class LicenceNotAccepted(Conflict):
    """The weights' licence must be accepted by who activates them."""

    code = "weights_licence_not_accepted"
    advice = "Read the terms in this answer; then repeat with --accept-licence."


class TermsInDoubt(Conflict):
    """Terms of the weights' licence are unknown, or forbid commercial use."""

    code = "weights_licence_in_doubt"
    advice = "Find the terms out and put them into the catalogue; or override with --override REASON, which is audited."
