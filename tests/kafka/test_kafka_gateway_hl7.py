"""HL7 through a real gateway into a real Kafka with a worker: whose the alarms are, and what nobody may read."""

import socket
import subprocess
import time
import uuid

import pytest
from gateway_and_worker import VIGIL, GatewayAndWorker, wait_until
from hl7_alarms import ASYSTOLE, alarm, message
from hl7_world import DEVICE, STAMP, block, framed, msh, obx, said, segments

from edge.brokers.embedded import free_port
from edge.gateway.hl7.framing import CR, FS
from edge.gateway.pseudonym import Pseudonyms
from edge.workers import worker_environment

pytestmark = pytest.mark.kafka

ANSWER_S_MAX = 15.0
LATE_S = 8.0
"""How long before it was told a late admission took place."""

NAME = "Uvxyzname"
CLIENTS = """
[clients.bedsides]
devices = ["*"]
hl7.applications = ["MON"]
hl7.networks = ["127.0.0.0/8"]

[clients.admissions]
devices = ["*"]
names_patients = true
hl7.applications = ["ADT"]
hl7.networks = ["127.0.0.0/8"]
"""


class Hospital(GatewayAndWorker):
    """A gateway and a worker on Kafka, a connection of MLLP, and what comes out."""

    def __init__(self, kafka, folder):
        super().__init__(kafka, folder, CLIENTS, gateway_http_port=free_port(), gateway_mllp_port=free_port())
        self._line = socket.create_connection(("127.0.0.1", self.settings.gateway_mllp_port), ANSWER_S_MAX)

    def __exit__(self, *_):
        self._line.close()
        super().__exit__()

    def place(self, device, place):
        """Say that a device has stood at a bed for an hour."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3_600))
        command = [*VIGIL, "devices", "place", device, place, "--from", since]
        environment = worker_environment(self.settings)
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)

    def hear(self, message_):
        """Send a message and return its answer: MSA-1, and all of it."""
        self._line.sendall(framed(message_))
        answer = b""
        while not answer.endswith(FS + CR):
            piece = self._line.recv(65_536)
            assert piece, "the gateway hung up"
            answer += piece
        ((code, _),) = said(answer)
        return code, answer.decode()


@pytest.fixture(scope="module")
def hospital(kafka, tmp_path_factory):
    with Hospital(kafka, tmp_path_factory.mktemp("hospital")) as found:
        yield found


def office(lines):
    """Return a message as the hospital's own system sends it."""
    return block(lines).replace(b"|MON^", b"|ADT^", 1)


class Bed:
    """A bed with a monitor, and the patient who comes into it."""

    def __init__(self, hospital, number):
        self._hospital, self._number = hospital, number
        self.device = f"08001900000000{number:02X}"
        self.mrn = f"uvxyz{uuid.uuid4().hex[:12]}"
        self.patient = Pseudonyms().of("HOSP", self.mrn)
        hospital.place(self.device, f"ICU:{number}:1")

    def own(self, message_, ago_s=0.0):
        """Return a message as this bed's: of its device and patient, so long ago."""
        at_s = time.time() - ago_s
        stamp = f"{time.strftime('%Y%m%d%H%M%S', time.gmtime(at_s))}.{int(at_s * 1000) % 1000:03d}+0000"
        for there, here in ((STAMP, stamp), (DEVICE, self.device), ("MRN1", self.mrn), ("Doe", NAME)):
            message_ = message_.replace(there.encode(), here.encode())
        return message_.replace(b"ICU^2^7", b"ICU^%d^1" % self._number)

    def admit(self, ago_s):
        """Have the patient come into the bed, so long ago, and return the answer."""
        lines = [
            msh("9", "ADT^A01^ADT_A01"),
            f"EVN|A01|{STAMP}",
            "PID|||MRN1^^^HOSP^MR||Doe^Jane",
            "PV1||I|ICU^2^7",
        ]
        return self._hospital.hear(self.own(office(lines), ago_s))[0]

    def measure(self, *ages_s, spo2=97):
        """Have the monitor report, so long ago each, and return the answers."""
        oximeter = obx("150456^MDC_PULS_OXIM_SAT_O2^MDC", str(spo2), "262688^MDC_DIM_PERCENT^MDC")
        blocks = [block(segments(obx(), oximeter, message_id=str(age_s))) for age_s in ages_s]
        return {self._hospital.hear(self.own(one, age))[0] for one, age in zip(blocks, ages_s, strict=True)}

    def associate(self, mrn, status="R"):
        """Have somebody say that another patient is on the monitor, and return the answer."""
        lines = [
            msh("7"),
            f"PID|||{mrn}^^^HOSP^MR||Doe^Jane",
            f"OBR|||{mrn}^MON|69136^MDC_OBS_ASSOCIATION_PATIENT_DEVICE^MDC|||{STAMP}",
            "OBX|1|CWE|68487^MDC_ATTR_EVT_COND^MDC||198332^MDC_EVT_ASSOCIATION_PATIENT_DEVICE^MDC"
            f"||||||{status}",
            f"PRT|1|UC||EQUIP^EQUIP^HL70912||||||{DEVICE}^^{DEVICE}^EUI-64|{STAMP}",
        ]
        return self._hospital.hear(self.own(office(lines)))


