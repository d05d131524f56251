"""What a quota answers: 429 for who is over his share, 503 where nobody can tell how much is left."""

from appliance.kit.errors import Conflict, NotFound, OverShare, Refused, Unavailable


class OverQuota(OverShare):
    """A quota does not leave enough for this. ``quota`` in the answer says which, how much, and when it resets."""

    code = "over_quota"
    advice = "Wait for the time in Retry-After, ask for less, or ask an administrator for a larger quota."


class NoRoomLeft(OverShare):
    """A quota of documents or bytes is used up. It does not reset: only removing documents makes room."""

    code = "no_room_left"
    advice = "Delete documents that are no longer needed, or ask an administrator for a larger quota."


class QuotaUnknown(Unavailable):
    """What is left of a quota cannot be told now, and nothing is given out unseen."""

    code = "quota_unknown"


class QuotaNotFound(NotFound):
    """There is no such quota."""

    code = "quota_not_found"
    advice = "List the quotas of the tenant."


class QuotaExists(Conflict):
    """This tenant, user or key has a quota already."""

    code = "quota_exists"
    advice = "Change the one there is."


class SubjectMissing(Refused):
    """It does not say whose quota it is to be."""

    code = "subject_missing"
    advice = "Name the user or the key in subject_id; nothing was changed."
