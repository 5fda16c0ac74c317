"""An OpenID provider for tests: it says what a test has it say, and keeps what it was asked."""

import base64
import contextlib
import hashlib
import time
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

KEY, OTHER = RSAKey.generate_key(2048, {"kid": "k1"}), RSAKey.generate_key(2048, {"kid": "k1"})


class OpenIdProvider:
    """Signs in `sub` of `groups`; `changes` are of the claims (None = left out), `said` of what it says of itself."""

    def __init__(self, host="127.0.0.1"):
        self.host = host
        self.groups, self.changes, self.said, self.key = ["icu-nurses"], {}, {}, KEY
        self.asked, self.proofs, self.answer, self.status = [], [], None, 200

    @contextlib.asynccontextmanager
    async def serving(self):
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._about)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        app.router.add_get("/authorize", self._authorize)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://{self.host}:{site._server.sockets[0].getsockname()[1]}"
        try:
            yield self.address
        finally:
            await runner.cleanup()

    async def _about(self, _):
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        about = {"issuer": self.address} | {name: self.address + path for name, path in names.items()}
        return web.json_response(about | self.said)

    async def _keys(self, _):
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    def allow(self, location):
        """The person agrees: return the path that the browser is sent back to, with state and code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.asked.append(asked)
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?state={asked['state']}&code=code-{len(self.asked)}"

    async def _authorize(self, request):
        """Send who comes back at once, as a provider does where the person is signed in already."""
        asked = self.allow(str(request.url))
        raise web.HTTPFound(f"{self.asked[-1]['redirect_uri']}?{asked.partition('?')[2]}")

    async def _token(self, request):
        given = dict(await request.post())
        self.proofs.append(request.headers.get("Authorization"))
        asked = self.asked[-1]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest())
        right = challenge.rstrip(b"=").decode() == asked["code_challenge"]
        if self.status != 200 or not right or given["code"] != f"code-{len(self.asked)}":
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(self.answer or {"id_token": self.token(asked)})

    def token(self, asked):
        """Return an ID token, as right as `changes` leave it."""
        now_s = int(time.time())
        claims = {
            "iss": self.address,
            "sub": "nurse-9",
            "aud": "vigil",
            "iat": now_s,
            "exp": now_s + 300,
            "nonce": asked["nonce"],
            "groups": self.groups,
        } | self.changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)
