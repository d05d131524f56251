"""A mailbox over IMAP (RFC 3501): the letters of its folders, each fetched in pieces and never marked as read.

A letter never changes, so its folder, the folder's UIDVALIDITY and its UID are name and change token in one.
"""

import imaplib
import io
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from typing import Any, BinaryIO, Final, Literal

from appliance.drivers.fetcher import Where
from appliance.drivers.sources.port import NOT_FETCHED, Entry, ItemRefused, Skip, SourceUnreachable
from appliance.drivers.sources.reach import Reach, unreachable

Security = Literal["tls", "starttls", "none"]
_SECONDS: Final = 30.0
_PIECE: Final = 1024 * 1024
_AT_ONCE: Final = 500
_LITERAL: Final = 2 * _PIECE
_SUBJECT: Final = 120
_ABOUT: Final = re.compile(rb"UID (\d+)")
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029/\\]+")
GONE: Final = Skip("vanished", "It is not there any more.", how="wait")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where, and as whom."""

    host: str
    port: int
    security: Security
    user: str
    folders: tuple[str, ...]
    password: str = field(repr=False)
    ca: str | None = None


class _Line(imaplib.IMAP4):
    """A connection to the address that was looked at, under the name that TLS checks; no answer too large to hold."""

    def __init__(self, mailbox: Mailbox, address: str) -> None:
        self._mailbox = mailbox
        self._address = address
        super().__init__(mailbox.host, mailbox.port, _SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self._address, self._mailbox.port), timeout)
        if self._mailbox.security != "tls":
            return plain
        return self.context().wrap_socket(plain, server_hostname=self._mailbox.host)

    def context(self) -> ssl.SSLContext:
        """What the server's certificate is checked with."""
        return ssl.create_default_context(cadata=self._mailbox.ca)

    def read(self, size: int) -> bytes:
        """A literal, of what was asked for at most."""
        if size > _LITERAL:
            raise self.abort(f"the server sends {size} bytes at once")
        return super().read(size)


