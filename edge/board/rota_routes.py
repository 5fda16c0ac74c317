"""What the board answers about who is on: shown to whoever may view, said by whoever may configure the ward."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.board.board_access import LetIn, person_of
from edge.board.live import Live
from edge.board.responses import found, problem
from edge.board.rota_view import rota_of, ward_of
from edge.rota import Rota, assign, end, ended, make_assignment
from streams.config.settings import Settings
from streams.contracts.people import MAY, Person
from streams.errors import BrokerUnreachable, Busy, UsageError, VigilError

WRITING_MAX: Final = 8
"""Assignments on their way to Kafka, or waiting to be; one beyond it is told to try again."""

WRITING_THREADS: Final = 2
STORED_S_MAX: Final = 15.0
"""For an answer; what waits for a thread by then is not stored."""

SEEN_S_MAX: Final = 2.0
"""How long an answer waits until this board itself has read what was stored."""

SEEN_AGAIN_S: Final = 0.05

Ms = Annotated[int, Field(ge=0)]


class Said(BaseModel):
    """What a page says: `assign` from a moment (now where none is said) until another one, or `end` what began then."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    act: Literal["assign", "end"]
    place: Annotated[str, Field(max_length=200)]
    role: Annotated[str, Field(max_length=200)]
    person: Annotated[str, Field(max_length=200)]
    from_ts_ms: Ms | None = None
    until_ts_ms: Ms | None = None


class RotaRoutes:
    """Answers about assignments; stores them by the same functions as `vigil assign`.

    Args:
        settings: where the brokers are.
        doors: audit what was said and what was refused.
        live: knows the beds and their wards.
        rota: what stands.
    """

    def __init__(self, settings: Settings, doors: LetIn, live: Live, rota: Rota) -> None:
        self._settings, self._doors, self._live, self._rota = settings, doors, live, rota
        self._writing = 0
        self._threads = ThreadPoolExecutor(WRITING_THREADS, thread_name_prefix="board-rota")

    def add_to(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/v1/assignments", self._shown)
        app.router.add_post("/v1/assignments", self._said)

    async def _shown(self, request: web.Request) -> web.Response:
        self._need_ready()
        reference, person = self._live.state.reference, person_of(request)
        said = rota_of(self._rota.known, self._beds(), reference, person, _now_ms())
        return found(said | {"age_s": round(self._rota.age_s)})

    async def _said(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return problem("media-type", "an assignment is application/json")
        try:
            said = Said.model_validate_json(await request.read())
        except ValidationError:
            return problem(
                "malformed", "an assignment has act (assign or end), place, role, person and times in ms"
            )
        self._need_ready()
        person, ward = person_of(request), ward_of(said.place, self._beds())
        if not person.may("configure", ward):
            self._audit(person, said, ward, is_granted=False)
            who = ", ".join(role for role, acts in MAY.items() if "configure" in acts)
            return problem("forbidden", f"you may not say who is on here: {who} of the ward may")
        if self._writing >= WRITING_MAX:
            raise Busy("too many assignments are being stored", 2.0)
        self._writing += 1
        try:
            # A thread cannot be stopped; the producer's own bounds end it. Commands have threads of their own.
            stored = asyncio.get_running_loop().run_in_executor(self._threads, self._store, said, person)
            answer = await asyncio.wait_for(stored, STORED_S_MAX)
        except UsageError as error:
            return _answer("refused", str(error))
        except (BrokerUnreachable, TimeoutError):
            return problem("unanswered", "Kafka has not taken it in time; it may still do so")
        except VigilError as error:
            return _answer("refused", str(error))
        finally:
            self._writing -= 1
        self._audit(person, said, ward, is_granted=True)
        return _answer("accepted", answer)

    def _store(self, said: Said, person: Person) -> str:
        known, now_ms = self._rota.known, _now_ms()
        about = said.place, said.role, said.person
        if said.act == "assign":
            from_ms = now_ms if said.from_ts_ms is None else said.from_ts_ms
            made = make_assignment(*about, from_ms, said.until_ts_ms or 0, person.id)
            answer = assign(self._settings, made, known, now_ms)
            self._wait(lambda: self._rota.known.get(made.key()) == made)
        else:
            answer = end(self._settings, known, *about, said.from_ts_ms, now_ms, person.id)
            self._wait(lambda: not any(ended(self._rota.known, *about, said.from_ts_ms, now_ms)))
        return answer

    def _wait(self, is_seen: Callable[[], bool]) -> None:
        """Wait until this board has read what was stored, for `SEEN_S_MAX` at most; called in a thread."""
        until_s = time.monotonic() + SEEN_S_MAX
        while not is_seen() and time.monotonic() < until_s:
            time.sleep(SEEN_AGAIN_S)

    def _beds(self) -> dict[str, str]:
        """Return the ward of each patient who is shown."""
        return {
            patient: shown.ward
            for patient, shown in self._live.shown.items()
            if shown.ward is not None and not patient.startswith("~")
        }

    def _need_ready(self) -> None:
        if not self._rota.is_ready:
            raise Busy("who is on is not read yet", 2.0)

    def _audit(self, person: Person, said: Said, ward: str, is_granted: bool) -> None:
        patient = said.place if said.place in self._live.shown else ""
        self._doors.audit(person, "configure", patient, ward, "granted" if is_granted else "refused")


def _answer(outcome: str, reason: str) -> web.Response:
    said: dict[str, Any] = {"outcome": outcome, "reason": reason}
    return found(said)


def _now_ms() -> int:
    return int(time.time() * 1000)
