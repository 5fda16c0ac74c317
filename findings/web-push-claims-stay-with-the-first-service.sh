#!/usr/bin/env bash
# pywebpush writes the first push service into the claims that it is given, so that the next service refuses them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pywebpush==2.5.0 py-vapid==1.9.6 http-ece==1.2.1
venv/bin/python - <<'PYTHON'
import base64
import json
import os
from importlib.metadata import version

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid
from pywebpush import webpush


def text(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def subscription(service):
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"endpoint": f"https://{service}/push/1", "keys": {"p256dh": text(point), "auth": text(os.urandom(16))}}


class Session:
    """Stands in for the network: keeps what was asked, and answers that it was taken."""

    def __init__(self):
        self.audiences = []

    def post(self, endpoint, headers, **_):
        token = next(value for name, value in headers.items() if name.lower() == "authorization")
        said = token.split("t=")[1].split(",")[0].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        self.audiences.append((endpoint.split("/")[2], claims["aud"]))
        answer = requests.Response()
        answer.status_code = 201
        return answer


key, session = Vapid(), Session()
key.generate_keys()
claims = {"sub": "mailto:alarms@example.org"}
for service in ("push.one.example", "push.two.example"):
    webpush(subscription(service), "alarm", vapid_private_key=key, vapid_claims=claims, requests_session=session)
print(f"pywebpush {version('pywebpush')}: one dictionary of claims, two nurses whose phones have different push services")
print("expected: each request is signed for the service that it goes to (RFC 8292, section 2)")
print(f"seen: {session.audiences}")
assert session.audiences[0] == ("push.one.example", "https://push.one.example")
assert session.audiences[1] == ("push.two.example", "https://push.one.example")
PYTHON