class Imap:
    """One mailbox, signed in once."""

    def __init__(self, reach: Reach, mailbox: Mailbox) -> None:
        self._reach = reach
        self._mailbox = mailbox
        self._line: _Line | None = None
        self._chosen: tuple[str, str] | None = None
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether every folder was listed."""
        return self._complete

    def close(self) -> None:
        """Sign out."""
        if self._line is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                self._line.logout()
            self._drop()

    def check(self) -> str:
        """Sign in and open each folder."""
        with _told():
            count = sum(len(self._letters(folder)) for folder in self._mailbox.folders)
        return f"The server lets us in; {count} letters lie in the folders."

    def entries(self) -> Iterator[Entry]:
        """Every letter of every folder."""
        self._complete = False
        for folder in self._mailbox.folders:
            with _told():
                letters = self._letters(folder)
            for begin in range(0, len(letters), _AT_ONCE):
                with _told():
                    self._choose(folder)
                    found = list(self._about(folder, letters[begin : begin + _AT_ONCE]))
                yield from found
        self._complete = True

    @contextmanager
    def fetch(self, entry: Entry) -> Iterator[BinaryIO]:
        """The letter as it came."""
        folder, validity, letter = entry.external.rsplit("/", 2)
        try:
            if self._choose(folder) != validity:
                raise ItemRefused(GONE)
            letters = io.BufferedReader(_Letter(self._signed_in(), letter), _PIECE)
        except (imaplib.IMAP4.error, OSError) as error:
            self._drop()
            raise ItemRefused(Skip(NOT_FETCHED, f"It did not come: {type(error).__name__}.", "fail")) from error
        try:
            yield letters
        except ItemRefused:
            self._drop()
            raise

    def _letters(self, folder: str) -> list[str]:
        self._choose(folder)
        _, data = self._signed_in().uid("SEARCH", "UNDELETED")
        return [word.decode("ascii") for word in (data[0] or b"").split() if word.isdigit()]

    def _about(self, folder: str, letters: list[str]) -> Iterator[Entry]:
        asked = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        _, data = self._signed_in().uid("FETCH", ",".join(letters), asked)
        for each in data:
            if not isinstance(each, tuple):
                continue
            uid, size = _ABOUT.search(each[0]), _SIZE.search(each[0])
            if uid and size:
                letter = uid[1].decode()
                external = f"{folder}/{self._validity}/{letter}"
                yield Entry(external, f"{folder}/{_subject(each[1])} ({letter}).eml", external, int(size[1]))

    @property
    def _validity(self) -> str:
        return self._chosen[1] if self._chosen else ""

    def _choose(self, folder: str) -> str:
        """Open a folder for reading only; its UIDVALIDITY."""
        if self._chosen is None or self._chosen[0] != folder:
            line = self._signed_in()
            quoted = _quoted(folder)
            status, _ = line.select(quoted, readonly=True)
            if status != "OK":
                raise SourceUnreachable(f"The folder {folder!r} cannot be opened.")
            _, told = line.response("UIDVALIDITY")
            self._chosen = (folder, (told[0] or b"0").decode("ascii", "replace") if told else "0")
        return self._chosen[1]

    def _signed_in(self) -> _Line:
        if self._line is None:
            mailbox = self._mailbox
            where = Where("https", mailbox.host, mailbox.port, "/")
            with unreachable():
                address = str(self._reach.pinned(where))
            if mailbox.security == "none" and not self._reach.trusted(where):
                raise SourceUnreachable("Passwords go over TLS only, but for hosts that the operator allows.")
            self._line = _Line(mailbox, address)
            if mailbox.security == "starttls":
                self._line.starttls(self._line.context())
            try:
                self._line.login(mailbox.user, mailbox.password)
            except imaplib.IMAP4.error as error:
                self._drop()
                raise SourceUnreachable("The server does not take the user and password.") from error
        return self._line

    def _drop(self) -> None:
        """Nobody knows where the connection stands: the next question gets a new one."""
        if self._line is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                self._line.shutdown()
        self._line = self._chosen = None


class _Letter(io.RawIOBase):
    """A letter, a piece at a time."""

    def __init__(self, line: _Line, letter: str) -> None:
        super().__init__()
        self._line = line
        self._letter = letter
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - io's own
        """As io.RawIOBase."""
        size = min(len(buffer), _PIECE)
        try:
            _, data = self._line.uid("FETCH", self._letter, f"(BODY.PEEK[]<{self._at}.{size}>)")
        except (imaplib.IMAP4.error, OSError) as error:
            told = f"It did not come whole: {type(error).__name__}."
            raise ItemRefused(Skip(NOT_FETCHED, told, "fail")) from error
        found = next((each[1] for each in data if isinstance(each, tuple)), None)
        if found is None and self._at == 0:
            raise ItemRefused(GONE)
        piece = (found or b"")[:size]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a server, as a source tells it."""
    try:
        yield
    except (imaplib.IMAP4.error, OSError) as error:
        raise SourceUnreachable(f"The mail server does not answer as it should: {type(error).__name__}.") from error


def _subject(header: bytes) -> str:
    """A letter's subject, as a name may have it."""
    try:
        told = str(BytesParser(policy=policy.default).parsebytes(header)["subject"] or "")
    except (ValueError, LookupError, IndexError, TypeError, AttributeError):  # what email's parser meets in bad headers
        told = ""
    return " ".join(_UNSAFE.sub(" ", told).split())[:_SUBJECT].strip() or "letter"


def _quoted(folder: str) -> str:
    """A folder's name as a command has it: modified UTF-7 (RFC 3501 §5.1.3), quoted."""
    pieces: list[str] = []
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", folder):
        if run.isascii() and run.isprintable():
            pieces.append(run.replace("&", "&-"))
        else:
            packed = run.encode("utf-16-be")
            pieces.append(f"&{b64encode(packed).decode().rstrip('=').replace('/', ',')}-")
    name = "".join(pieces).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}"'
