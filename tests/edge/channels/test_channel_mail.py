"""E-mail against a relay that misbehaves."""

import asyncio
import time

import pytest
from channel_peers import page_of, relaying

from edge.channels.mail import Mail, MailOptions, letter
from edge.channels.page import Refused, Retry, Sent, Why


def a_mail(port, **said):
    options = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "vigil@ward.example"}
    return Mail(MailOptions(**options | {"recipients": {"nurse-1": "nurse@ward.example"}} | said))


def sent_over(*replies, page=None, deadline_s=2.0, times=1, **commands):
    async def run():
        async with relaying(*replies, **commands) as relay:
            mail = a_mail(relay.port)
            try:
                return [await mail.send(page or page_of(), 1 + n, deadline_s) for n in range(times)], relay
            finally:
                await mail.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("reply", "outcome", "why"),
    [
        ("250 taken", Sent, None),
        ("421 closing", Retry, Why.BUSY),
        ("451 later", Retry, Why.BUSY),
        ("432 later", Retry, Why.SERVER),
        ("535 who are you", Retry, Why.DENIED),
        ("554 never", Refused, Why.REFUSED),
        ("550 nobody", Refused, Why.GONE),
    ],
)
def test_what_a_reply_means_is_told_apart(reply, outcome, why):
    (found,), _ = sent_over(reply)
    assert isinstance(found, outcome)
    assert why is None or found.why is why


def test_a_recipient_whom_the_relay_does_not_know_is_gone():
    (found,), _ = sent_over(RCPT="550 nobody of that name")
    assert found == Refused(Why.GONE, "answered 550")


def test_a_message_that_was_taken_is_sent_whatever_follows():
    (found,), relay = sent_over(QUIT="500 what")
    assert isinstance(found, Sent)
    assert len(relay.got) == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "EHLO"])
def test_a_relay_that_falls_silent_ends_with_the_deadline(command):
    began_s = time.monotonic()
    (found,), _ = sent_over(deadline_s=0.3, **{command: "silence"})
    assert isinstance(found, Retry)
    assert found.why is Why.TIMEOUT
    assert time.monotonic() - began_s < 2.0


def test_each_try_has_the_same_message_id():
    _, relay = sent_over("451 later", "250 taken", times=2)
    ids = [line for text in relay.got for line in text.splitlines() if line.startswith("Message-ID")]
    assert ids == ["Message-ID: <d1@ward.example>"] * 2


def test_the_subject_names_ward_and_priority_and_no_patient():
    written = letter(page_of(patient="bed-9", reason="oxygen saturation 84 %"), "a@b.c", "d@e.f", 0.0)
    assert written["Subject"] == "ward 3: alarm, medium priority"
    assert "bed-9" in written.get_content()  # the opaque stream id, no name and no record number


def test_a_ward_with_an_end_of_line_in_it_adds_no_header():
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        letter(page_of(ward="3\r\nBcc: x@y.z"), "a@b.c", "d@e.f", 0.0)


def test_who_has_no_address_is_told_of_at_once():
    (found,), relay = sent_over(page=page_of(recipient="nurse-2"))
    assert isinstance(found, Refused)
    assert found.why is Why.GONE
    assert relay.got == []


def test_a_password_never_goes_in_clear(tmp_path):
    path = tmp_path / "key"
    path.write_text("secret")
    with pytest.raises(ValueError, match="tls"):
        a_mail(25, username="vigil", key_file=path)
    with pytest.raises(ValueError, match="tls"):
        a_mail(25, host="mail.example")
