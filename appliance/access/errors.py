"""Refusals of a request because of where it comes from."""

from appliance.kit.errors import Forbidden


class CrossSite(Forbidden):
    """A request with a session came from another site's page."""

    code = "cross_site"
    advice = "Use the appliance's own page, or an API key in the Authorization header."


class NoCsrfToken(Forbidden):
    """A change with a session came without the session's token, or with another one."""

    code = "no_csrf_token"
    advice = "Send the 'csrf' of GET /api/v1/me in the header X-CSRF-Token."
