"""The MLLP server over TLS: who a sender is by its certificate."""

import asyncio
import ssl
import subprocess

import pytest
from hl7_world import SENDER, Client, desk_of, framed, pcd01, run, serving

from edge.gateway.accept import Refusal


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Make an authority, a server's and a device's certificate."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *key, "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
    for name, alternative in (("server", "IP:127.0.0.1"), ("device", "DNS:monitor-7.icu")):
        openssl(
            "req", "-x509", *key, "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}", "-addext",
            f"subjectAltName={alternative}", "-keyout", f"{name}.key", "-out", f"{name}.pem",
        )  # fmt: skip
    return folder


def tls_of(folder, purpose, name=None):
    context = ssl.create_default_context(purpose, cafile=str(folder / "ca.pem"))
    if name is not None:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


async def ask(server, context):
    """Send a message and return its answer."""
    client = await Client.to(server, ssl=context)
    client.send(framed(pcd01(1)))
    return await client.answer()


def test_over_tls_a_sender_is_known_by_the_names_of_its_certificate(certificates):
    peers = []

    def identify(peer, application, facility):
        peers.append((peer, application, facility))
        return SENDER if peer.certificate_names else Refusal("unknown-sender", "no certificate")

    async def story():
        served = tls_of(certificates, ssl.Purpose.CLIENT_AUTH, "server")
        served.verify_mode = ssl.CERT_OPTIONAL
        async with serving(desk_of(identify=identify), tls=served) as server:
            for name, code in (("device", "AA"), (None, "AR")):
                assert await ask(server, tls_of(certificates, ssl.Purpose.SERVER_AUTH, name)) == (code, "1")

    run(story)
    peer, application, facility = peers[0]
    assert (peer.address, peer.certificate_names) == ("127.0.0.1", ("monitor-7.icu",))
    assert (application.split("^")[0], facility) == ("MON", "ICU")
    assert peers[1][0].certificate_names is None


def test_a_server_that_asks_for_certificates_hangs_up_on_who_has_none(certificates):
    async def story():
        served = tls_of(certificates, ssl.Purpose.CLIENT_AUTH, "server")
        served.verify_mode = ssl.CERT_REQUIRED
        async with serving(desk_of(), tls=served) as server:
            # With TLS 1.3 a client may believe for a moment that it is in.
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                await ask(server, tls_of(certificates, ssl.Purpose.SERVER_AUTH))

    run(story)
