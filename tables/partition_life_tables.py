"""A partition's life for people: a state diagram (Mermaid) and a table (Markdown), as in docs/design.md."""

from tables.partition_life import TRANSITIONS, Event, Life, name


def diagram() -> str:
    """Return the state diagram: one arrow for the events that lead from one state to another."""
    lines = ["stateDiagram-v2", f"    [*] --> {_node(Life.ASSIGNED)}"]
    for life, row in TRANSITIONS.items():
        arrows: dict[Life, list[str]] = {}
        for event, following in row.items():
            if following != life:
                arrows.setdefault(following, []).append(name(event))
        for following, events in arrows.items():
            lines.append(f"    {_node(life)} --> {_node(following)}: {', '.join(events)}")
    return "\n".join([*lines, f"    {_node(Life.GONE)} --> [*]"])


def table() -> str:
    """Return the table: a row an event, a column a state; `=` where it stays, `-` where the event cannot happen."""
    lines = [f"| event | {' | '.join(name(life) for life in Life)} |", "|---" * (len(Life) + 1) + "|"]
    for event in Event:
        cells = [_cell(life, event) for life in Life]
        lines.append(f"| {name(event)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(life: Life, event: Event) -> str:
    following = TRANSITIONS[life].get(event)
    if following is None:
        return "-"
    return "=" if following == life else name(following)


def _node(life: Life) -> str:
    """Return the state's name in the diagram, where a hyphen would end it."""
    return life.name.lower()
