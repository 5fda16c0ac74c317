"""What every device of the client tests does, whatever client it sends with. Standard library only.

It is given a plan as JSON and sends one record every `every_s`, its keys in turn, numbered. What became of each is a
line of JSON on standard output. Commands on standard input: `refuse` sends two records that no broker will take,
`stop` (or the end of the input) sends no more, waits for what is open, says how much stayed so, and ends.
"""

import json
import sys
import threading
import time

TOO_LARGE_BYTES = 300_000
DAY_MS = 86_400_000
STOP_S_MAX = 10.0


class Device:
    """Its plan and what became of what it sent."""

    def __init__(self):
        self.plan = json.loads(sys.argv[1])
        self._lock = threading.Lock()
        self._open = set()
        self._commands = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in sys.stdin:
            self._commands.append(line.strip())
        self._commands.append("stop")

    def run(self, send, poll=lambda: None):
        """Send until told to stop.

        Args:
            send: given key, value, time (ms, None = now) and a function to call once with None or the error.
            poll: called after each record.
        """
        number = 0
        while "stop" not in self._commands:
            if "refuse" in self._commands:
                self._commands.remove("refuse")
                self._send(send, "large", b"x" * TOO_LARGE_BYTES, None)
                self._send(send, "ahead", b"ahead", int(time.time() * 1000) + DAY_MS)
            self._send(send, number, b"%d" % number, None)
            number += 1
            poll()
            time.sleep(self.plan["every_s"])
        until_s = time.monotonic() + STOP_S_MAX
        while self._open and time.monotonic() < until_s:
            poll()
            time.sleep(0.05)
        self._say({"open": len(self._open)})

    def _send(self, send, number, value, ts_ms):
        keys = self.plan["keys"]
        key = keys[number % len(keys)] if isinstance(number, int) else keys[0]
        with self._lock:
            self._open.add(number)

        def settle(error):
            with self._lock:
                self._open.discard(number)
            self._say({"number": number, "error": None if error is None else repr(error)[:200]})

        try:
            send(key.encode(), value, ts_ms, settle)
        except Exception as error:  # the client refuses it at once
            settle(error)

    def _say(self, what):
        with self._lock:
            print(json.dumps(what | {"at_s": time.time()}), flush=True)
