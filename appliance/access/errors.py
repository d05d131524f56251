"""Refusals of a request because of where it comes from."""

from appliance.kit.errors import Forbidden


class CrossSite(Forbidden):
    """A request with a session came from another site's page."""

    code = "cross_site"
    advice = "Use the appliance's own page, or an API key in the Authorization header."


class EnrolFirst(Forbidden):
    """This tenant asks for one-time codes, and you have none yet: until then this credential may only set them up."""

    code = "enrol_first"
    advice = "Set one-time codes up ('PUT /api/v1/me/totp', then confirm); with a key, sign in again afterwards."


class NoCsrfToken(Forbidden):
    """A change with a session came without the session's token, or with another one."""

    code = "no_csrf_token"
    advice = "Send the 'csrf' of GET /api/v1/me in the header X-CSRF-Token."
