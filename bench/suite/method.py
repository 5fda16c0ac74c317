"""How the figures of a report were measured, as its last part."""

from collections.abc import Mapping
from typing import Any, Final

from bench.suite.arrivals import SLOT_MS
from bench.suite.burst import HEADLINE_WAKE_S
from bench.suite.drain import WARM_UP
from bench.suite.driver import FRAMES_MAX, LAG_P99_MS_MAX
from bench.suite.fill import BATCH_FRAMES
from bench.suite.latency import RECOVERED_SLACK_MS, STAYS_S
from bench.suite.open_loop import GRACE_S, WARM_FRAMES
from bench.suite.order import BLOCKS
from bench.suite.sustainable import LATE_MS, SETTLE_S, SLOPE_MS_S_MAX, WINDOW_S
from bench.suite.wire import FRAME_BYTES
from bench.takeover import PATIENTS

METHOD: Final = """\
- **Equal work first**: ten minutes of seeded frames through each system; one whose alert starts differ from the
  reference's is struck out.
- **Drain**: one topic for all, of 10,000 patients, a frame a second each with 7 signals, in batches of {batch} frames;
  each system is measured over as much of it as it does in about ten seconds, all systems in turn, there and back;
  the slow ones have fewer rounds.
  The broker waits 3 s, its default, for others to join a new group: partitions are shared from the beginning.
  Marks, which every system must tell at once, show from outside how far it is. The first {warm:.0%} of what it drains
  is not measured. Processor time is that of the whole process tree, all threads; with the broker's share, that of
  the broker in the same time is added, which a system's changelog costs too. What is still to be made durable when the
  last mark is told is not waited for. The first alert is counted from the start of the process, the broker's wait
  included.
- **Small blocks**: the processor time of single calls in one process, 5,000 patients in four partitions and the rules
  that are built in, among the log's other frames and ticks: the median of {blocks} repeats' medians. No broker takes
  part.
- **Start**: from the start of Vigil's processes to the broker's time of their first alert, the engines in turn.
- **Memory**: one worker whose patients have a frame in each half minute that windows hold.
- **Takeover**: of two workers with {taken:,} patients one is killed; the longest time between two alerts of a partition
  of its own, one alert due every 0.2 s.
- **Warm-up**: before it runs against the clock every system is given the same: {warm_frames:,} frames of 10,000
  patients, until it has told the last mark; then the steady seconds before the first burst, and in its first run
  the smaller bursts before the headline's.
- **Sustainable rate**: the highest rate that was held twice and never not: over {window:g} s after {settle:g} s of
  settling, the median latency of planted onsets grew by less than {slope:g} ms a second, or was below {late:g} ms at
  the end, and none was missed. A search up and down, then what it found is tried again. Two searches of Vigil, of which
  the lower result counts, one of the others; a search in which no rate was held counts as the lowest. A system
  without a search is taken to sustain half of what it drains on the wall.
- **Bursts**: open loop, Poisson arrivals on a grid of {slot} ms, the schedule computed and encoded beforehand ({bytes}
  bytes a record, at most {frames:,} frames in memory). Latency is the alert's append time by the broker minus the
  planned send time of the frame that made the condition true; alerts are read when the load is over, so that reading
  takes nothing of the machine. Figures are of the onsets planned from the burst's start
  to {wake:g} s after its end; percentiles are measured values, not interpolated. A run may hold several bursts of the
  headline, each a repeat.
- **Missed**: not told {grace:g} s after the load's end. It counts as infinite (∞; null in the JSON). A base that a
  system does not sustain is not run.
- **Recovery**: from the burst's end until the 99th percentile over a sliding second is within a tenth or {slack:g} ms
  of the worst second before the burst, and stays there for {stays:g} s.
- **Driver**: a process of its own with a higher priority than the rest. A run whose requests were handed over more than
  {lag:g} ms late at the 99th percentile is void.
- **Low base**: a tenth of the slowest Python peer's sustainable rate. **High base**: a twelfth of Vigil's, so that a
  burst of ten times is 0.83 of what it sustains."""


def method(report: Mapping[str, Any]) -> str:
    """Return how a run's figures were measured."""
    driver = report["driver"]
    text = METHOD.format(
        batch=BATCH_FRAMES,
        warm=WARM_UP,
        warm_frames=WARM_FRAMES,
        wake=HEADLINE_WAKE_S,
        window=WINDOW_S - SETTLE_S,
        settle=SETTLE_S,
        slope=SLOPE_MS_S_MAX,
        late=LATE_MS,
        slot=SLOT_MS,
        bytes=FRAME_BYTES,
        frames=FRAMES_MAX,
        grace=GRACE_S,
        slack=RECOVERED_SLACK_MS,
        stays=STAYS_S,
        lag=LAG_P99_MS_MAX,
        blocks=BLOCKS,
        taken=PATIENTS,
    )
    if not driver["runs"]:
        return text
    return (
        f"{text}\n\nThe driver's lag at the 99th percentile was {driver['lag_p99_ms']:.2f} ms (median of "
        f"{driver['runs']} runs, highest {driver['lag_p99_ms_highest']:.2f} ms). It "
        f"took {100 * driver['cores']:.1f} % of a core (highest {100 * driver['cores_highest']:.1f} %) at "
        f"{' or '.join(driver['priorities'])}."
    )
