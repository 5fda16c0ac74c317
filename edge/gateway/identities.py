"""Who sends: by API key, token or certificate, out of the clients file, which may change while the gateway runs."""

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import KeySet

from edge.gateway import keys, tokens
from edge.gateway.accept import Refusal, Sender
from edge.gateway.certificates import names_of
from edge.gateway.clients import Client, Clients, load_clients, load_keys
from edge.gateway.fhir.fhir_clients import USUAL_INTERVAL_MS
from edge.gateway.hl7.desk import Peer
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.senders import Senders
from edge.gateway.mqtt.topic_map import USUAL_PATTERN, TopicMap
from edge.gateway.opaque_ids import opaque
from edge.gateway.refiling import now_ms
from edge.gateway.vital_recorder.vital_clients import VitalEntry, identify
from edge.gateway.vscapture.capture_clients import USUAL_PATTERN as USUAL_CAPTURE_PATTERN
from edge.gateway.vscapture.capture_clients import CaptureClients
from edge.gateway.vscapture.capture_intake import message_reader
from edge.gateway.vscapture.capture_payload import CaptureProfile
from streams.config.settings import Settings
from streams.errors import UsageError

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
ANYBODY: Final = Sender("anybody", ("*",), names_patients=True)
"""Where no clients file is given, and only this machine can connect."""

TOKENS_KNOWN_MAX: Final = 10_000
"""Tokens whose signature has been checked: it costs a tenth of a millisecond."""

CLIENT_CLAIMS: Final = ("client_id", "azp", "sub")
"""Where providers put the client of a client-credentials token (RFC 9068, then older ones)."""

logger = logging.getLogger(__name__)


