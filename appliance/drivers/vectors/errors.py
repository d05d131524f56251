"""Refusals that those who own no shard must know too: importing this loads no engine."""

from appliance.kit import errors


class ShardUnreadable(errors.Unavailable):
    """The shard's directory cannot be opened: it is missing, damaged or of another version or size."""

    code = "shard_unreadable"
