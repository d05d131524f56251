"""What can go wrong with tenants, people and credentials."""

from appliance.kit.errors import ApplianceError, Conflict, NotFound, Refused, Unauthenticated


class BadCredential(Unauthenticated):
    """The key, session, password or sign-in token is not valid."""

    code = "bad_credential"


class TenantNotFound(NotFound):
    """No such tenant."""

    code = "tenant_not_found"


class UserNotFound(NotFound):
    """No such user."""

    code = "user_not_found"


class GroupNotFound(NotFound):
    """No such group."""

    code = "group_not_found"


class KeyNotFound(NotFound):
    """No such key."""

    code = "key_not_found"


class SessionNotFound(NotFound):
    """No such session."""

    code = "session_not_found"


class NameTaken(Conflict):
    """This name is in use already."""

    code = "name_taken"
    advice = "Choose another name."


class LastOperator(Conflict):
    """This would leave the appliance without an active operator."""

    code = "last_operator"
    advice = "Make another person an operator first."


class KeyEnded(Conflict):
    """The key is revoked or expired, so there is nothing to rotate."""

    code = "key_ended"
    advice = "Create a new key."


class ServiceHasNoPassword(Refused):
    """A service account signs in with keys only."""

    code = "service_has_no_password"
    advice = "Create a key for it."


class WrongPassword(Refused):
    """The former password is not the one that you have."""

    code = "wrong_password"
    advice = "Type the password that you sign in with, or ask an administrator to set a new one."


class UnknownScope(Refused):
    """A scope is not the name of an action."""

    code = "unknown_scope"


class ChangedMeanwhile(ApplianceError):
    """It was changed since you read it."""

    status = 412
    code = "changed_meanwhile"
    advice = "Read it again, and send its new ETag in If-Match."


class IfMatchMissing(ApplianceError):
    """A change must name the state that it changes."""

    status = 428
    code = "if_match_missing"
    advice = "Send the ETag of what you read in If-Match."
