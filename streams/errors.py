"""Every error that Vigil raises on purpose, by who must act.

VigilError
 +- UsageError            the caller: a wrong option, setting or rules file       exit 2
 +- BrokerUnreachable     the operator: no broker answers within the bound        exit 3
 +- BadData               the sender: a recording or record that cannot be read   exit 4
 +- UnknownRecording      the caller: a file of no kind that a reader knows       exit 4
 +- TopicsMismatch        the operator: topics are missing or differ from plan    exit 1
 +- Unanswered            the caller: an order is stored, its answer has not come   exit 1
 +- Busy                  the sender: no room now, try again later                exit 1
 +- NotStored             the sender: Kafka has not said that it has it; again    exit 1
 +- StepLost              the operator: another program scaled at the same moment  exit 1
 +- NotWhole              the operator: workers left a state that cannot be split exit 75
 +- PromiseBroken         us: state, alerts or offsets could not be made durable  exit 70, at once
"""

from typing import ClassVar


class VigilError(Exception):
    """Base of the tree: a command prints the message as one line and ends with `exit_code`."""

    exit_code: ClassVar[int] = 1


class UsageError(VigilError):
    """A wrong option, setting or rules file. Operator action: correct what the message names."""

    exit_code = 2


class BrokerUnreachable(VigilError):
    """No broker answered in time. Operator action: check the address, the network and the credentials."""

    exit_code = 3


class BadData(VigilError):
    """A recording or record that cannot be read as what it claims to be."""

    exit_code = 4


class UnknownRecording(VigilError):
    """A file that holds no recording of a kind that a reader knows; a folder may have such files, too."""

    exit_code = 4


class TopicsMismatch(VigilError):
    """Topics are missing or not as planned. Operator action: run `vigil topics apply` or `topics check`."""


class Unanswered(VigilError):
    """An order is stored and was not answered in time: it takes effect when a worker judges its partition."""


class Busy(VigilError):
    """The gateway or Kafka has no room now: nothing of the call was taken; try again after `retry_after_s`.

    `kafka` tells that Kafka is the limit, and not what this one sender has on its way.
    """

    def __init__(self, said: str, retry_after_s: float, kafka: bool = True) -> None:
        super().__init__(said)
        self.retry_after_s = retry_after_s
        self.kafka = kafka


class NotStored(VigilError):
    """Kafka did not say that it has it; it may have. Send the same again: a resend is one reading."""


class StepLost(VigilError):
    """Another program took a step of scaling at the same moment. Operator action: `vigil scale --status`."""


class NotWhole(VigilError):
    """What workers left is not the state of all before what is committed, and of nothing else: let them judge on."""

    exit_code = 75


class PromiseBroken(VigilError):
    """Something accepted could not be made durable; the process stops so that another takes over."""

    exit_code = 70
