"""Who acts where nobody has set up any sign-in: one person of development, on this machine only."""

from typing import Final

from streams.config.loopback import is_loopback
from streams.config.settings import Settings
from streams.contracts.people import ANY_WARD, MAY, Act, Person, Role
from streams.kafka.security import knows_who_connects

DEVELOPMENT: Final = "development"
"""Id of the person who acts where there is no sign-in; `vigil doctor` names it."""


def has_sign_in(settings: Settings) -> bool:
    """Tell whether any way to sign in is set up."""
    return bool(settings.accounts or settings.oidc_issuer or settings.proxy_addresses)


def is_development(settings: Settings) -> bool:
    """Tell whether the person of development may act: no sign-in, and brokers on this machine that ask nobody."""
    return (
        not has_sign_in(settings)
        and not knows_who_connects(settings)
        and all(is_loopback(server.rpartition(":")[0]) for server in settings.bootstrap)
    )


def development(act: Act, station: str) -> Person:
    """Return the person of development, of every ward, in a role that may do an act."""
    roles: tuple[Role, ...] = ("physician", "engineer")
    role = next(role for role in roles if act in MAY[role])
    return Person(id=DEVELOPMENT, role=role, wards=(ANY_WARD,), station=station)
