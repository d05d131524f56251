"""Why a signed file is not accepted, or an act is not licensed. Each reason has a name of its own.

Refused                    422
└── NotAccepted            422  licence_not_accepted
    ├── Malformed               licence_malformed          not the vendor's form, or a member of it is wrong
    ├── Tampered                licence_tampered           a byte was changed, or the signature is of another file
    ├── WrongKey                licence_wrong_key          signed by a key that no chain leads to
    ├── NotYetValid             licence_not_yet_valid
    ├── Ended                   licence_ended              its last day, grace included, is over
    ├── BoundElsewhere          licence_bound_elsewhere    made for another appliance
    ├── Revoked                 licence_revoked
    └── ReplayedList            revocations_replayed       an older list than the one that is here
Conflict                   409
└── ClockSuspect           409  clock_suspect              licence changes are on hold
Forbidden                  403
└── NotLicensed            403  not_licensed               after the licence's end, or not in it
    └── LimitReached       403  licence_limit
"""

from appliance.kit.errors import Conflict, Forbidden, Refused, TooLarge


class NotAccepted(Refused):
    """The signed file is not accepted."""

    code = "licence_not_accepted"
    advice = "Ask the vendor for a new file; the one before stays in force."


class Malformed(NotAccepted):
    """It is not a signed file of this kind."""

    code = "licence_malformed"


class FileTooLarge(TooLarge):
    """A signed file has 64 KiB at most."""

    code = "licence_too_large"
    advice = "Send the vendor's file itself."


class Tampered(NotAccepted):
    """The file is not as the vendor signed it."""

    code = "licence_tampered"
    advice = "Take the file from the vendor's message again, byte for byte."


class WrongKey(NotAccepted):
    """No chain leads from the vendor's root key to the key that signed it."""

    code = "licence_wrong_key"


class NotYetValid(NotAccepted):
    """Its first day is yet to come."""

    code = "licence_not_yet_valid"
    advice = "Install it on its first day; check the clock of this machine."


class Ended(NotAccepted):
    """Its last day is over, grace days included."""

    code = "licence_ended"


class BoundElsewhere(NotAccepted):
    """It is bound to another appliance."""

    code = "licence_bound_elsewhere"
    advice = "Send the vendor this appliance's fingerprint: 'appliance licence show'."


class Revoked(NotAccepted):
    """The vendor has revoked it."""

    code = "licence_revoked"


class ReplayedList(NotAccepted):
    """A newer list of revocations is here already."""

    code = "revocations_replayed"
    advice = "Nothing needs doing; the newer list stays in force."


class ClockSuspect(Conflict):
    """The clock cannot be trusted, so that licence changes are on hold."""

    code = "clock_suspect"
    advice = "Set the clock right, then run 'appliance licence accept-clock', or install a newer licence."


class NotLicensed(Forbidden):
    """The licence does not allow this."""

    code = "not_licensed"
    advice = "See 'appliance licence show'; ask the vendor for a licence that covers it. Your data stays yours to read."


class LimitReached(NotLicensed):
    """The licence's limit is reached."""

    code = "licence_limit"
