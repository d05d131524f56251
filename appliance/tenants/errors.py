"""What can go wrong with tenants, people and credentials."""

from appliance.kit.errors import ApplianceError, Conflict, NotFound, Refused, Unauthenticated


class BadCredential(Unauthenticated):
    """The key, session, password or sign-in token is not valid."""

    code = "bad_credential"


class CodeNeeded(Unauthenticated):
    """The password is right, and a one-time code that was not used before must come with it."""

    code = "code_needed"
    advice = "Send the code that your app shows now as 'code', or a recovery code; each is taken once."


class TenantNotFound(NotFound):
    """No such tenant."""

    code = "tenant_not_found"


class TenantKept(Conflict):
    """Something of this tenant is under a legal hold."""

    code = "tenant_kept"
    advice = "Look at it with 'appliance documents holds'; an administrator of the tenant releases it."


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


class InvitationNotFound(NotFound):
    """No such invitation."""

    code = "invitation_not_found"


class InvitationNotValid(NotFound):
    """This invitation is not good: unknown, used, revoked or over."""

    code = "invitation_not_valid"
    advice = "Ask who invited you for a new link."


class InvitationOver(Conflict):
    """This invitation was accepted or revoked."""

    code = "invitation_over"
    advice = "Invite the person anew."


class InvitedAlready(Conflict):
    """This login is invited already."""

    code = "invited_already"
    advice = "Make a new link for the same invitation, or revoke it first: 'appliance invitations'."


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


class WrongCode(Refused):
    """This is not the code that the app shows now."""

    code = "wrong_code"
    advice = "Set the clock of your device right, then send the code that the app shows now."


class SecondFactorThere(Conflict):
    """You sign in with one-time codes already."""

    code = "second_factor_there"
    advice = "Disable them first, with your password and a code."


class NoSecondFactor(NotFound):
    """There are no one-time codes to confirm, disable or take away."""

    code = "no_second_factor"
    advice = "Begin with 'PUT /api/v1/me/totp'."


class UnknownScope(Refused):
    """A scope is not the name of an action."""

    code = "unknown_scope"


class BeingDeleted(Conflict):
    """This tenant is being deleted; nothing leads back."""

    code = "tenant_being_deleted"
    advice = "Follow its deletion: 'appliance tenants deletion'."


class OwnTenant(Conflict):
    """An operator cannot delete the tenant that this operator belongs to."""

    code = "own_tenant"
    advice = "Let an operator of another tenant do it."


class NothingToConfirm(Conflict):
    """No deletion of this tenant waits for that."""

    code = "nothing_to_confirm"
    advice = "Ask for the deletion first; see how far it is with 'appliance tenants deletion'."


class WrongConfirmation(Refused):
    """The token or the name does not fit this deletion."""

    code = "wrong_confirmation"
    advice = "Send the token of the newest request and the tenant's name as it is written."


class ConfirmationExpired(Conflict):
    """The time in which to confirm is over."""

    code = "confirmation_expired"
    advice = "Ask for the deletion again."


class NotYetDeleted(Conflict):
    """There is no certificate yet."""

    code = "not_yet_deleted"
    advice = "Wait until the job of the deletion has ended."


class ExportNotFound(NotFound):
    """No such export, or its time is over."""

    code = "export_not_found"
    advice = "Ask for a new one."


class ExportNotReady(Conflict):
    """The archive is not written yet."""

    code = "export_not_ready"
    advice = "Wait for its job: 'appliance jobs watch'."


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
