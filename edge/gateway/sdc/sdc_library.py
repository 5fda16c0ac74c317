"""The SDC library, which is an extra: imported where it is first needed, and told in one line where it is missing."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from streams.errors import UsageError


@dataclass(frozen=True, slots=True)
class Library:
    """What is used of sdc11073; its types are looked into at run time only."""

    consumer: Any
    mdib: Any
    definitions: Any
    discovery: Any
    strongbind: Any
    tls_contexts: Any
    patient_context: Any


@cache
def library() -> Library:
    """Return it.

    Raises:
        UsageError: the extra is not installed.
    """
    try:
        from sdc11073.certloader import SSLContextContainer
        from sdc11073.consumer.consumerimpl import SdcConsumer
        from sdc11073.definitions_sdc import SdcV1Definitions
        from sdc11073.mdib import ConsumerMdib
        from sdc11073.namespaces import default_ns_helper
        from sdc11073.observableproperties import strongbind
        from sdc11073.wsdiscovery import WSDiscovery
    except ModuleNotFoundError:
        raise UsageError(
            "gateway_sdc_interface: SDC needs the extra sdc (pip install 'vigil[sdc]')"
        ) from None
    # Its log lines name devices and patients.
    logging.getLogger("sdc").setLevel(logging.CRITICAL + 1)
    return Library(
        SdcConsumer,
        ConsumerMdib,
        SdcV1Definitions,
        WSDiscovery,
        strongbind,
        SSLContextContainer,
        default_ns_helper.PM.tag("PatientContextState"),
    )
