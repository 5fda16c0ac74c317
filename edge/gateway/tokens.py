"""Signed tokens (JWT): what must be in one, checked in one place.

A signature alone says nothing about when, for whom and by whom: each of these claims must be there and right.
"""

import json
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS: Final = ("RS384", "ES384", "ES256")
"""What SMART Backend Services ask for, and what OpenID providers sign with elliptic curves."""

LEEWAY_S: Final = 30
"""Difference between two clocks that is let pass."""

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


def claims_of(token: str, keys: KeySet, issuer: str, audience: str, now_s: int) -> dict[str, Any]:
    """Return a token's claims if iss, sub, aud, exp, iat and jti are there and right, and one of the keys signed it.

    Args:
        token: as it came.
        keys: public keys of the issuer.
        issuer: who must have made it out.
        audience: whom it must be made out to.
        now_s: the time, Unix epoch, s.

    Raises:
        Refused: it proves nothing.
    """
    if not issuer or not audience:
        raise Refused("nobody is known as issuer, or as audience")
    registry = jwt.JWTClaimsRegistry(
        now=now_s,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )
    try:
        found = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        registry.validate(found)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Refused(type(error).__name__) from None
    if not all(isinstance(found[name], str) and found[name] for name in ("iss", "sub", "jti")):
        raise Refused("iss, sub and jti are texts")
    return dict(found)
