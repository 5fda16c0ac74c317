"""Tells boards the last minutes of a patient, which the table keeps in memory: a small HTTP server of the worker.

Whoever asks proves it by the command key (`streams.contracts.window_query`). It reads the table in the event loop, so
that no block is half entered, and a question that finds the worker busy waits: the board asks with a deadline. A
worker that cannot listen judges all the same.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import numpy as np
from aiohttp import web

from clinical.limits import NEVER
from clinical.vitals import SIGNALS, WINDOWED
from streams.config.loopback import is_loopback
from streams.config.settings import Settings
from streams.contracts.seals import Seals, Unproven
from streams.contracts.window_query import QUESTION_BYTES_MAX, WINDOWS_PATH, asked
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable
from tables.windows import BUCKET_MS, MINUTES_MAX

BUCKETS: Final = MINUTES_MAX * 60_000 // BUCKET_MS
STOP_S_MAX: Final = 1.0
WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})

logger = logging.getLogger(__name__)

_quiet = logging.getLogger(f"{__name__}.aiohttp")
_quiet.setLevel(logging.CRITICAL + 1)  # of a request that is none it logs the bytes, which may name a patient


class LiveWindows:
    """Answers questions for partitions that `owned` names.

    Args:
        settings: where it listens.
        seals: tell who may ask.
        store: the tables.
        owned: partitions of this worker at the moment.
        wall_s: the clock.
    """

    def __init__(
        self,
        settings: Settings,
        seals: Seals,
        store: ColumnStore,
        owned: Callable[[], Iterable[int]],
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._seals, self._store, self._owned = settings, seals, store, owned
        self._wall_s = wall_s
        self.address: str | None = None
        """Where it listens, host:port; None while it does not."""

    async def serve(self) -> None:
        """Listen until cancelled."""
        app = web.Application(client_max_size=QUESTION_BYTES_MAX, logger=_quiet)
        app.router.add_post(WINDOWS_PATH, self._handle)
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=STOP_S_MAX)
        host = self._settings.metrics_host
        if self._settings.tls_dir is not None and not is_loopback(host):
            logger.warning("live windows: not told, because they would leave this machine in clear (tls_dir)")
            return
        try:
            listening = socket.create_server((host, self._settings.windows_port))
        except OSError as error:
            logger.warning("live windows: cannot listen: %s", error.strerror)
            return
        with listening:
            try:
                await runner.setup()
                await web.SockSite(runner, listening).start()
                name = socket.gethostname() if host in WILDCARDS else host
                self.address = f"{name}:{listening.getsockname()[1]}"
                await asyncio.Event().wait()
            finally:
                self.address = None
                await runner.cleanup()  # while the socket is open: the event loop looks for it

    async def _handle(self, request: web.Request) -> web.Response:
        status, body = self.answer(await request.read())
        return web.Response(status=status, body=body, content_type="application/json")

    def answer(self, question: bytes) -> tuple[int, bytes]:
        """Return status and body for a question: 403 unproven, 404 not here, 421 another worker's partition."""
        try:
            partition, patient = asked(self._seals, question, int(self._wall_s() * 1000))
        except (Unproven, ValueError):
            return 403, b"{}"
        if partition not in set(self._owned()):
            return 421, b"{}"
        table = self._store.state(partition)
        row = table.row_of.get(patient)
        if row is None or table.ticked_until_ms == NEVER:
            return 404, b"{}"
        return 200, msgspec.json.encode({"patient": patient, **told(table, row)})


def told(table: PatientTable, row: int) -> dict[str, object]:
    """Return what is known of a patient's last minutes, but for the name."""
    now_ms = table.ticked_until_ms
    last = now_ms // BUCKET_MS
    course = table.windows.course(row, last, BUCKETS)
    whole = table.windows.query(np.array([row]), now_ms, MINUTES_MAX)
    begin_ms = (np.arange(last - BUCKETS + 1, last + 1) * BUCKET_MS).astype(np.int64)
    signals, wholes = dict[str, object](), dict[str, object]()
    for column in np.flatnonzero(whole.count[0, :WINDOWED]).tolist():
        name, filled = SIGNALS[column].name, course.count[:, column] > 0
        signals[name] = {
            "ts_ms": begin_ms[filled].tolist(),
            "mean": course.mean[filled, column].tolist(),
            "low": course.low[filled, column].tolist(),
            "high": course.high[filled, column].tolist(),
        }
        wholes[name] = {
            "count": int(whole.count[0, column]),
            "mean": float(whole.mean[0, column]),
            "low": float(whole.low[0, column]),
            "high": float(whole.high[0, column]),
        }
    return {
        "bucket_ms": BUCKET_MS,
        "judged_ts_ms": now_ms,
        "minutes": MINUTES_MAX,
        "signals": signals,
        "whole": wholes,
    }
