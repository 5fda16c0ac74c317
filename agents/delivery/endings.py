"""How deliveries end: somebody answered, a step was passed over, their time is over, or the alarm is.

Each delivery gets one final state; what it reached before says which: a message that nobody took has expired, one
that was taken and that nobody answered is undefined.
"""

from agents.delivery.episode import TAKEN, Episode
from streams.contracts.deliveries import Delivery, Milestone


def by_actor(episode: Episode, actor: str | None, what: str, now_ms: int) -> list[Delivery]:
    """End all deliveries because somebody takes the alarm: accepted by whom it was for, for others it is over.

    A delivery that is for no person, such as a desk's, counts as accepted by whoever answers.
    """
    return [
        episode.milestone(
            sent, "accepted" if sent.recipient == actor or not sent.is_person else "expired", now_ms, what
        )
        for sent in episode.open()
    ]


def passed_over(episode: Episode, milestone: Milestone, reason: str, now_ms: int) -> list[Delivery]:
    """End the deliveries that ask a step of the rules' responsibility, because it has said no or nothing."""
    return [episode.milestone(sent, milestone, now_ms, reason) for sent in episode.open() if sent.asked]


def over(episode: Episode, reason: str, now_ms: int) -> list[Delivery]:
    """End all deliveries: nobody needs to be told any more."""
    return [episode.milestone(sent, "expired", now_ms, reason) for sent in episode.open()]


def out_of_time(episode: Episode, now_ms: int) -> list[Delivery]:
    """End the deliveries whose time is over without an answer."""
    found = []
    for sent in episode.open():
        if now_ms < sent.until_ms:
            continue
        waited = f"within {(sent.until_ms - sent.queued_ms) / 1000:g} s"
        if sent.reached >= TAKEN:
            found.append(episode.milestone(sent, "undefined", now_ms, f"no answer {waited}"))
        else:
            found.append(episode.milestone(sent, "expired", now_ms, f"not taken by anybody {waited}"))
    return found
