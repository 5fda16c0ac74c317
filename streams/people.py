"""Who may do what: people, their roles and wards, and the one table of what each role may do.

A command carries the person that signed in, sealed (`streams.seals`), so that the judge of a patient asks the same
table as the page, the command line and every other door: nobody's name is free text.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.frames import Identifier

Act = Literal["view", "acknowledge", "pause", "limits", "configure"]
Role = Literal["viewer", "nurse", "physician", "engineer", "administrator", "system"]

ACTS: Final[tuple[Act, ...]] = Act.__args__  # type: ignore[attr-defined]
ROLES: Final[tuple[Role, ...]] = Role.__args__  # type: ignore[attr-defined]

ANY_WARD: Final = "*"

MAY: Final[dict[Role, frozenset[Act]]] = {
    "viewer": frozenset({"view"}),
    "nurse": frozenset({"view", "acknowledge", "pause", "limits"}),
    "physician": frozenset({"view", "acknowledge", "pause", "limits"}),
    "engineer": frozenset({"view", "limits", "configure"}),
    "administrator": frozenset({"configure"}),
    "system": frozenset({"view", "acknowledge", "limits", "configure"}),
}
"""What a role may do in the wards that a person is of. `system`: a program, such as an admission system; it pauses
nothing. An administrator manages accounts and routes and sees no patient."""

BREAK_GLASS: Final = frozenset[Act]({"view", "acknowledge", "pause", "limits"})
"""What who breaks the glass may do beyond the own wards, with a reason; each time is marked and told."""

ACT_OF: Final[dict[str, Act]] = {
    "acknowledge": "acknowledge",
    "accept": "acknowledge",
    "reject": "acknowledge",
    "pause": "pause",
    "resume": "pause",
    "set-limits": "limits",
    "set-profile": "limits",
    "admit": "limits",
    "transfer": "limits",
    "discharge": "limits",
}
"""Which act a command is, by its kind."""


class Person(BaseModel):
    """Who is signed in, as every door knows it and as a command carries it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Identifier = Field(description="opaque id of the person or program")
    role: Role
    wards: tuple[Annotated[str, Field(min_length=1, max_length=128)], ...] = Field(
        description="ids of the wards that the person is of; * is every ward"
    )
    station: Annotated[str, Field(max_length=128)] = Field(
        default="", description="where the person sits or which door was used"
    )
    session: Annotated[str, Field(max_length=128)] = Field(
        default="", description="opaque id of the sign-in, never the secret"
    )
    break_glass: Annotated[str, Field(max_length=500)] = Field(
        default="", description="why the person acts beyond the own wards; empty where not"
    )

    def may(self, act: Act, ward: str) -> bool:
        """Tell whether the person may do an act in a ward; a patient of no ward has the empty one."""
        if act in MAY[self.role] and (ANY_WARD in self.wards or ward in self.wards):
            return True
        return bool(self.break_glass) and act in BREAK_GLASS and "acknowledge" in MAY[self.role]
