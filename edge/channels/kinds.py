"""Every kind of channel: its options and what makes it, by the name that the routing file uses."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from edge.channels.alertmanager import Alertmanager, AlertmanagerOptions
from edge.channels.fhir_subscription import FhirSubscription, FhirSubscriptionOptions
from edge.channels.mail import Mail, MailOptions
from edge.channels.options import Options
from edge.channels.page import Channel, Status
from edge.channels.pagerduty import PagerDuty, PagerDutyOptions
from edge.channels.pcd04 import Pcd04, Pcd04Options
from edge.channels.web_push import WebPush, WebPushOptions
from edge.channels.webhook import Webhook, WebhookOptions
from streams.config.routing import ChannelKind
from streams.errors import UsageError

Tell = Callable[[Status], None]


class Kind(NamedTuple):
    """What a kind's options are, and what makes a channel of them."""

    options: type[Options]
    make: Callable[[Any, Tell], Channel]


KINDS: Final[dict[ChannelKind, Kind]] = {
    "alertmanager": Kind(AlertmanagerOptions, lambda options, _: Alertmanager(options)),
    "pagerduty": Kind(PagerDutyOptions, lambda options, _: PagerDuty(options)),
    "webhook": Kind(WebhookOptions, lambda options, _: Webhook(options)),
    "web-push": Kind(WebPushOptions, lambda options, _: WebPush(options)),
    "email": Kind(MailOptions, lambda options, _: Mail(options)),
    "pcd-04": Kind(Pcd04Options, lambda options, tell: Pcd04(options, tell)),
    "fhir-subscription": Kind(FhirSubscriptionOptions, lambda options, _: FhirSubscription(options)),
}
"""`board` is not among them: boards read the topics themselves."""


def check_options(kind: str, options: Mapping[str, Any]) -> None:
    """Check a channel's options, as `streams.config.routing_file` asks for it.

    Raises:
        ValueError: one sentence that names the option and what is wrong with it.
    """
    if kind in KINDS:
        read_options(kind, options)
    elif options:
        raise ValueError(f"a channel of kind {kind} has no options, got {next(iter(options))}")


def read_options(kind: str, options: Mapping[str, Any]) -> Options:
    """Return the options of a kind, checked; raises as `check_options` does."""
    try:
        return KINDS[kind].options.model_validate(dict(options))  # type: ignore[index]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{key}: {said}" if key else said) from None


def make_channel(name: str, kind: ChannelKind, options: Options, tell: Tell) -> Channel:
    """Return a channel.

    Raises:
        UsageError: a file that its options name cannot be read.
    """
    try:
        return KINDS[kind].make(options, tell)
    except UsageError as error:
        raise UsageError(f"[channels.{name}]: {error}") from None
