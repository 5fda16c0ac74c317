"""Delivery's whole flow on one screen: topics to agents to table to topics, and what runs beside it."""

import time
from dataclasses import dataclass
from typing import Final

import faust

from agents.dead_letters import DeadLetters
from agents.delivery.episode_store import EpisodeStore
from agents.delivery.escalation import Escalation
from agents.delivery.escalator import Escalator
from agents.delivery.intake import Intake
from agents.delivery.metrics import DeliveryMetrics
from agents.delivery.ownership_of_delivery import DeliveryOverview
from agents.delivery.views import Views
from agents.health.watchdog import Watchdog
from agents.ticker import TURNS, Ticker
from streams.config.routing import Routing
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, DELIVERIES, ESCALATIONS
from streams.lane.app import EPISODES, create_app, delivery_lane, publisher_of
from streams.lane.block_table import BlockTable
from streams.lane.faust_lane import FaustLane
from streams.lane.protocol import Reader

TICK_S: Final = 0.5
"""Between two ticks of a partition: a step is due at the first tick behind it, so at most this late."""

REFRESH_S: Final = 1.0


@dataclass(slots=True)
class DeliveryFlow:
    """The parts of a process that decides, wired."""

    app: faust.App
    metrics: DeliveryMetrics
    watchdog: Watchdog
    views: Views


def wire(settings: Settings, routing: Routing) -> DeliveryFlow:
    """Bind alerts and milestones -> intake -> escalations -> escalator -> milestones and technical alerts.

    `settings` are those of delivery's own group (`streams.kafka.admin.delivery_settings`).
    """
    app = create_app(settings, delivery_lane(settings))
    metrics, watchdog, views = DeliveryMetrics(), Watchdog(settings.stall_s_max), Views(settings)
    alerts, milestones, decided = map(settings.topic, (ALERTS, DELIVERIES, ESCALATIONS))
    store, publisher, lane = (
        EpisodeStore(watchdog.member),
        publisher_of(app, settings),
        FaustLane(app, decided),
    )
    table = app.tables.add(BlockTable(app, name=EPISODES, store=store))
    overview = DeliveryOverview(lane, (decided, alerts, milestones), store, views, metrics, watchdog)
    letters = DeadLetters(settings, publisher, metrics)
    intake = Intake(settings, publisher, letters, lane, views.ready, views.ward_of)
    escalator = Escalator(
        *(settings, store, table.changelog_topic.get_topic_name(), publisher, letters, metrics),
        *(lambda: Escalation(routing, views.on), views.ready, lane),
    )
    lane.blocks(alerts, Reader("alerts", intake.forward))
    lane.blocks(milestones, Reader("milestones", intake.forward))
    lane.blocks(
        decided, Reader("escalator", escalator.take, resume_at=store.resume_at, give_up=store.give_up)
    )
    app.timer(REFRESH_S, name="overview")(overview.refresh)
    app.timer(TICK_S / TURNS, name="ticker")(
        Ticker(publisher, decided, lambda: lane.owned() or (), time.time).tick
    )
    return DeliveryFlow(app, metrics, watchdog, views)
