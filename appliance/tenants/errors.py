"""What can go wrong with tenants and credentials."""

from appliance.kit.errors import Conflict, NotFound, Unauthenticated


class BadCredential(Unauthenticated):
    """The key, password or sign-in token is not valid."""

    code = "bad_credential"


class TenantNotFound(NotFound):
    """No such tenant."""

    code = "tenant_not_found"


class UserNotFound(NotFound):
    """No such user."""

    code = "user_not_found"


class NameTaken(Conflict):
    """This name is in use already."""

    code = "name_taken"
    advice = "Choose another name."
