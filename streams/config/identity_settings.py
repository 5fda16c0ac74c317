"""Settings of sign-in: accounts, OpenID Connect, a proxy that signs people in, sessions; part of `settings`."""

import ipaddress
import re
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

SESSION_IDLE_S: int = 900
"""NIST SP 800-63B section 4.2.3 bids to sign in again after 30 minutes without use at most; ours is half [M]."""

SESSION_AGE_S: int = 43_200
"""12 hours, the longest that NIST SP 800-63B section 4.2.3 lets a sign-in last at AAL2 [M]: a shift."""


_ADDRESS = r"(https://[^\s/?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^\s?#]*)?"


class IdentitySettings(BaseSettings):
    """Who signs in, and how. Times in s."""

    accounts: Path | None = Field(
        default=None, description="accounts file (TOML): people of this machine, and what groups may do"
    )
    token_file: Path | None = Field(
        default=None, description="a file with a personal token, for orders at the command line"
    )
    oidc_issuer: str = Field(default="", description="OpenID provider, https://...; empty = none")
    oidc_client_id: str = Field(default="", description="our client id there")
    oidc_client_secret_file: Path | None = Field(
        default=None, description="a file with our secret there; none = a public client, by PKCE alone"
    )
    oidc_scope: str = Field(
        default="openid profile", description="what is asked for; the provider must give the groups with it"
    )
    oidc_person_claim: str = Field(default="sub", description="claim that names the person by an opaque id")
    oidc_groups_claim: str = Field(default="groups", description="claim with the person's groups")
    public_url: str = Field(
        default="", description="how browsers reach the board, https://host[:port]; empty = loopback only"
    )
    proxy_addresses: str = Field(
        default="", description="addresses or networks of proxies that sign people in, by comma; empty = none"
    )
    proxy_person_header: str = Field(default="X-Forwarded-User", description="names the person")
    proxy_groups_header: str = Field(default="X-Forwarded-Groups", description="the groups, by comma")
    session_idle_s: int = Field(
        default=SESSION_IDLE_S, ge=60, le=86_400, description="a sign-in ends after so long without a request"
    )
    session_age_s: int = Field(
        default=SESSION_AGE_S, ge=300, le=86_400, description="a sign-in ends after so long"
    )
    break_glass_s: int = Field(
        default=1_800, ge=60, le=14_400, description="broken glass is whole again after so long"
    )

    @field_validator("proxy_addresses")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            try:
                ipaddress.ip_network(part)
            except ValueError:
                raise ValueError(f"{part!r} is no address or network") from None
        return value

    @field_validator("public_url", "oidc_issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not re.fullmatch(_ADDRESS, value):
            raise ValueError("must be https://..., or http://127.0.0.1 for tests")
        return value.rstrip("/")
