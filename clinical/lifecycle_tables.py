"""The transition table for people: a state diagram (Mermaid) and a table (Markdown), as in docs/alarms.md."""

from clinical.lifecycle import PHASE_NAMES, TRANSITIONS, Event, Phase, State


def diagram() -> str:
    """Return the state diagram: one arrow for the events that lead from one state to another with one report."""
    lines = ["stateDiagram-v2", "    [*] --> normal"]
    for state, row in TRANSITIONS.items():
        arrows: dict[tuple[State, Phase], list[str]] = {}
        for event, (following, phase) in row.items():
            if following != state or phase != Phase.NONE:
                arrows.setdefault((following, phase), []).append(event.name.lower())
        for (following, phase), events in arrows.items():
            told = f" / {PHASE_NAMES[phase]}" if phase != Phase.NONE else ""
            lines.append(f"    {state.name.lower()} --> {following.name.lower()}: {', '.join(events)}{told}")
    return "\n".join(lines)


def table() -> str:
    """Return the table: a row an event, a column a state, each cell the next state and what is reported."""
    head = " | ".join(state.name.lower() for state in State)
    lines = [f"| event | {head} |", "|---" * (len(State) + 1) + "|"]
    for event in Event:
        cells = [_cell(state, event) for state in State]
        lines.append(f"| {event.name.lower()} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(state: State, event: Event) -> str:
    """Return the next state, `=` where it stays, `-` where the event cannot happen, and the phase in bold."""
    if event not in TRANSITIONS[state]:
        return "-"
    following, phase = TRANSITIONS[state][event]
    told = f" **{PHASE_NAMES[phase]}**" if phase != Phase.NONE else ""
    return ("=" if following == state else following.name.lower()) + told
