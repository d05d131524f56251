"""The company's mail server: one message at a time, over TLS, or to a server of this very machine."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

from appliance.kit.errors import Unavailable
from appliance.kit.settings import MailSettings, Settings

SECONDS: Final = 10
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NotSent(Unavailable):
    """The mail server did not take the message."""

    code = "mail_not_sent"
    advice = "Check the settings under [mail] and the server; the link can be copied meanwhile."


@dataclass(frozen=True, slots=True)
class Post:
    """Where mail is handed in, and as whom."""

    settings: MailSettings
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Post":
        """As the settings say. Raises :class:`NotSent` when there is no password for the user that they name."""
        if not settings.mail.host:
            raise NotSent("mail is not set up")
        if not settings.mail.user:
            return cls(settings.mail)
        try:
            return cls(settings.mail, settings.layout.secret("smtp-password").read_text(encoding="utf-8").strip())
        except OSError as error:
            raise NotSent("secrets/smtp-password cannot be read") from error

    @property
    def sender(self) -> str:
        """The address that mail comes from."""
        return self.settings.sender or f"appliance@{self.settings.host}"


def send(post: Post, to: str, subject: str, text: str) -> None:
    """Send a text to one address. Raises :class:`NotSent`."""
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = post.sender, to, subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=post.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        with _connected(post) as server:
            server.send_message(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: an address that is none
        raise NotSent(_said(error)) from error


@contextmanager
def _connected(post: Post) -> Iterator[smtplib.SMTP]:
    settings = post.settings
    context = ssl.create_default_context(cafile=settings.ca)
    if settings.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=context)
    elif settings.security == "starttls" or settings.host in LOOPBACK:
        server = smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
    else:
        raise NotSent("without TLS mail is handed to a server of this machine alone")
    with server:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, post.password)
        yield server


def _said(error: Exception) -> str:
    """The kind and the server's number: what a server says may repeat what it was sent."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__}{f' {code}' if code else ''}"
