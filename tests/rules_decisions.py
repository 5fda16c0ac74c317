"""Decisions about rules for tests."""

from streams.kafka.rules_log import Decided, Rules, name_of

TEXT = '[[rule]]\nid = "hr-only"\nsignal = "hr"\nhigh = 120\n'


def decision(number, kind="switch", text=TEXT):
    """Return a decision as it stands on the topic."""
    rules = Rules(
        kind=kind,
        group="vigil",
        number=number,
        name=name_of(text),
        file="new.toml",
        text=text,
        actor="engineer-1",
        role="engineer",
        reason="because",
        at_ts_ms=number,
    )
    return Decided(rules, number, number)
