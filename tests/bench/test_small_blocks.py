"""What the measurement of small blocks judges: a ward like any other, cut into small pieces."""

from bench.load import Load
from bench.load import records as of_load
from bench.suite.small_blocks import EACH, KINDS, PARTITIONS, PATIENTS, SINGLES, Engine, Ward
from streams.config.settings import Settings
from streams.contracts.frame import TICK_KEY

SECONDS = 12


class Remembering(Engine):
    """An engine that keeps what it was given."""

    def __init__(self):
        super().__init__(Settings())
        self.taken = [[] for _ in range(PARTITIONS)]
        self.fetched, self._run, self.transitions = [], None, 0

    def decode(self, run):
        self._run = run
        return super().decode(run)

    def judge(self, decoded):
        if len(decoded) == 1:
            self.taken[decoded[0][0]] += self._run
        verdicts = super().judge(decoded)
        self.transitions += sum(len(verdict.transitions) for verdict in verdicts)
        return verdicts

    def take(self, fetched):
        self.fetched.append([len(run) for _, run in fetched])
        for partition, run in fetched:
            self.taken[partition] += run
        return super().take(fetched)


def test_every_frame_of_the_load_is_judged_once_in_the_order_of_offsets():
    engine = Remembering()
    ward = Ward(engine)
    for second in range(SECONDS):
        ward.pass_second(second >= SECONDS - 2)
    wanted = [[] for _ in range(PARTITIONS)]
    for partition, key, value in of_load(Load(SECONDS * PATIENTS, PATIENTS, PARTITIONS)):
        wanted[partition].append((key, value))
    for taken, every in zip(engine.taken, wanted, strict=True):
        assert [record.offset for record in taken] == list(range(len(every)))
        assert sorted((record.key, record.value) for record in taken) == sorted(every)
        seconds = [i for i, record in enumerate(taken) if record.key == TICK_KEY]
        assert seconds == [i for i, (key, _) in enumerate(every) if key == TICK_KEY]
    assert engine.transitions > 0
    assert engine.fetched.count([EACH] * PARTITIONS) > 2 * SINGLES
    assert set(ward.taken_ns) == set(KINDS)
    assert all(len(taken) >= 20 for taken in ward.taken_ns.values())
