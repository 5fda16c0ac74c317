"""The parts of the judge that ticks and commands share, made once from a rule set."""

from dataclasses import dataclass

from agents.judging.alarms import ALARMS_PAUSED, BREAK_GLASS, LIMITS_WIDENED, SILENT_DEVICE, Alarm
from agents.judging.association_alarms import AssociationAlarms
from agents.judging.broken_glass import BrokenGlass
from agents.judging.catalogue import alarms_of
from agents.judging.conditions import Conditions
from agents.judging.effective_limits import EffectiveLimits
from agents.judging.episode_events import Episodes
from agents.judging.partition_alarms import PartitionAlarms
from agents.judging.pauses import Pauses
from agents.judging.responsibility import Responsibilities
from agents.judging.ward_silences import Silences
from agents.judging.widenings import Widenings
from clinical.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Parts:
    """One of each, all under the same rules and of the same alarms."""

    rules: RuleSet
    alarms: tuple[Alarm, ...]
    limits: EffectiveLimits
    episodes: Episodes
    pauses: Pauses
    responsibilities: Responsibilities
    conditions: Conditions
    silences: Silences
    widenings: Widenings
    broken_glass: BrokenGlass
    partition: PartitionAlarms


def parts_of(rules: RuleSet, recorded: bool, patients_max: int) -> Parts:
    """Return the parts under a rule set; `recorded` is whether a recording is judged, `patients_max` of a partition."""
    alarms, limits = alarms_of(rules), EffectiveLimits(rules)
    column = {alarm.id: number for number, alarm in enumerate(alarms)}
    episodes = Episodes(alarms, limits, rules.responsibility)
    associations = AssociationAlarms(alarms, limits.count, episodes, rules.technical)
    return Parts(
        rules=rules,
        alarms=alarms,
        limits=limits,
        episodes=episodes,
        pauses=Pauses(episodes, column[ALARMS_PAUSED], rules.pauses, limits.rules),
        responsibilities=Responsibilities(episodes, rules.responsibility),
        conditions=Conditions(rules, alarms, limits.rules, episodes, recorded),
        silences=Silences(rules.technical, column[SILENT_DEVICE]),
        widenings=Widenings(limits, episodes, column[LIMITS_WIDENED]),
        broken_glass=BrokenGlass(episodes, column[BREAK_GLASS]),
        partition=PartitionAlarms(alarms, episodes, patients_max, associations),
    )