class Identities:
    """Tells who sends, and reads its files again where they have changed.

    Args:
        settings: name the files, the issuer and the audience.
        now_s: the time, Unix epoch, s.

    Raises:
        UsageError: a file cannot be read, or there is none and others than this machine could connect.
    """

    def __init__(self, settings: Settings, now_s: Callable[[], float] = time.time) -> None:
        self._settings, self._now_s = settings, now_s
        path = settings.gateway_clients
        elsewhere = {settings.gateway_host, settings.gateway_mqtt_host or "localhost"} - LOOPBACK
        if path is None and elsewhere:
            raise UsageError(
                "gateway_clients: name a file where others than this machine can connect "
                "(see docs/devices.md; vigil gateway key makes keys)"
            )
        self._anybodys_captures = CaptureClients({}, settings.gateway_vscapture_zone)
        self._anybodys_topics = self._topics_of_anybody()
        self._clients, self._issuer_keys = self._load()
        self._seen = self._stamps()
        self._tokens: dict[str, tuple[float, Client]] = {}
        self._hl7 = self._senders()
        self._exchanged: dict[tuple[str, str], float] = {}

    def __call__(self, authorization: str, peer: ssl.SSLObject | None) -> Sender | None:
        """Return the sender of an Authorization header or of a connection's certificate, None if nobody known."""
        if self._clients is None:
            return ANYBODY
        scheme, _, credential = authorization.partition(" ")
        if authorization:
            kind, credential = scheme.lower(), credential.strip()
            if kind == "basic":  # a key, by programs that know nothing else
                credential = keys.key_in_basic(credential)
            client = self._by_bearer(credential) if kind in ("basic", "bearer") else None
        else:
            client = self._by_certificate(peer)
        return None if client is None else client.sender

    def of_message(self, peer: Peer, application: str, facility: str) -> Sender | Refusal:
        """Return who sends an HL7 message, or why that is not known, by its peer, MSH-3 and MSH-4."""
        return ANYBODY if self._clients is None else self._hl7.identify(peer, application, facility)

    def of_provider(self, epr: str, names: tuple[str, ...] | None) -> tuple[Sender, str] | Refusal:
        """Return who an SDC provider is, and its device, by its endpoint reference and its certificate's names.

        It is the client that names it, and sends for no other device; `names` is None before it is connected.
        """
        if self._clients is None:
            return ANYBODY, opaque(epr)
        client = self._clients.sdc.get(epr)
        if client is None:
            return Refusal("unauthenticated", "the clients file names no such provider")
        if names is not None and client.certificates and not set(names) & set(client.certificates):
            return Refusal("unauthenticated", "the provider's certificate is another's")
        return client.sender, client.device

    def provider_named(self, name: str) -> Sender | None:
        """Return who sends for the SDC providers of a client, None if it has none any more."""
        if self._clients is None:
            return self.named(name)
        own = [client for client in self._clients.sdc.values() if client.sender.name == name]
        if not own:
            return None
        return Sender(name, tuple(sorted({one.device for one in own})), own[0].sender.names_patients)

    def profile_of(self, name: str) -> Profile:
        """Return what the clients file says of a sender's HL7."""
        return self._hl7.profile_of(name)

    def fhir_interval_ms_of(self, name: str) -> int:
        """Return how often a sender of FHIR reports, ms."""
        entry = None if self._clients is None else self._clients.fhir.get(name)
        return USUAL_INTERVAL_MS if entry is None else entry.interval_ms

    def topics(self) -> TopicMap:
        """Return whose the topics of MQTT are; another object where the clients file has changed."""
        return self._anybodys_topics if self._clients is None else self._clients.topics

    def capture_at(self, address: str) -> Sender | None:
        """Return whose VSCapture an address is, None where the clients file says it of none or of several."""
        return None if self._clients is None else self._clients.vscapture.at(address)

    def capture_profile_of(self, name: str) -> CaptureProfile:
        """Return what is set for a client's VSCapture."""
        found = self._anybodys_captures if self._clients is None else self._clients.vscapture
        return found.profile_of(name)

    def _topics_of_anybody(self) -> TopicMap:
        """Return the topics where there is no clients file, of a broker on this machine."""
        read = message_reader(lambda: self.capture_profile_of(ANYBODY.name), now_ms)
        return TopicMap([(USUAL_PATTERN, ANYBODY)], [(USUAL_CAPTURE_PATTERN, ANYBODY, read)])

    def of_code(self, address: str, code: str) -> tuple[Sender, Profile] | Refusal:
        """Return who sends with a Vital Recorder's code from an address and what is set for it, or why nobody does."""
        zone = self._settings.gateway_vital_recorder_zone
        if self._clients is None:
            return ANYBODY, VitalEntry().profile(zone)
        found = identify(self._clients.vital_recorder, address, code)
        return found if isinstance(found, Refusal) else (found.sender, found.entry.profile(zone))

    def named(self, name: str) -> Sender | None:
        """Return the sender of this name, None if there is none any more."""
        if self._clients is None:
            return ANYBODY if name == ANYBODY.name else None
        client = self._clients.by_name.get(name)
        return None if client is None else client.sender

    def _senders(self) -> Senders:
        return Senders({} if self._clients is None else self._clients.hl7)

    def exchange_s(self, token: str) -> int | None:
        """Return how many seconds a token that a client signed itself still counts, None if it proves nothing.

        Each is exchanged once at this gateway: who has overheard the request cannot make it again.
        """
        now_s = int(self._now_s())
        if self._clients is None or len(token) > tokens.TOKEN_CHARACTERS_MAX:
            return None
        try:
            claims = self._own_claims(token, tokens.issuer_in(token), now_s)
        except tokens.Refused:
            return None
        if claims is None:
            return None
        mark = (claims["iss"], claims["jti"])
        if len(self._exchanged) >= TOKENS_KNOWN_MAX:
            self._exchanged = {one: ends_s for one, ends_s in self._exchanged.items() if ends_s > now_s}
        if mark in self._exchanged or len(self._exchanged) >= TOKENS_KNOWN_MAX:
            return None
        self._exchanged[mark] = float(claims["exp"]) + tokens.LEEWAY_S
        return max(1, int(claims["exp"]) - now_s)

    def refresh(self) -> None:
        """Read the files again if they have changed; what cannot be read is told, and the former ones stay."""
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            self._clients, self._issuer_keys = self._load()
            self._tokens.clear()
            self._hl7 = self._senders()
            logger.info("read the clients file again")
        except UsageError as error:
            logger.error("%s; the former clients stay", error)

    def _load(self) -> tuple[Clients | None, KeySet | None]:
        settings = self._settings
        path, zone = settings.gateway_clients, settings.gateway_vscapture_zone
        clients = None if path is None else load_clients(path, zone)
        jwks = settings.gateway_oidc_jwks
        return clients, None if jwks is None else load_keys(jwks)

    def _stamps(self) -> list[tuple[str, int, int]]:
        """Return what tells that a file has changed, also those of keys beside the clients file."""
        settings = self._settings
        paths: list[Path] = [] if settings.gateway_oidc_jwks is None else [settings.gateway_oidc_jwks]
        if settings.gateway_clients is not None:
            paths += [settings.gateway_clients, *sorted(settings.gateway_clients.parent.glob("*.json"))]
        found = []
        for path in paths:
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((str(path), stat.st_mtime_ns, stat.st_size))
        return found

    def _by_bearer(self, credential: str) -> Client | None:
        assert self._clients is not None
        if name := keys.name_in(credential):
            client = self._clients.by_name.get(name)
            return client if client and keys.is_among(credential, client.key_hashes) else None
        if len(credential) > tokens.TOKEN_CHARACTERS_MAX:
            return None
        now_s = self._now_s()
        known = self._tokens.get(credential)
        if known is not None and now_s < known[0]:
            return known[1]
        try:
            ends_s, client = self._by_token(credential, int(now_s))
        except tokens.Refused:
            return None
        if client is not None:
            if len(self._tokens) >= TOKENS_KNOWN_MAX:
                self._tokens.clear()
            self._tokens[credential] = (ends_s, client)
        return client

    def _by_token(self, token: str, now_s: int) -> tuple[float, Client | None]:
        """Return until when a token counts, and whose it is: its issuer's, or one that the client signed itself."""
        assert self._clients is not None
        issuer, audience = tokens.issuer_in(token), self._settings.gateway_audience
        if issuer and issuer == self._settings.gateway_oidc_issuer and self._issuer_keys is not None:
            claims = tokens.claims_of(token, self._issuer_keys, issuer, audience, now_s)
            who = next((claims[name] for name in CLIENT_CLAIMS if isinstance(claims.get(name), str)), "")
            return float(claims["exp"]), self._clients.by_subject.get(who)
        own = self._own_claims(token, issuer, now_s)
        return (0.0, None) if own is None else (float(own["exp"]), self._clients.by_name[issuer])

    def _own_claims(self, token: str, issuer: str, now_s: int) -> dict[str, Any] | None:
        """Return the claims of a token that its client signed itself; None where it may not, or for too long."""
        assert self._clients is not None
        client = self._clients.by_name.get(issuer)
        if client is None or client.signing is None:
            return None
        claims = tokens.claims_of(token, client.signing, issuer, self._settings.gateway_audience, now_s)
        if claims["sub"] != issuer or claims["exp"] > now_s + tokens.ASSERTION_S_MAX + tokens.LEEWAY_S:
            return None
        return claims

    def _by_certificate(self, peer: ssl.SSLObject | None) -> Client | None:
        assert self._clients is not None
        peer_names = names_of(peer.getpeercert() if peer is not None else None)
        known = self._clients.by_certificate
        found = [known[name] for name in peer_names if name in known]
        # One that is of two clients says of neither that it is the one.
        return found[0] if found and all(one is found[0] for one in found) else None
