"""A provider of sdc11073 as a process: heart rate, saturation and as many other metrics as are asked for, at 1 Hz.

`python sdc_provider.py EPR SPO2 [METRICS [MODE]]`; MODE: `usual`, `old` (times of a minute ago), `invalid`.
"""

import sys
import time
import uuid
from decimal import Decimal

from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.location import SdcLocation
from sdc11073.mdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.wsdiscovery import WSDiscovery
from sdc11073.xml_types import pm_types
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

_HEAD = """<?xml version="1.0" encoding="utf-8"?>
<msg:GetMdibResponse MdibVersion="0" SequenceId="urn:uuid:{sequence}"
 xmlns:msg="http://standards.ieee.org/downloads/11073/11073-10207-2017/message"
 xmlns:pm="http://standards.ieee.org/downloads/11073/11073-10207-2017/participant"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<msg:Mdib MdibVersion="0" SequenceId="urn:uuid:{sequence}"><pm:MdDescription><pm:Mds Handle="mds">
<pm:Type Code="69965"/>
<pm:SystemContext Handle="sc"><pm:PatientContext Handle="pc"/><pm:LocationContext Handle="lc"/></pm:SystemContext>
<pm:Vmd Handle="vmd"><pm:Channel Handle="chan">"""
_METRIC = """<pm:Metric xsi:type="pm:NumericMetricDescriptor" Handle="{handle}" MetricCategory="Msrmt"
 MetricAvailability="Cont" Resolution="1" DeterminationPeriod="PT1S"><pm:Type Code="{code}"/>
<pm:Unit Code="{unit}"/></pm:Metric>"""
_END = """</pm:Channel></pm:Vmd></pm:Mds></pm:MdDescription></msg:Mdib></msg:GetMdibResponse>"""


def mdib_xml(metrics):
    known = [("hr", 147842, 264864), ("spo2", 150456, 262688)]
    others = [(f"m{i}", 160_000 + i, 262688) for i in range(metrics - len(known))]
    made = [_METRIC.format(handle=handle, code=code, unit=unit) for handle, code, unit in known + others]
    return (_HEAD.format(sequence=uuid.uuid4()) + "".join(made) + _END).encode()


def main():
    epr, spo2 = sys.argv[1], Decimal(sys.argv[2])
    metrics = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    mode = sys.argv[4] if len(sys.argv) > 4 else "usual"
    mdib = ProviderMdib.from_string(mdib_xml(metrics), protocol_definition=SdcV1Definitions)
    discovery = WSDiscovery("127.0.0.1")
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
    handles = ["hr", "spo2", *(f"m{i}" for i in range(metrics - 2))]
    print("up", flush=True)
    number = 0
    while True:
        number += 1
        with mdib.metric_state_transaction(set_determination_time=False) as changed:
            for handle in handles:
                state = changed.get_state(handle)
                if state.MetricValue is None:
                    state.mk_metric_value()
                value = state.MetricValue
                value.Value = spo2 if handle == "spo2" else Decimal(70 + number % 3)
                value.DeterminationTime = time.time() - (60 if mode == "old" else 0)
                value.MetricQuality.Validity = (
                    pm_types.MeasurementValidity.INVALID
                    if mode == "invalid"
                    else pm_types.MeasurementValidity.VALID
                )
        time.sleep(1)


if __name__ == "__main__":
    main()
