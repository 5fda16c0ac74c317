"""The alarm that a sender's ADT messages have been silent for their bound: what they said is believed no longer."""

from typing import Final

from streams.contracts.alert import Alert, Evidence, system_alert

ADT_SILENT: Final = "adt-silent"
"""Rule of the alert."""

ADT: Final = "~adt/"
"""Begins the `patient` of the alert, with the sender's name; no patient may be called so."""


class AdtSilence:
    """Follows up to when each sender's messages have come. Its alerts are pure functions of that: any may repeat them.

    Args:
        bound_ms: how long a sender may be silent.
    """

    def __init__(self, bound_ms: int) -> None:
        self._bound_ms = bound_ms
        self._heard_ms: dict[str, int] = {}
        self._onset_ms: dict[str, int] = {}
        self._told: set[str] = set()

    def hear(self, reporter: str, event_ms: int, append_ms: int) -> list[Alert]:
        """Take note of a message; return what is over, if the sender was silent before and is heard now."""
        before, heard = self._heard_ms.get(reporter), min(event_ms, append_ms)
        if before is not None and heard <= before:
            return []
        self._heard_ms[reporter] = heard
        if before is not None and append_ms - before > self._bound_ms:
            self._onset_ms.setdefault(reporter, before + self._bound_ms)
        if append_ms - heard > self._bound_ms:
            return []  # what was held back comes first
        onset_ms = self._onset_ms.pop(reporter, None)
        self._told.discard(reporter)
        return [] if onset_ms is None else [self._alert(reporter, onset_ms, append_ms, is_over=True)]

    def look(self, now_ms: int) -> list[Alert]:
        """Return what has begun."""
        found = []
        for reporter, heard_ms in self._heard_ms.items():
            if now_ms - heard_ms > self._bound_ms and reporter not in self._told:
                self._told.add(reporter)
                onset_ms = self._onset_ms.setdefault(reporter, heard_ms + self._bound_ms)
                found.append(self._alert(reporter, onset_ms, onset_ms, is_over=False))
        return found

    def _alert(self, reporter: str, onset_ms: int, at_ms: int, is_over: bool) -> Alert:
        silent_s = (at_ms - onset_ms + self._bound_ms) / 1000
        said = f"no ADT message is newer than {silent_s:g} s: devices at beds are on nobody until one comes"
        return system_alert(
            ADT + reporter,
            ADT_SILENT,
            source="association",
            priority="medium",
            onset_ms=onset_ms,
            now_ms=at_ms,
            append_ms=at_ms,
            is_over=is_over,
            reason="ADT messages come again" if is_over else said,
            evidence=Evidence(silent_s=silent_s),
        )
