"""Reads a routing file (TOML): channels, receivers, and routes with their steps; docs/delivery.md describes it.

What is wrong is told in one line that names file, line, table and key.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streams.config.routing import (
    BOARD,
    DAYS,
    TAKEN_S_DEFAULT,
    WAIT_S_DEFAULT,
    Channel,
    ChannelKind,
    Receiver,
    Route,
    RouteStep,
    Routing,
)
from streams.config.toml_text import Lines, read_file, read_toml, refusal
from streams.contracts.alert import AlertType, Priority

FILE_BYTES_MAX: Final = 262_144
CHANNELS_MAX: Final = 64
RECEIVERS_MAX: Final = 1_000
ROUTES_MAX: Final = 1_000
STEPS_MAX: Final = 8
"""Most steps of a route [M]; the rules have at most as many."""

TOLD_MAX: Final = 16
"""Most receivers of a step, and most channels of a receiver [M]."""

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"

OptionsCheck = Callable[[str, Mapping[str, Any]], None]
"""Given a channel's kind and options; raises ValueError with one sentence on what is wrong with them."""

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Pattern = Annotated[str, Field(min_length=1, max_length=128)]
Wait = Annotated[float, Field(ge=5, le=3600)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _ChannelTable(BaseModel):
    """Its other keys are the channel's own."""

    model_config = ConfigDict(extra="allow", strict=True)

    kind: ChannelKind


class _ReceiverTable(_Table):
    channels: Annotated[list[Name], Field(min_length=1, max_length=TOLD_MAX)]
    role: Annotated[str, Field(min_length=1, max_length=64)] = ""


class _StepTable(_Table):
    to: Annotated[list[Name], Field(min_length=1, max_length=TOLD_MAX)]
    wait_s: Wait = WAIT_S_DEFAULT
    taken_s: Wait = TAKEN_S_DEFAULT


class _RouteTable(_Table):
    name: Name
    ward: list[Pattern] = []
    priority: list[Priority] = []
    rule: list[Pattern] = []
    type: list[AlertType] = []
    days: list[Day] = []
    between: Annotated[list[TimeOfDay], Field(min_length=2, max_length=2)] | None = None
    fallback: Name | Literal[""] = ""
    also: bool = False
    step: Annotated[list[Any], Field(min_length=1, max_length=STEPS_MAX)]


def load_routing(path: Path, check_options: OptionsCheck | None = None) -> Routing:
    """Read a routing file.

    Raises:
        UsageError: it cannot be read or is not a valid routing file; one line that says where and why.
    """
    return parse_routing(read_file(path, "routing file", FILE_BYTES_MAX), str(path), check_options)


def parse_routing(text: str, name: str, check_options: OptionsCheck | None = None) -> Routing:
    """Turn the text of a routing file into the routing; `name` is what errors call the file.

    Args:
        text: of the file.
        name: what errors call it.
        check_options: knows each kind of channel; None = kinds are checked by their name alone.

    Raises:
        UsageError: one line that names file, line where it is known, table and key.
    """
    return _Reader(text, name, check_options).read()


class _Reader:
    def __init__(self, text: str, name: str, check_options: OptionsCheck | None) -> None:
        self._document = read_toml(text, name)
        self._lines = Lines(text)
        self._name = name
        self._check_options = check_options

    def read(self) -> Routing:
        for key in self._document:
            if key not in _KEYS:
                raise refusal(f"{self._at('', 0, key)}: {key}: unknown; a file holds {_TABLES}")
        channels = {BOARD: Channel(BOARD, "board")} | self._channels()
        receivers = self._receivers(channels)
        return Routing(channels, receivers, self._routes(receivers), self._zone())

    def _at(self, table: str, position: int, key: str) -> str:
        return self._lines.place(self._name, table, position, key)

    def _zone(self) -> str:
        zone = self._document.get("zone", "UTC")
        try:
            return ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise refusal(
                f"{self._at('', 0, 'zone')}: zone: no time zone {zone!r}; write one like Europe/Berlin"
            ) from None

    def _named(self, kind: str, most: int) -> dict[str, Any]:
        tables = self._document.get(kind, {})
        if not isinstance(tables, dict):
            raise refusal(f"{self._at('', 0, kind)}: {kind}: not a table; write [{kind}.NAME]")
        if len(tables) > most:
            raise refusal(f"{self._name}: {len(tables)} {kind}, at most {most} are supported")
        return tables

    def _channels(self) -> dict[str, Channel]:
        found = {}
        for name, table in self._named("channels", CHANNELS_MAX).items():
            where = f"channels.{name}"
            given = self._checked(_ChannelTable, table, where, 0, f"[{where}]")
            self._refuse_name(name, where)
            options = {key: value for key, value in table.items() if key != "kind"}
            if self._check_options is not None:
                try:
                    self._check_options(given.kind, options)
                except ValueError as error:
                    raise refusal(f"{self._at(where, 0, '')}: [{where}]: {error}") from None
            found[name] = Channel(name, given.kind, options)
        return found

    def _receivers(self, channels: Mapping[str, Channel]) -> dict[str, Receiver]:
        found = {BOARD: Receiver(BOARD, (BOARD,))}
        for name, table in self._named("receivers", RECEIVERS_MAX).items():
            where = f"receivers.{name}"
            given = self._checked(_ReceiverTable, table, where, 0, f"[{where}]")
            self._refuse_name(name, where)
            self._refuse_unknown(given.channels, channels, "channel", where, 0, f"[{where}]", "channels")
            found[name] = Receiver(name, tuple(dict.fromkeys(given.channels)), given.role)
        return found

    def _refuse_name(self, name: str, where: str) -> None:
        if name == "" or len(name) > 64 or not set(name) <= _NAME_CHARACTERS or name.startswith("-"):
            raise refusal(f"{self._at(where, 0, '')}: [{where}]: the name {_MESSAGES[_PATTERN]}")

    def _routes(self, receivers: Mapping[str, Receiver]) -> tuple[Route, ...]:
        tables = self._document.get("route", [])
        if not isinstance(tables, list) or not tables:
            raise refusal(
                f"{self._at('', 0, 'route')}: no [[route]] tables: nobody would be told of anything"
            )
        if len(tables) > ROUTES_MAX:
            raise refusal(f"{self._name}: {len(tables)} routes, at most {ROUTES_MAX} are supported")
        found: list[Route] = []
        steps_before = 0
        for position, table in enumerate(tables):
            found.append(self._route(table, position, steps_before, receivers))
            steps_before += len(found[-1].steps)
            if found[-1].name in {route.name for route in found[:-1]}:
                raise self._complaint(
                    "route", position, f"[[route]] {position + 1}", "name", "another has it"
                )
        return tuple(found)

    def _route(
        self, table: object, position: int, steps_before: int, receivers: Mapping[str, Receiver]
    ) -> Route:
        own = table.get("name") if isinstance(table, dict) else None
        what = f"route {position + 1}" + (f' ("{own[:64]}")' if isinstance(own, str) else "")
        given = self._checked(_RouteTable, table, "route", position, what)
        if given.fallback:
            self._refuse_unknown([given.fallback], receivers, "receiver", "route", position, what, "fallback")
            if receivers[given.fallback].role:
                message = f"receiver {given.fallback} is of a role: nobody may be assigned to that either"
                raise self._complaint("route", position, what, "fallback", message)
        steps = []
        for number, step in enumerate(given.step):
            place, its = steps_before + number, f"{what}, step {number + 1}"
            said = self._checked(_StepTable, step, "route.step", place, its)
            self._refuse_unknown(said.to, receivers, "receiver", "route.step", place, its, "to")
            steps.append(RouteStep(tuple(dict.fromkeys(said.to)), said.wait_s, said.taken_s))
            of_role = [one for one in said.to if receivers[one].role]
            if of_role and not given.fallback:
                message = f"is missing: {of_role[0]} is of a role that nobody may be assigned to"
                raise self._complaint("route", position, what, "fallback", message)
        times = [time.fromisoformat(one) for one in given.between or ()]
        route = Route(
            given.name,
            tuple(steps),
            tuple(given.ward),
            tuple(given.priority),
            tuple(given.rule),
            tuple(given.type),
            tuple(day for day in DAYS if day in given.days),
            fallback=given.fallback,
            also=given.also,
        )
        return replace(route, begins=times[0], ends=times[1]) if times else route

    def _refuse_unknown(
        self,
        names: list[str],
        known: Mapping[str, object],
        kind: str,
        table: str,
        position: int,
        what: str,
        key: str,
    ) -> None:
        for name in names:
            if name not in known:
                message = f"no {kind} {name!r}; there are {', '.join(known)}"
                raise self._complaint(table, position, what, key, message)

    def _checked(self, model: type[Any], table: object, where: str, position: int, what: str) -> Any:
        if not isinstance(table, dict):
            raise refusal(f"{self._at(where, position, '')}: {what}: not a table")
        try:
            return model.model_validate(table)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = str(first["loc"][0])
            message = _MESSAGES.get(first["type"], first["msg"].replace("Input should", "should"))
            if first["type"] == "extra_forbidden":
                message += ", ".join(model.model_fields)
            elif key == "between":
                message = 'should be two times of day, ["19:00", "07:00"]'
            elif first["type"] != "missing":
                message += f", got {repr(first['input'])[:60]}"
            raise self._complaint(where, position, what, key, message) from None

    def _complaint(self, table: str, position: int, what: str, key: str, message: str) -> Exception:
        return refusal(f"{self._at(table, position, key)}: {what}: key {key}: {message}")


_TABLES: Final = "zone, [channels.NAME], [receivers.NAME] and [[route]]"
_KEYS: Final = ("zone", "channels", "receivers", "route")
_PATTERN: Final = "string_pattern_mismatch"
_MESSAGES: Final = {
    "extra_forbidden": "unknown; known keys are ",
    "missing": "is missing",
    "too_short": "should name at least one",
    "too_long": "names too many",
    _PATTERN: "should be 1 to 64 of a-z, 0-9 and '-', not starting with '-'",
}
_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
