"""What can go wrong with a directory."""

from appliance.kit.errors import Conflict, NotFound, Refused, Unauthenticated, Unavailable


class DirectoryNotSetUp(NotFound):
    """No directory of this kind is set up for the tenant."""

    code = "directory_not_set_up"
    advice = "Set it up first: 'appliance directory set'."


class DirectoryUnreadable(Conflict):
    """This version does not understand the settings that are stored for the directory."""

    code = "directory_unreadable"
    advice = "Let an operator remove it ('appliance directory remove') and set it up anew; people and groups stay."


class LoginTaken(Conflict):
    """Somebody here has this login already, whom the directory may not take over."""

    code = "login_taken"
    advice = "Rename one of the two, or let an operator decide whose account it is."


class NotTheDirectorys(Refused):
    """A user or group that this directory does not answer for."""

    code = "not_the_directorys"


class NoProvider(Unavailable):
    """The OIDC provider is not what is configured, or cannot be read."""

    code = "no_provider"
    advice = "Let an operator check the directory: 'appliance directory test oidc'."


class TokenRefused(Unauthenticated):
    """The provider's answer does not prove who signed in."""

    code = "token_refused"
    advice = "Sign in again from the beginning."


class SignInRefused(Unauthenticated):
    """Who signed in at the provider has no account here that may be used."""

    code = "sign_in_refused"
    advice = "Ask an administrator of your tenant."