def test_a_patient_who_is_admitted_to_a_monitors_bed_has_its_alarms(hospital):
    bed = Bed(hospital, 1)
    assert bed.admit(ago_s=60) == "AA"
    assert bed.measure(*range(40, -1, -1), spo2=70) == {"AA"}
    assert hospital.alert("spo2-desat", bed.patient).priority == "high"


def test_frames_before_a_late_admission_are_told_of_and_filed_anew_under_the_patient(hospital):
    bed = Bed(hospital, 2)
    own = f"~device/{bed.device}"
    assert hospital.alert("unassociated-device", own, lambda: bed.measure(0)).phase == "start"
    assert bed.admit(ago_s=LATE_S) == "AA"

    def filed(stream):
        return {said["event_ts_ms"] for key, said in hospital.readings() if key == stream.encode()}

    since_ms = (time.time() - LATE_S) * 1000
    missed = wait_until(
        lambda: {at_ms for at_ms in filed(own) if at_ms > since_ms}, "frames of the own stream"
    )
    wait_until(lambda: missed <= filed(bed.patient), "each of them under the patient")
    assert min(filed(own)) < since_ms < min(filed(bed.patient)) + 2_000
    before = filed(own)
    assert bed.measure(0) == {"AA"}
    assert filed(own) == before


def test_the_bedsides_own_asystole_is_the_patients_alarm(hospital):
    bed = Bed(hospital, 3)
    assert bed.admit(ago_s=60) == "AA"
    assert hospital.hear(bed.own(message(alarm(ASYSTOLE))))[0] == "AA"
    told = hospital.alert("asystole", bed.patient)
    assert (told.phase, told.priority) == ("start", "high")


def test_an_association_that_contradicts_admission_is_refused_and_told_why_and_changes_nothing(hospital):
    bed = Bed(hospital, 4)
    assert bed.admit(ago_s=60) == "AA"
    code, answer = bed.associate("uvxyzother")
    assert (code, "device-associated" in answer) == ("AE", True)
    assert bed.measure(0) == {"AA"}
    assert [key for key, said in hospital.readings() if said.get("device") == bed.device] == [
        bed.patient.encode()
    ]


def test_nothing_that_a_process_writes_names_anybody(hospital):
    bed = Bed(hospital, 5)
    assert bed.admit(ago_s=60) == "AA"
    assert bed.measure(1) == {"AA"}
    bed.associate("uvxyz?")
    hospital.hear(bed.own(block(segments(obx("0^uvxyzcode^99Y")))))
    hospital.hear(bed.own(block(segments())).replace(b"|P|2.6", b"|T|2.6"))
    hospital.hear(bed.own(block(segments())).replace(b"|MON^", b"|uvxyzapp^"))
    hospital.hear(b"uvxyz, no message")
    ports = hospital.settings.gateway_metrics_port, hospital.settings.metrics_port
    written = hospital.log.read_bytes() + b"".join(hospital.scrape(port) for port in ports)
    assert b'vigil_gateway_accepted_total{protocol="mllp"}' in written
    for word in (b"uvxyz", NAME.encode(), b"Jane", bed.device.encode(), bed.patient.encode()):
        assert word not in written, [line for line in written.splitlines() if word in line]
