"""E-mail over SMTP with TLS: no name, no number of a patient, only the opaque stream id; the same Message-ID each try.

smtplib blocks, so it runs in a few threads of this channel's own, with a time-out for each step of the dialogue.
"""

import asyncio
import contextlib
import smtplib
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, model_validator

from edge.channels.options import Options
from edge.channels.page import Event, Outcome, Page, Refused, Retry, Sent, Why
from edge.channels.secret_files import read_secret
from edge.channels.texts import discreet, iso, summary
from streams.errors import UsageError

THREADS_MAX: Final = 8
ADDRESS: Final = r"^[^@\s<>,;\"]{1,64}@[A-Za-z0-9.-]{1,255}$"
URGENT: Final = {"X-Priority": "1", "Importance": "high", "Auto-Submitted": "auto-generated"}


class MailOptions(Options):
    """`recipients`: recipient to address, `*` for everybody else. `tls`: STARTTLS, or TLS from the first byte."""

    concurrency: int = Field(default=4, ge=1, le=THREADS_MAX)
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65_535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    cafile: Path | None = None
    sender: str = Field(pattern=ADDRESS)
    recipients: dict[str, str] = Field(max_length=10_000)
    username: str = ""
    key_file: Path | None = None
    ends: bool = False

    @model_validator(mode="after")
    def _safe(self) -> "MailOptions":
        if self.tls == "none" and (self.username or self.host not in ("127.0.0.1", "localhost", "::1")):
            raise ValueError("tls: none is for a relay on this machine only, and never with a password")
        if bool(self.username) != (self.key_file is not None):
            raise ValueError("username: needs key_file with the password, and the other way round")
        return self


class Mail:
    """Sends over one relay, a connection a message: relays close idle ones, and pages are few."""

    renew_s = 0.0

    def __init__(self, options: MailOptions) -> None:
        self.follows = frozenset[Event]({"start", "end"} if options.ends else {"start"})
        self._options = options
        path = options.key_file
        self._password = None if path is None else SecretStr(read_secret(path, "key_file"))
        try:
            self._context = ssl.create_default_context(cafile=options.cafile)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"cafile: cannot read {options.cafile}: {type(error).__name__}") from None
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._threads = ThreadPoolExecutor(options.concurrency, thread_name_prefix="mail")

    async def start(self) -> None:
        """Do nothing: a connection is made for each message."""

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Send one message."""
        to = self._options.recipients.get(page.recipient) or self._options.recipients.get("*", "")
        if not to:
            return Refused(Why.GONE, "the recipient has no address")
        loop = asyncio.get_running_loop()
        written = letter(page, self._options.sender, to, time.time())
        try:
            async with asyncio.timeout(deadline_s):
                return await loop.run_in_executor(self._threads, self._deliver, written, deadline_s)
        except TimeoutError:
            return Retry(Why.TIMEOUT, f"no answer within {deadline_s:.1f} s")

    async def close(self) -> None:
        """Let the threads end; one that hangs ends with its connection's time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, written: EmailMessage, deadline_s: float) -> Outcome:
        try:
            relay = self._connected(deadline_s)
            try:
                relay.send_message(written)
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    relay.quit()  # it has the message, whatever it says to this
            finally:
                relay.close()
        except smtplib.SMTPRecipientsRefused as error:
            code = max((int(code) for code, _ in error.recipients.values()), default=550)
            return _of_code(code)
        except smtplib.SMTPAuthenticationError as error:
            return Retry(Why.DENIED, f"answered {error.smtp_code}")
        except smtplib.SMTPResponseException as error:
            return _of_code(error.smtp_code)
        except TimeoutError:
            return Retry(Why.TIMEOUT, f"no answer within {deadline_s:.1f} s")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Retry(Why.UNREACHABLE, f"no answer: {type(error).__name__}")
        return Sent(str(written["Message-ID"]))

    def _connected(self, deadline_s: float) -> smtplib.SMTP:
        host, port = self._options.host, self._options.port
        if self._options.tls == "tls":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=deadline_s, context=self._context)
        else:
            relay = smtplib.SMTP(host, port, timeout=deadline_s)
        try:
            if self._options.tls == "starttls":
                relay.starttls(context=self._context)
            if self._password is not None:
                relay.login(self._options.username, self._password.get_secret_value())
        except BaseException:
            relay.close()
            raise
        return relay


def _of_code(code: int) -> Outcome:
    """Return what a reply of a relay means: 4yz is for now, 5yz for good. Source: RFC 5321, 4.2.1."""
    said = f"answered {code}"
    if code in (421, 450, 451, 452):
        return Retry(Why.BUSY, said)
    if 400 <= code < 500 or code < 0:
        return Retry(Why.SERVER, said)
    if code in (530, 534, 535, 538):
        return Retry(Why.DENIED, said)
    return Refused(Why.GONE if code in (550, 551, 553) else Why.REFUSED, said)


def letter(page: Page, sender: str, to: str, now_s: float) -> EmailMessage:
    """Return a message: subject without a patient, and in the text no more of one than the opaque stream id."""
    written = EmailMessage()
    written["From"], written["To"] = Address(addr_spec=sender), Address(addr_spec=to)
    written["Subject"] = discreet(page)
    written["Date"] = format_datetime(datetime.fromtimestamp(now_s, UTC))
    written["Message-ID"] = f"<{page.id}@{sender.rpartition('@')[2]}>"
    for name, value in URGENT.items():
        written[name] = value
    began = iso(page.alert.onset_ts_ms)
    written.set_content(
        f"{summary(page)}\n\nbegan {began}\nalert {page.alert.id}\nfor {page.recipient}, step {page.step}\n"
    )
    return written
