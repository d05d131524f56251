"""What chat refuses."""

from appliance.kit.errors import Conflict, NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation of yours."""

    code = "conversation_not_found"
    advice = "List your conversations with GET /api/v1/conversations, or ask without one."


class MessageSettled(Conflict):
    """This answer was already ended, by the sweep or by its conversation's deletion; nothing is kept."""

    code = "message_settled"
    advice = "Ask again."
