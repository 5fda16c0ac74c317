"""Who may do what: people, their roles and wards, and the one table of what each role may do.

A command carries the person that signed in, sealed (`streams.contracts.seals`), so that the judge of a patient asks
the same table as the page, the command line and every other door: nobody's name is free text.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.frame import Identifier

Act = Literal["view", "acknowledge", "pause", "limits", "configure"]
Role = Literal["viewer", "nurse", "physician", "engineer", "administrator", "system"]

ACTS: Final[tuple[Act, ...]] = Act.__args__  # type: ignore[attr-defined]
ROLES: Final[tuple[Role, ...]] = Role.__args__  # type: ignore[attr-defined]

ANY_WARD: Final = "*"
WARDS_MAX: Final = 64
"""Wards that a person is of by name; who is of more is of every one."""

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
"""What who breaks the glass may do beyond the own wards, if the role may do it there, with a reason; each time is
marked and told."""

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
    "break-glass": "view",
}
"""Which act a command is, by its kind."""


class Person(BaseModel):
    """Who is signed in, as every door knows it and as a command carries it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Identifier = Field(description="opaque id of the person or program")
    role: Role
    wards: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=128)], ...], Field(max_length=WARDS_MAX)
    ] = Field(description="ids of the wards that the person is of; * is every ward")
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
        if self.may_by_role(act, ward):
            return True
        return bool(self.break_glass) and self.may_break_glass and act in BREAK_GLASS & MAY[self.role]

    def may_by_role(self, act: Act, ward: str) -> bool:
        """Tell whether role and wards alone allow an act; what only `may` allows is by broken glass."""
        return act in MAY[self.role] and (ANY_WARD in self.wards or ward in self.wards)

    @property
    def may_break_glass(self) -> bool:
        """Whether the person may act beyond the own wards at all: who acknowledges alarms."""
        return "acknowledge" in MAY[self.role]

    def refusal(self, kind: str, ward: str) -> str:
        """Return why a command of a kind is not for the person in a ward; empty where it is."""
        act = ACT_OF[kind]
        if self.may(act, ward):
            return ""
        where = f"in ward {ward}" if ward else "for a patient of no ward"
        return f"not allowed: {self.id} ({self.role}) may not {kind} {where}"


def table() -> str:
    """Return the table of docs/security.md: what each role may do in the wards that a person is of."""
    lines = [f"| role | {' | '.join(ACTS)} | beyond the own wards |", "|---" * (len(ACTS) + 2) + "|"]
    for role in ROLES:
        cells = ["yes" if act in MAY[role] else "-" for act in ACTS]
        beyond = ", ".join(act for act in ACTS if act in BREAK_GLASS & MAY[role])
        glass = f"by broken glass: {beyond}" if "acknowledge" in MAY[role] else "-"
        lines.append(f"| {role} | {' | '.join(cells)} | {glass} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
