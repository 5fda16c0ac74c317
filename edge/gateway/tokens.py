"""Signed tokens (JWT): what must be in one, checked in one place.

A signature alone says nothing about when, for whom and by whom: each of these claims must be there and right.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption

ALGORITHMS: Final = ("RS384", "ES384", "ES256")
"""What SMART Backend Services ask for, and what OpenID providers sign with elliptic curves."""

LEEWAY_S: Final = 30
"""Difference between two clocks that is let pass."""

SIGN_IN_ALGORITHMS: Final = (*ALGORITHMS, "RS256", "PS256")
"""What OpenID providers sign a sign-in with: RS256 is what OpenID Connect Core 1.0 section 2 asks of all."""

ASSERTION_S_MAX: Final = 300
"""Longest life of a token that a client signs itself (SMART App Launch 2.2, backend services)."""

TOKEN_CHARACTERS_MAX: Final = 8_192


class Refused(Exception):
    """The token proves nothing."""


def issuer_in(token: str) -> str:
    """Return who a token says that it is by, unproven; empty where it says nothing."""
    try:
        claims = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else ""


def claims_of(
    token: str,
    keys: KeySet,
    issuer: str,
    audience: str,
    now_s: int,
    named: str = "jti",
    algorithms: Sequence[str] = ALGORITHMS,
) -> dict[str, Any]:
    """Return a token's claims if iss, sub, aud, exp, iat and one more are there and right, signed by one of the keys.

    Args:
        token: as it came.
        keys: public keys of the issuer.
        issuer: who must have made it out.
        audience: whom it must be made out to.
        now_s: the time, Unix epoch, s.
        named: the claim that makes the token one of its own: jti, or the nonce of a sign-in.
        algorithms: that are believed.

    Raises:
        Refused: it proves nothing.
    """
    if not issuer or not audience:
        raise Refused("nobody is known as issuer, or as audience")
    essential: ClaimsOption = {"essential": True}
    registry = jwt.JWTClaimsRegistry(
        now=now_s,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        iat={"essential": True},
        **{named: essential},
    )
    try:
        found = jwt.decode(token, keys, algorithms=list(algorithms)).claims
        registry.validate(found)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Refused(type(error).__name__) from None
    if not all(isinstance(found[name], str) and found[name] for name in ("iss", "sub", named)):
        raise Refused(f"iss, sub and {named} are texts")
    return dict(found)
