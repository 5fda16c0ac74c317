"""Web push against a push service that misbehaves."""

import asyncio
import base64
import json
import os
import time

import http_ece
import pytest
from channel_peers import page_of, receiving
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.channels.page import Refused, Retry, Sent, Why
from edge.channels.web_push import PAYLOAD_BYTES_MAX, WebPush, WebPushOptions, claims, payload_of, ttl_s


def text_of(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """A browser that has subscribed: it can read what is sent to it."""

    def __init__(self):
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)

    def subscription(self, endpoint):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"endpoint": endpoint, "keys": {"p256dh": text_of(point), "auth": text_of(self.auth)}}

    def read(self, body):
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return json.loads(plain)


def a_push(folder, subscriptions):
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "vapid.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "subscriptions.json").write_text(json.dumps(subscriptions))
    return WebPush(
        WebPushOptions(
            subscriptions=folder / "subscriptions.json",
            subject="mailto:it@ward.example",
            key_file=folder / "vapid.pem",
            insecure_http=True,
        )
    )


def sent_over(folder, *answers, page=None, deadline_s=2.0, times=1, phones=1):
    browser = Browser()

    async def run():
        async with receiving(*answers) as service:
            mine = [browser.subscription(f"{service.url}/{number}") for number in range(phones)]
            push = a_push(folder, {"nurse-1": mine})
            try:
                return [await push.send(page or page_of(), 1 + n, deadline_s) for n in range(times)], service
            finally:
                await push.close()

    found, service = asyncio.run(run())
    return found, service, browser


def test_a_phone_shows_ward_and_priority_and_nothing_of_the_patient(tmp_path):
    page = page_of(patient="bed-9", until_ts_ms=round(time.time() * 1000) + 100_000)
    (found,), service, browser = sent_over(tmp_path, 201, page=page)
    assert isinstance(found, Sent)
    request, body = service.got[0]
    shown = browser.read(body)
    assert shown["text"] == "ward 3: alarm, medium priority"
    assert "bed-9" not in json.dumps(shown)
    assert "saturation" not in json.dumps(shown)
    assert request.headers["Urgency"] == "high"
    assert 60 <= int(request.headers["TTL"]) <= 100
    assert request.headers["Topic"] == "e1"


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        (201, Sent, None),
        (404, Refused, Why.GONE),
        (410, Refused, Why.GONE),
        (413, Refused, Why.REFUSED),
        (429, Retry, Why.BUSY),
        (500, Retry, Why.SERVER),
    ],
)
def test_what_an_answer_means_is_told_apart(answer, outcome, why, tmp_path):
    (found,), _, _ = sent_over(tmp_path, answer)
    assert isinstance(found, outcome)
    assert why is None or found.why is why


def test_a_subscription_that_is_gone_is_not_tried_again(tmp_path):
    found, service, _ = sent_over(tmp_path, 410, times=3)
    assert [one.why for one in found] == [Why.GONE] * 3
    assert len(service.got) == 1


def test_one_phone_that_takes_it_is_enough(tmp_path):
    (found,), service, _ = sent_over(tmp_path, 410, 201, phones=2)
    assert isinstance(found, Sent)
    assert len(service.got) == 2


def test_a_push_service_that_never_answers_ends_with_the_deadline(tmp_path):
    began_s = time.monotonic()
    (found,), _, _ = sent_over(tmp_path, None, deadline_s=0.3)
    assert isinstance(found, Retry)
    assert found.why is Why.TIMEOUT
    assert time.monotonic() - began_s < 2.0


def test_each_service_gets_claims_of_its_own(tmp_path):
    first = claims("https://one.example/a", "mailto:a@b.c", 1_000)
    second = claims("https://two.example/b", "mailto:a@b.c", 1_000)
    assert (first["aud"], second["aud"]) == ("https://one.example", "https://two.example")
    assert first["exp"] == 4_600


def test_a_message_is_kept_for_a_phone_that_is_off_for_as_long_as_it_matters():
    assert ttl_s(page_of(until_ts_ms=500_000), 400_000) == 100
    assert ttl_s(page_of(until_ts_ms=500_000), 499_000) == 60


def test_no_ward_makes_a_message_larger_than_a_push_service_takes():
    assert len(payload_of(page_of(ward="w" * 128))) < PAYLOAD_BYTES_MAX
    assert len(payload_of(page_of(ward="ü" * 100_000))) < PAYLOAD_BYTES_MAX


def test_new_subscriptions_are_read_without_a_restart(tmp_path):
    browser = Browser()

    async def run():
        async with receiving(201) as service:
            push = a_push(tmp_path, {})
            try:
                first = await push.send(page_of(), 1, 2.0)
                mine = {"nurse-1": [browser.subscription(service.url + "/1")]}
                (tmp_path / "subscriptions.json").write_text(json.dumps(mine))
                return first, await push.send(page_of(), 1, 2.0)
            finally:
                await push.close()

    first, second = asyncio.run(run())
    assert first.why is Why.GONE
    assert isinstance(second, Sent)
