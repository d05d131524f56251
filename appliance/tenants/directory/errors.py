"""What can go wrong with a directory."""

from appliance.kit.errors import Conflict, NotFound, Refused


class DirectoryNotSetUp(NotFound):
    """No directory of this kind is set up for the tenant."""

    code = "directory_not_set_up"
    advice = "Set it up first: 'appliance directory set'."


class LoginTaken(Conflict):
    """Somebody here has this login already, whom the directory may not take over."""

    code = "login_taken"
    advice = "Rename one of the two, or let an operator decide whose account it is."


class NotTheDirectorys(Refused):
    """A user or group that this directory does not answer for."""

    code = "not_the_directorys"
