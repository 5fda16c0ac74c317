"""Sealed and signed records read: commands of `vitals.commands` and what a worker has put into a log with a proof."""

from pydantic import ValidationError

from streams.contracts.command import COMMAND_BYTES_MAX, UNSIGNED, Commanded
from streams.contracts.seals import SEAL_BYTES_MAX, Place, Seals, Unproven
from streams.decoding.decoded import PlacedCommand, Record, Reject, Unproved


def read_placed(record: Record, seals: Seals) -> PlacedCommand | Unproved | Reject:
    """Return the command that a sealed record carries, that it stands for an unsigned one, or why it is neither."""
    found = opened(record, seals, COMMAND_BYTES_MAX)
    if isinstance(found, Reject):
        return found
    place, content = found
    if content == UNSIGNED:
        return Unproved(record.offset)
    said = read_command(record, content)
    if isinstance(said, Reject):
        return said
    return PlacedCommand(record.offset, record.timestamp, said.order.root, place, said.person)


def opened(record: Record, seals: Seals, bytes_max: int) -> tuple[Place, bytes] | Reject:
    """Return where a sealed record comes from and its content of at most so many bytes, or that it proves nothing."""
    value, name = record.value or b"", (record.key or b"").decode().removeprefix("~")
    if len(value) > bytes_max + SEAL_BYTES_MAX:
        return Reject(
            record, "unproven-command", f"{name}: {len(value)} bytes, longer than any that is sealed"
        )
    try:
        return seals.opened(record.key or b"", value)
    except Unproven as fault:
        return Reject(record, "unproven-command", f"{name}: {fault}")


def read_signed(record: Record, seals: Seals) -> tuple[Commanded, bytes] | Reject:
    """Return the command of a record of `vitals.commands` and what was signed of it, or why it carries none."""
    value = record.value or b""
    if len(value) > COMMAND_BYTES_MAX + SEAL_BYTES_MAX:
        return Reject(record, "too-large", f"command: {len(value)} bytes, at most {COMMAND_BYTES_MAX}")
    try:
        content = seals.signed(record.key or b"", value)
    except Unproven as fault:
        return Reject(record, "unproven-command", f"command: {fault}")
    said = read_command(record, content)
    return said if isinstance(said, Reject) else (said, content)


def read_command(record: Record, content: bytes) -> Commanded | Reject:
    """Return the command and the person that proven content names, or why it names none."""
    try:
        return Commanded.model_validate_json(content)
    except ValidationError as error:
        return Reject(record, "invalid", f"command: {first_fault(error)}")


def first_fault(error: ValidationError) -> str:
    """Return the first thing that is wrong, with the name of its field."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
