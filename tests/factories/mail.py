"""A real mail server in this process: aiosmtpd, with STARTTLS or without, that remembers what it took."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class Taken:
    """What the server took. ``refuses``: it takes nothing from now on."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: ANN401, ARG002, N802 - aiosmtpd calls it
        """One message."""
        if self.refuses:
            return "451 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.tls.append(session.ssl is not None)
        return "250 taken"


@contextmanager
def server(certificate: tuple[Path, Path] | None = None, password: str = "") -> Iterator[Taken]:
    """A server on a free port; with a certificate (and key) it insists on STARTTLS."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        taken = Taken(free.getsockname()[1])
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def known(_: object, __: object, ___: object, ____: object, told: object) -> AuthResult:
        right = isinstance(told, LoginPassword) and told.password == password.encode()
        return AuthResult(success=right)

    controller = Controller(
        taken,
        hostname="127.0.0.1",
        port=taken.port,
        tls_context=context,
        require_starttls=context is not None,
        authenticator=known,
        auth_required=bool(password),
        auth_require_tls=context is not None,
    )
    controller.start()
    try:
        yield taken
    finally:
        controller.stop()
