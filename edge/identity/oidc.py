"""Sign-in by an OpenID provider: authorization code flow with PKCE (RFC 7636), state and nonce.

What the provider says counts only as far as `edge.gateway.tokens.claims_of` believes the ID token: signature, issuer,
audience, expiry and nonce, each of which must be there. Nothing of a token is logged or kept.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from edge.gateway.tokens import SIGN_IN_ALGORITHMS, TOKEN_CHARACTERS_MAX, Refused, claims_of
from streams.config.settings import Settings
from streams.errors import UsageError

CALLBACK: Final = "/sign-in/callback"
FLOWS_MAX: Final = 1_000
"""Sign-ins that were begun and not ended; the oldest makes room."""

FLOW_S: Final = 600.0
"""How long somebody may take at the provider."""

REQUEST_S_MAX: Final = 10.0
"""For an answer of the provider."""

ANSWER_BYTES_MAX: Final = 1_048_576
KEYS_S: Final = 600.0
"""How long the provider's keys and addresses are kept."""

KEYS_AGAIN_S: Final = 10.0
"""How soon they are asked for again, for a token that none of them signed: a provider that changes them."""

RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in that was begun: what the provider's answer must match."""

    state: str
    nonce: str
    verifier: str
    next_path: str
    begun_s: float


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself, and when it was asked, s."""

    authorize: str
    token: str
    keys: KeySet
    asked_s: float


class OpenId:
    """Signs people in by one provider."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings.

        Raises:
            UsageError: one that is needed is missing, or the secret's file cannot be read.
        """
        for name in ("oidc_client_id", "public_url"):
            if not getattr(settings, name):
                raise UsageError(f"{name}: needed with oidc_issuer")
        self._issuer, self._client_id = settings.oidc_issuer, settings.oidc_client_id
        self._secret, self._scope = _secret_of(settings), settings.oidc_scope
        self._redirect = settings.public_url + CALLBACK
        self._person, self._groups = settings.oidc_person_claim, settings.oidc_groups_claim
        self._provider: Provider | None = None
        self._flows: OrderedDict[str, Flow] = OrderedDict()

    async def begin(self, next_path: str, now_s: float) -> tuple[str, str]:
        """Return a name for the browser to keep and where to send it.

        Raises:
            Refused: the provider does not say where it is.
        """
        provider = await self._known(now_s)
        kept, state, nonce, verifier = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(4))
        self._flows[_hash(kept)] = Flow(state, nonce, verifier, next_path, now_s)
        while len(self._flows) > FLOWS_MAX:
            self._flows.popitem(last=False)
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect,
            "scope": self._scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(provider.authorize).query else "?"
        return kept, f"{provider.authorize}{joint}{urlencode(asked)}"

    async def end(
        self, kept: str, state: str, code: str, now_s: float, wall_s: float
    ) -> tuple[str, list[str], str]:
        """Return who has signed in, the person's groups, and where the person wanted to go.

        Args:
            kept: what the browser kept since `begin`; it counts once.
            state: as the provider gave it back.
            code: the provider's.
            now_s: the time of a clock that only rises.
            wall_s: the time, Unix epoch.

        Raises:
            Refused: it proves nothing; the message may be shown.
        """
        flow = self._flows.pop(_hash(kept), None)
        if flow is None or now_s - flow.begun_s >= FLOW_S:
            raise Refused("the sign-in took too long or was not begun here")
        if not hmac.compare_digest(flow.state.encode(), state.encode(errors="replace")):
            raise Refused("the provider's answer is to another sign-in")
        provider = await self._known(now_s)
        token = await self._token(provider, code, flow)
        try:
            claims = self._believed(token, provider, flow, wall_s)
        except Refused:
            if now_s - provider.asked_s < KEYS_AGAIN_S:
                raise
            self._provider = None
            claims = self._believed(token, await self._known(now_s), flow, wall_s)
        person, groups = claims.get(self._person), claims.get(self._groups, [])
        if not isinstance(person, str) or not person:
            raise Refused(f"the provider names nobody in {self._person}")
        return (
            person,
            [one for one in groups if isinstance(one, str)] if isinstance(groups, list) else [],
            (flow.next_path),
        )

    def _believed(self, token: str, provider: Provider, flow: Flow, wall_s: float) -> dict[str, Any]:
        claims = claims_of(
            *(token, provider.keys, self._issuer, self._client_id, int(wall_s)),
            named="nonce",
            algorithms=SIGN_IN_ALGORITHMS,
        )
        if not hmac.compare_digest(claims["nonce"].encode(), flow.nonce.encode()):
            raise Refused("the token is of another sign-in")
        if (
            isinstance(claims["aud"], list)
            and len(claims["aud"]) > 1
            and claims.get("azp") != self._client_id
        ):
            raise Refused("the token is also for others, and was not made out to us")
        return claims

    async def _token(self, provider: Provider, code: str, flow: Flow) -> str:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._client_id,
            "code_verifier": flow.verifier,
        }
        headers = {"Authorization": _basic(self._client_id, self._secret)} if self._secret else {}
        answer = await _asked("POST", provider.token, data=given, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > TOKEN_CHARACTERS_MAX:
            raise Refused("the provider gave no token")
        return token

    async def _known(self, now_s: float) -> Provider:
        known = self._provider
        if known is not None and now_s - known.asked_s < KEYS_S:
            return known
        said = await _asked("GET", f"{self._issuer}/.well-known/openid-configuration")
        if said.get("issuer", "").rstrip("/") != self._issuer:
            raise Refused("the provider says that it is another one")
        addresses = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(isinstance(one, str) and _is_safe(one) for one in addresses):
            raise Refused("the provider does not say where to sign in, over https")
        try:
            keys = KeySet.import_key_set(await _asked("GET", str(addresses[2])))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            raise Refused("the provider's keys cannot be read") from None
        self._provider = Provider(str(addresses[0]), str(addresses[1]), keys, now_s)
        return self._provider


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    )


async def _asked(method: str, address: str, **given: Any) -> dict[str, Any]:
    """Return the JSON object that the provider answers.

    Raises:
        Refused: it does not answer in time, or something else.
    """
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=REQUEST_S_MAX)) as client,
            client.request(method, address, allow_redirects=False, **given) as answer,
        ):
            if answer.status != 200:
                raise Refused(f"the provider answers {answer.status}")
            body = await answer.content.read(ANSWER_BYTES_MAX)
            found = json.loads(body)
    except (ClientError, TimeoutError, ValueError, RecursionError, OSError):
        raise Refused("the provider does not answer") from None
    if not isinstance(found, dict):
        raise Refused("the provider answers something else")
    return found


def _basic(client_id: str, secret: str) -> str:
    """Return how a client proves who it is: both parts encoded as in a form (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(kept: str) -> str:
    return hashlib.sha256(kept.encode(errors="replace")).hexdigest()


def _secret_of(settings: Settings) -> str:
    path = settings.oidc_client_secret_file
    if path is None:
        return ""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"oidc_client_secret_file: cannot read {path}") from None
    if not secret:
        raise UsageError(f"oidc_client_secret_file: {path} is empty")
    return secret
