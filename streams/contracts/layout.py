"""How the readings lie: their generations, and how far giving them more partitions has come. One table; pure.

A generation is a topic of readings with a number of partitions, and a changelog with as many. Scaling leads from the
one that is judged to one of `factor` times the partitions. The phase says what *is done*: a step's effect comes first,
and each effect may be repeated, so whoever finds a phase goes on from there, however the one before ended.

The phase also says who does what: workers judge `Layout.judged`, if `Layout.is_let_in`; whoever writes readings writes
to `Layout.written`; what comes into a generation before `Layout.judged` is forwarded to the next
(`agents.stragglers`).
"""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streams.contracts.frame import EVENT_TS_MS_MAX

PARTITIONS_MAX: Final = 4_096
"""Of the readings: each takes a changelog, a heartbeat and a tick a second; our choice."""

GENERATIONS_MAX: Final = 8
"""Generations beside each other: each that is not finished is a hop for those who still write there."""


class Phase(StrEnum):
    """How far scaling has come."""

    SETTLED = "settled"
    """There is one generation."""
    PREPARED = "prepared"
    """The topics of the next generation are there; nothing else has changed."""
    DRAINING = "draining"
    """Workers hand over, end and wait: nothing is judged."""
    FORWARDING = "forwarding"
    """The state is split, workers judge the next generation; what is written to the one before is forwarded."""
    OPEN = "open"
    """Who begins to write readings writes to the new generation."""


class Step(StrEnum):
    """What leads from one phase to another."""

    PREPARE = "prepare"
    """Topics of another generation are created."""
    DRAIN = "drain"
    """Workers are asked to hand over and wait."""
    LET_ON = "let-on"
    """Workers go on as before: their state was not whole, or nobody has split it in time."""
    MOVE = "move"
    """All workers have ended and the state is split."""
    OPEN = "open"
    """What was written to the generation before has been forwarded."""
    ABORT = "abort"
    """It is given up, before the move; the topics that were made for it are removed."""
    FINISH = "finish"
    """Nobody writes to the generations before any more: they are removed."""


STEPS: Final[dict[Phase, dict[Step, Phase]]] = {
    Phase.SETTLED: {Step.PREPARE: Phase.PREPARED},
    Phase.PREPARED: {Step.DRAIN: Phase.DRAINING, Step.ABORT: Phase.OPEN},
    Phase.DRAINING: {
        Step.LET_ON: Phase.PREPARED,
        Step.MOVE: Phase.FORWARDING,
        Step.ABORT: Phase.OPEN,
    },
    Phase.FORWARDING: {Step.OPEN: Phase.OPEN},
    Phase.OPEN: {Step.PREPARE: Phase.PREPARED, Step.FINISH: Phase.SETTLED},
}
"""What `ABORT` leads to is settled where only one generation is left (`Layout.after`)."""


class IllegalStep(ValueError):
    """A step that the table does not allow in this phase."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Generation(_Record):
    """One topic of readings, and its changelog."""

    number: Annotated[int, Field(ge=0)] = Field(description="which; 0 = as the topics were first made")
    factor: Annotated[int, Field(ge=1)] = Field(
        description="of how many times the partitions that all other topics have"
    )


class Layout(_Record):
    """A record of `vitals.layout`: the last that counts says how the readings lie."""

    group: Annotated[str, Field(max_length=255)] = Field(description="consumer group of the workers")
    number: Annotated[int, Field(ge=1)] = Field(description="of the record; of two the first counts")
    phase: Phase = Field(strict=False, description="what is done")
    generations: tuple[Generation, ...] = Field(
        strict=False,
        description="those that are there, the oldest first; the last is being made until the move",
    )
    last_number: Annotated[int, Field(ge=0)] = Field(
        description="the highest number that a generation ever had: none is used again"
    )
    at_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(description="when, Unix epoch, ms")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        least = 1 if self.phase == Phase.SETTLED else 2
        numbers = [each.number for each in self.generations]
        factors = [each.factor for each in self.generations]
        if not least <= len(numbers) <= GENERATIONS_MAX or (self.phase == Phase.SETTLED and len(numbers) > 1):
            raise ValueError(f"{len(numbers)} generations cannot be while it is {self.phase}")
        if numbers != sorted(set(numbers)) or numbers[-1] > self.last_number:
            raise ValueError("the numbers of generations do not rise")
        if any(after % before for before, after in pairwise(factors)):
            raise ValueError("a generation has no multiple of the partitions before")
        return self

    @property
    def judged(self) -> Generation:
        """The generation that workers judge."""
        return self.generations[-2 if self.phase in (Phase.PREPARED, Phase.DRAINING) else -1]

    @property
    def written(self) -> Generation:
        """The generation that is written to by who begins to write."""
        return self.generations[-1 if self.phase in (Phase.SETTLED, Phase.OPEN) else -2]

    @property
    def is_let_in(self) -> bool:
        """Whether workers may judge now."""
        return self.phase != Phase.DRAINING

    @property
    def hops(self) -> tuple[tuple[Generation, Generation], ...]:
        """From which generation to which records are forwarded now."""
        until = self.generations.index(self.judged)
        return tuple(zip(self.generations[:until], self.generations[1 : until + 1], strict=True))

    def allows(self, step: Step) -> bool:
        """Tell whether a step can be taken now."""
        return step in STEPS[self.phase]

    def after(self, step: Step, now_ms: int, factor: int = 1) -> "Layout":
        """Return the layout that follows.

        Args:
            step: what is done.
            now_ms: Unix epoch, ms.
            factor: of `PREPARE`, how many times the partitions that are judged now.

        Raises:
            IllegalStep: that cannot be done now.
        """
        phase = STEPS[self.phase].get(step)
        if phase is None:
            raise IllegalStep(f"{step} cannot be done while it is {self.phase}")
        generations, last = self.generations, self.last_number
        if step == Step.PREPARE:
            last += 1
            generations += (Generation(number=last, factor=self.judged.factor * factor),)
        elif step == Step.ABORT:
            generations = generations[:-1]
            phase = Phase.SETTLED if len(generations) == 1 else phase
        elif step == Step.FINISH:
            generations = generations[-1:]
        return Layout(
            group=self.group,
            number=self.number + 1,
            phase=phase,
            generations=generations,
            last_number=last,
            at_ts_ms=now_ms,
        )


def first_layout(group: str) -> Layout:
    """Return the layout of readings that were never scaled; it is not written anywhere."""
    return Layout(
        group=group,
        number=1,
        phase=Phase.SETTLED,
        generations=(Generation(number=0, factor=1),),
        last_number=0,
        at_ts_ms=0,
    )
