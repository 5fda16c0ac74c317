"""Delivery's whole flow on one screen: topics to agents to table to topics, and what runs beside it."""

import time
from dataclasses import dataclass
from typing import Any, Final

import faust

from agents.dead_letters import DeadLetters
from agents.delivery.episode_store import EpisodesTable
from agents.delivery.escalation import Escalation
from agents.delivery.escalator import Escalator
from agents.delivery.intake import Ears
from agents.delivery.metrics import DeliveryMetrics
from agents.delivery.ownership_of_delivery import DeliveryOverview
from agents.delivery.views import Views
from agents.health.watchdog import Watchdog
from agents.ticker import TURNS, Ticker
from streams.config.routing import Routing
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, DELIVERIES, ESCALATIONS
from streams.lane.app import EPISODES, create_app, delivery_lane, publisher_of
from streams.lane.lane import BlockSchema

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
    """Bind alerts and milestones -> ears -> escalations -> escalator -> milestones and technical alerts.

    `settings` are those of delivery's own group (`streams.kafka.admin.delivery_settings`).
    """
    app = create_app(settings, delivery_lane(settings))
    table = app.tables.add(EpisodesTable(app, name=EPISODES))
    store, publisher = table.data, publisher_of(app, settings)
    metrics, watchdog, views = DeliveryMetrics(), Watchdog(settings.stall_s_max), Views(settings)
    alerts, milestones, log = (
        app.topic(settings.topic(name), schema=BlockSchema(), key_serializer="raw", value_serializer="raw")
        for name in (ALERTS, DELIVERIES, ESCALATIONS)
    )
    decided = settings.topic(ESCALATIONS)
    beside = settings.topic(ALERTS), settings.topic(DELIVERIES)
    overview = DeliveryOverview(app, decided, beside, store, views, metrics, watchdog)
    letters = DeadLetters(settings, publisher, metrics)
    ears = Ears(
        settings, publisher, letters, overview.admit, overview.mark_durable, views.ready, views.ward_of
    )
    escalator = Escalator(
        *(settings, store, table.changelog_topic.get_topic_name(), publisher, letters, metrics),
        lambda: Escalation(routing, views.on),
        *(views.ready, overview.admit, overview.mark_durable),
    )
    store.on_read = watchdog.member
    app.lane.resume_at = store.resume_at
    app.lane.give_up_state = store.give_up

    app.agent(alerts, name="alerts", concurrency=1)(watching(ears))
    app.agent(milestones, name="milestones", concurrency=1)(watching(ears))
    app.agent(log, name="escalator", concurrency=1)(watching(escalator))
    app.timer(REFRESH_S, name="overview")(overview.refresh)
    app.timer(TICK_S / TURNS, name="ticker")(Ticker(publisher, decided, overview.owned, time.time).tick)
    return DeliveryFlow(app, metrics, watchdog, views)


def watching(actor: Ears | Escalator) -> Any:
    """Return the agent function: Faust wants a function with a name and a docstring, not a method."""

    async def watch(stream: Any) -> None:
        """Works off every block of the topic."""
        await actor.watch(stream)

    return watch
