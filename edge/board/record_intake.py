"""Puts what was read into the state: each record where its topic says. Pure but for the state that it changes."""

from collections import OrderedDict, deque
from typing import Final

from edge.board.board_follower import Batch, Heard
from edge.board.live import Live
from edge.board.position import SHOWN, Log
from edge.board.shift_load import Starts
from edge.board.showing import Showing
from streams.contracts.alert import Alert
from streams.contracts.command import Answer, Order
from streams.contracts.deliveries import Delivery
from streams.contracts.patient_state import Heartbeat, Limits, Patient

COMMANDS_KEPT: Final = 20
"""Of a patient, the newest, for the bed's page."""

COMMANDED_MAX: Final = 20_000
"""Patients whose commands are kept; who had none for longest goes first."""


class Orders:
    """The last commands of each patient, with their answers."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[dict[str, object]]] = OrderedDict()

    def take(self, patient: str, said: Order | Answer, ts_ms: int) -> None:
        """Take a command or an answer."""
        found = self._of.setdefault(patient, deque(maxlen=COMMANDS_KEPT))
        self._of.move_to_end(patient)
        if len(self._of) > COMMANDED_MAX:
            self._of.popitem(last=False)
        known = next((one for one in found if one["id"] == said.id), None)
        if isinstance(said, Answer):
            if known is not None and (known["outcome"] is None or said.monitored):
                known |= {"outcome": said.outcome, "answer": said.reason, "answered_ts_ms": ts_ms}
        elif known is None:
            what = said.model_dump(mode="json", exclude_none=True)
            what |= {"at_ts_ms": ts_ms, "outcome": None, "answer": None, "answered_ts_ms": None}
            found.append(what)

    def of(self, patient: str) -> list[dict[str, object]]:
        """Return a patient's last commands, the newest first."""
        return list(reversed(self._of.get(patient, ())))


class Intake:
    """Takes batches in.

    Args:
        live: where beds are kept.
    """

    def __init__(self, live: Live) -> None:
        self.live = live
        self.orders = Orders()
        self.starts = Starts()
        self.showing = Showing()
        self.answers: list[Answer] = []
        """Answers of the last batch."""

    def take(self, batch: Batch) -> list[int]:
        """Take a batch in; return when the broker took the alerts that are in it, ms."""
        appended_ms = list[int]()
        self.answers = []
        for log, records in batch.records.items():
            for heard in records:
                self.live.touch(self._take(log, heard))
                if isinstance(heard.found, Alert):
                    appended_ms.append(heard.ts_ms)
        for log, end in batch.lacking.items():
            self.live.lack(log, end)
        self.live.read |= {log: offset for log, offset in batch.ahead.items() if log.topic in SHOWN}
        return appended_ms

    def _take(self, log: Log, heard: Heard) -> str:
        """Return the patient whose bed it may change, empty if none."""
        state, found = self.live.state, heard.found
        match log.topic, found:
            case "patients", Patient() | None:
                return state.take_patient(log, heard.offset, heard.key, found, heard.ts_ms)
            case "limits", Limits() | None:
                state.take_limits(log.partition, heard.key, found)
            case "alerts", Alert():
                self.starts.take(found)
                return state.take_alert(log, heard.offset, found)
            case "deliveries", Delivery():
                self.showing.take(found)
                return state.take_delivery(log, heard.offset, found)
            case "heartbeat", Heartbeat():
                state.take_beat(found, self.live.partitions)
            case "commands", Answer():
                self.answers.append(found)
                self.orders.take(heard.key, found, heard.ts_ms)
            case "commands", _ if found is not None:
                self.orders.take(heard.key, found, heard.ts_ms)  # type: ignore[arg-type]
        return ""
