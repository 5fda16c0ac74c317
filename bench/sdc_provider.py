"""A provider of sdc11073 as a process: heart rate, saturation and as many other metrics as are asked for, at 1 Hz.

`python -m bench.sdc_provider EPR [SPO2] [--metrics N] [--mode usual|old|invalid] [--told FILE]`: `old` are times of a
minute ago. With `--told` heart rate and saturation are those of a drill, and each moment (ms) is a line of the file.
"""

import argparse
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.location import SdcLocation
from sdc11073.mdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.wsdiscovery import WSDiscovery
from sdc11073.xml_types import pm_types
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

from bench.drills.device_ledger import measured

INTERFACE: Final = "127.0.0.1"
OLD_S: Final = 60.0
EVERY_S: Final = 1.0
_HEAD: Final = """<?xml version="1.0" encoding="utf-8"?>
<msg:GetMdibResponse MdibVersion="0" SequenceId="urn:uuid:{sequence}"
 xmlns:msg="http://standards.ieee.org/downloads/11073/11073-10207-2017/message"
 xmlns:pm="http://standards.ieee.org/downloads/11073/11073-10207-2017/participant"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<msg:Mdib MdibVersion="0" SequenceId="urn:uuid:{sequence}"><pm:MdDescription><pm:Mds Handle="mds">
<pm:Type Code="69965"/>
<pm:SystemContext Handle="sc"><pm:PatientContext Handle="pc"/><pm:LocationContext Handle="lc"/></pm:SystemContext>
<pm:Vmd Handle="vmd"><pm:Channel Handle="chan">"""
_METRIC: Final = """<pm:Metric xsi:type="pm:NumericMetricDescriptor" Handle="{handle}" MetricCategory="Msrmt"
 MetricAvailability="Cont" Resolution="1" DeterminationPeriod="PT1S"><pm:Type Code="{code}"/>
<pm:Unit Code="{unit}"/></pm:Metric>"""
_END: Final = """</pm:Channel></pm:Vmd></pm:Mds></pm:MdDescription></msg:Mdib></msg:GetMdibResponse>"""
_KNOWN: Final = (("hr", 147842, 264864), ("spo2", 150456, 262688))


def _handles(metrics: int) -> list[tuple[str, int, int]]:
    """Return handle, code and unit of each metric."""
    return [*_KNOWN, *((f"m{i}", 160_000 + i, 262688) for i in range(metrics - len(_KNOWN)))]


def _mdib_xml(metrics: int) -> bytes:
    made = [_METRIC.format(handle=handle, code=code, unit=unit) for handle, code, unit in _handles(metrics)]
    return (_HEAD.format(sequence=uuid.uuid4()) + "".join(made) + _END).encode()


def _started(epr: str, metrics: int) -> Any:
    """Start a provider and return what holds its states."""
    mdib = ProviderMdib.from_string(_mdib_xml(metrics), protocol_definition=SdcV1Definitions)
    discovery: Any = WSDiscovery(INTERFACE)  # its methods have no types
    discovery.start()
    provider = SdcProvider(
        discovery,
        ThisModelType(manufacturer="Nobody", model_name="Test", manufacturer_url="", model_number="1"),
        ThisDeviceType(friendly_name="Test", serial_number="1"),
        mdib,
        epr=uuid.UUID(epr),
    )
    provider.start_all(start_rtsample_loop=False)
    provider.set_location(SdcLocation(fac="fac", poc="poc", bed="bed"))
    return mdib


def _report(mdib: Any, values: dict[str, Decimal], at_s: float, mode: str) -> None:
    """Send a report of all metrics."""
    validity = pm_types.MeasurementValidity
    with mdib.metric_state_transaction(set_determination_time=False) as changed:
        for handle, value in values.items():
            state = changed.get_state(handle)
            if state.MetricValue is None:
                state.mk_metric_value()
            state.MetricValue.Value = value
            state.MetricValue.DeterminationTime = at_s
            state.MetricValue.MetricQuality.Validity = (
                validity.INVALID if mode == "invalid" else validity.VALID
            )


def main() -> None:
    """Report until killed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("epr")
    options.add_argument("spo2", nargs="?", type=Decimal, default=Decimal(97))
    options.add_argument("--metrics", type=int, default=2)
    options.add_argument("--mode", choices=("usual", "old", "invalid"), default="usual")
    options.add_argument("--told", type=Path)
    given = options.parse_args()
    mdib = _started(given.epr, given.metrics)
    told = given.told.open("a", encoding="ascii") if given.told else None
    print("up", flush=True)
    number = 0
    while True:
        number += 1
        at_ms = time.time_ns() // 1_000_000
        values = {handle: Decimal(70 + number % 3) for handle, _, _ in _handles(given.metrics)}
        values["spo2"] = given.spo2
        if told is not None:
            hr, spo2 = measured(at_ms)
            values |= {"hr": Decimal(hr), "spo2": Decimal(spo2)}
            print(at_ms, file=told, flush=True)
        _report(mdib, values, at_ms / 1000 - (OLD_S if given.mode == "old" else 0.0), given.mode)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
