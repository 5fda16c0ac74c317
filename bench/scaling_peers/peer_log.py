"""What a peer in Java says on its standard error when something is wrong."""

import re
from typing import Final

LINE_CHARACTERS_MAX: Final = 400
_TROUBLE: Final = re.compile(r"(?:^|Caused by: |\s)((?:[a-z]\w*\.)+([A-Z]\w*(?:Exception|Error))): (.+)$")


def complaint(text: str) -> str | None:
    """Return the first exception with a message, its class without the package; None when nothing went wrong.

    The first is that which was thrown to the program; what follows repeats it, thread by thread.
    """
    for line in text.splitlines():
        if found := _TROUBLE.search(line):
            return f"{found[2]}: {found[3]}"[:LINE_CHARACTERS_MAX]
    return None
