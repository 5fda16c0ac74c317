"""Alertmanager, PagerDuty and the signed webhook against a receiver that misbehaves."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from email.utils import formatdate

import pytest
from channel_peers import ANSWERS, page_of, receiving

from edge.channels.alertmanager import Alertmanager, AlertmanagerOptions, posted
from edge.channels.http_post import retry_after_s
from edge.channels.page import Retry, Sent, Why
from edge.channels.pagerduty import PagerDuty, PagerDutyOptions, event
from edge.channels.webhook import Webhook, WebhookOptions, secret_bytes
from streams.errors import UsageError

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def a_channel(kind, url, folder, **options):
    key = folder / "key"
    key.write_text(SECRET + "\n")
    if kind is Webhook:
        return Webhook(WebhookOptions(url=url, key_files=(key,), **options))
    if kind is PagerDuty:
        return PagerDuty(PagerDutyOptions(url=url, key_file=key, **options))
    return Alertmanager(AlertmanagerOptions(url=url, **options))


def sent_over(kind, folder, *answers, page=None, deadline_s=2.0, times=1, **options):
    """Return the outcomes of sending a page so many times, and the receiver."""

    async def run():
        async with receiving(*answers) as receiver:
            channel = a_channel(kind, receiver.url, folder, **options)
            try:
                found = [await channel.send(page or page_of(), 1 + n, deadline_s) for n in range(times)]
            finally:
                await channel.close()
        return found, receiver

    return asyncio.run(run())


@pytest.mark.parametrize("kind", [Alertmanager, PagerDuty, Webhook])
@pytest.mark.parametrize(("answer", "outcome", "why"), ANSWERS)
def test_what_an_answer_means_is_told_apart(kind, answer, outcome, why, tmp_path):
    (found,), receiver = sent_over(kind, tmp_path, answer)
    assert isinstance(found, outcome)
    assert why is None or found.why is why
    assert len(receiver.got) == 1  # nobody tries by himself


@pytest.mark.parametrize("kind", [Alertmanager, PagerDuty, Webhook])
def test_a_black_hole_ends_with_the_deadline(kind, tmp_path):
    began_s = time.monotonic()
    (found,), _ = sent_over(kind, tmp_path, None, deadline_s=0.3)
    assert isinstance(found, Retry)
    assert found.why is Why.TIMEOUT
    assert time.monotonic() - began_s < 2.0


@pytest.mark.parametrize("kind", [Alertmanager, PagerDuty, Webhook])
def test_a_receiver_that_is_not_there_is_tried_again(kind, tmp_path):
    async def run():
        channel = a_channel(kind, "http://127.0.0.1:9", tmp_path)
        try:
            return await channel.send(page_of(), 1, 1.0)
        finally:
            await channel.close()

    found = asyncio.run(run())
    assert isinstance(found, Retry)
    assert found.why is Why.UNREACHABLE
    assert "127.0.0.1" not in found.said


@pytest.mark.parametrize("kind", [Alertmanager, PagerDuty, Webhook])
def test_a_page_goes_over_a_network_by_tls_only(kind, tmp_path):
    with pytest.raises(ValueError, match="https is needed"):
        a_channel(kind, "http://pager.example", tmp_path)
    a_channel(kind, "http://pager.example", tmp_path, insecure_http=True)


def test_a_provider_that_names_a_time_is_left_alone_until_then(tmp_path):
    (found,), _ = sent_over(PagerDuty, tmp_path, (429, {"Retry-After": "7"}, ""))
    assert found.after_s == 7.0
    assert retry_after_s({"Retry-After": formatdate(1_000_030, usegmt=True)}, 1_000_000) == 30.0
    assert retry_after_s({"Retry-After": "soon"}, 0) == retry_after_s({}, 0) == 0.0
    assert retry_after_s({"Retry-After": "9" * 400}, 0) <= 86_400


class TestAlertmanager:
    def test_an_alarm_is_posted_alone_with_its_episode_and_an_end_of_ours(self, tmp_path):
        page = page_of(onset_ts_ms=1_760_000_000_000, episode="e7")
        before_ms = time.time() * 1000
        (found,), receiver = sent_over(Alertmanager, tmp_path, 200, page=page, hold_s=240.0)
        assert isinstance(found, Sent)
        assert found.further is None  # an answer of 200 is not a page
        ((alarm,),) = receiver.bodies()
        assert receiver.got[0][0].path == "/api/v2/alerts"
        assert alarm["labels"]["episode"] == "e7"
        assert alarm["startsAt"] == "2025-10-09T08:53:20.000Z"
        ends_ms = timestamp_ms(alarm["endsAt"])
        assert before_ms + 239_000 < ends_ms < before_ms + 245_000

    def test_an_onset_in_the_future_of_the_server_is_clipped(self):
        options = AlertmanagerOptions(url="http://127.0.0.1")
        alarm = posted(page_of(onset_ts_ms=9_000_000), options, 1_000_000)
        assert alarm["startsAt"] == "1970-01-01T00:16:40.000Z"

    def test_an_end_is_in_the_past_and_its_labels_are_those_of_the_start(self):
        options = AlertmanagerOptions(url="http://127.0.0.1", labels={"site": "north"})
        start = posted(page_of(onset_ts_ms=500_000), options, 1_000_000)
        end = posted(page_of("end", onset_ts_ms=500_000, phase="end", id="e1-3"), options, 2_000_000)
        assert start["labels"] == end["labels"]
        assert timestamp_ms(end["endsAt"]) < 2_000_000

    def test_an_alarm_that_ends_as_it_begins_still_ends_after_it_began(self):
        options = AlertmanagerOptions(url="http://127.0.0.1")
        end = posted(page_of("end", onset_ts_ms=1_000_000), options, 1_000_000)
        assert timestamp_ms(end["endsAt"]) > timestamp_ms(end["startsAt"])

    def test_one_lost_renewal_may_end_no_alarm(self):
        with pytest.raises(ValueError, match="three times"):
            AlertmanagerOptions(url="http://127.0.0.1", renew_s=60, hold_s=100)


def timestamp_ms(text):
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp() * 1000


class TestPagerDuty:
    def test_a_lost_answer_sends_the_same_key(self, tmp_path):
        found, receiver = sent_over(PagerDuty, tmp_path, None, 202, deadline_s=0.3, times=2)
        assert [type(one) for one in found] == [Retry, Sent]
        assert [body["dedup_key"] for body in receiver.bodies()] == ["e1", "e1"]

    def test_an_alarm_is_triggered_acknowledged_and_resolved_under_one_key(self):
        pages = [page_of(), page_of("acknowledge", acknowledged_by="n1"), page_of("end", phase="end")]
        events = [event(page) for page in pages]
        assert [one["event_action"] for one in events] == ["trigger", "acknowledge", "resolve"]
        assert {one["dedup_key"] for one in events} == {"e1"}

    @pytest.mark.parametrize(
        ("priority", "severity"), [("high", "critical"), ("medium", "error"), ("low", "warning")]
    )
    def test_a_priority_has_its_severity(self, priority, severity):
        assert event(page_of(priority=priority))["payload"]["severity"] == severity

    def test_a_long_reason_is_cut_where_the_provider_would_refuse_it(self):
        assert len(event(page_of(reason="x" * 5_000))["payload"]["summary"]) == 1_024

    def test_the_key_is_in_what_is_posted_and_nowhere_in_what_is_said(self, tmp_path):
        (found,), receiver = sent_over(PagerDuty, tmp_path, 400)
        assert receiver.bodies()[0]["routing_key"] == SECRET
        assert SECRET not in repr(found)


class TestWebhook:
    def test_a_message_is_signed_as_standard_webhooks_says(self, tmp_path):
        _, receiver = sent_over(Webhook, tmp_path, 204)
        request, body = receiver.got[0]
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
        proof = base64.b64encode(hmac.digest(bytes(range(32)), signed, hashlib.sha256)).decode()
        assert request.headers["webhook-signature"] == f"v1,{proof}"
        assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 5

    def test_each_try_has_the_same_id(self, tmp_path):
        _, receiver = sent_over(Webhook, tmp_path, 500, 200, times=2)
        assert [request.headers["webhook-id"] for request, _ in receiver.got] == ["d1", "d1"]

    @pytest.mark.parametrize(
        ("said", "further"),
        [
            ('{"milestone": "delivered", "id": "x9"}', "delivered"),
            ('{"milestone": "accepted"}', "accepted"),
            ('{"milestone": "expired"}', None),
            ("[]", None),
            ("{", None),
            ("[" * 10_000, None),
        ],
    )
    def test_a_receiver_may_say_what_became_of_it(self, said, further, tmp_path):
        (found,), _ = sent_over(Webhook, tmp_path, (200, {}, said))
        assert isinstance(found, Sent)
        assert found.further == further

    def test_two_secrets_sign_each_message_while_one_follows_the_other(self, tmp_path):
        keys = []
        for number in (1, 2):
            path = tmp_path / f"key{number}"
            path.write_text(base64.b64encode(bytes([number]) * 32).decode())
            keys.append(path)
        options = WebhookOptions(url="http://127.0.0.1", key_files=tuple(keys))
        assert len(Webhook(options)._keys) == 2

    @pytest.mark.parametrize("text", ["short", "whsec_" + base64.b64encode(b"x" * 10).decode(), "ü"])
    def test_what_is_no_secret_is_refused_without_showing_it(self, text):
        with pytest.raises(UsageError) as error:
            secret_bytes(text)
        assert text not in str(error.value)

    def test_the_alert_is_in_the_message_with_all_its_numbers(self, tmp_path):
        _, receiver = sent_over(Webhook, tmp_path, 200)
        data = json.loads(receiver.got[0][1])["data"]
        assert data["alert"]["evidence"]["value"] == 84.0
        assert data["ward"] == "3"
