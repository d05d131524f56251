"""MSG: a mail as Outlook stores it, read by oxmsg (MIT; extract-msg is GPL)."""

from functools import partial
from typing import Final

from oxmsg import Message
from oxmsg.attachment import Attachment

from appliance.knowledge.parsing import formats, html, nested, plain
from appliance.knowledge.parsing.errors import Damaged, Encrypted, NoText, Truncated
from appliance.knowledge.parsing.formats import promised
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.mail import Letter
from appliance.knowledge.parsing.parsed import Parsed

_TO, _CC, _SHORT_NAME, _CONTENT_ID = 0x0E04, 0x0E03, 0x3704, 0x3712
_LOCKED: Final = ("IPM.Note.SMIME", "IPM.Note.Secure")
_BROKEN: Final = (OSError, KeyError, ValueError, IndexError, AssertionError, AttributeError, UnicodeError)
"""What oxmsg and olefile raise of files that are not as they should be."""


def parse(content: bytes, read: nested.Reader, limits: ParseLimits) -> Parsed:
    """A mail. Raises Encrypted, Truncated where sectors are missing, Damaged, TooMuchText, ArchiveBomb."""
    try:
        letter = _letter(Message.load(content), limits)
    except _BROKEN as error:
        if "incomplete" in str(error):
            raise Truncated from error
        raise Damaged(f"no mail that can be read: {type(error).__name__}") from error
    return letter.written(formats.MSG, read, limits)


def _letter(message: Message, limits: ParseLimits) -> Letter:
    if message.message_class.startswith(_LOCKED) and not message.message_class.endswith("MultipartSigned"):
        raise Encrypted
    told = message.properties.str_prop_value
    sent = message.sent_date
    headers = {
        "From": message.sender or "",
        "To": told(_TO) or "",
        "Cc": told(_CC) or "",
        "Date": f"{sent:%Y-%m-%d %H:%M %Z}" if sent else "",
    }
    letter = Letter(message.subject, {name: value.rstrip("\x00") for name, value in headers.items()})
    try:
        if message.body:
            letter.bodies.append(plain.parse(message.body, limits))
        elif message.html_body:
            letter.bodies.append(html.parse(message.html_body, limits))
    except NoText:
        pass
    for one in message.attachments:
        if one.properties.str_prop_value(_CONTENT_ID) and promised(_name(one)) in formats.PICTURES:
            continue  # a logo within the letter
        letter.files.append((_name(one), partial(bytes, one.file_bytes or b"")))
    return letter


def _name(attachment: Attachment) -> str:
    return attachment.file_name or attachment.properties.str_prop_value(_SHORT_NAME) or "attachment"
