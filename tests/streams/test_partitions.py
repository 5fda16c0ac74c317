"""Where patients belong: the same partition as the clients that place keys by murmur2."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from streams.contracts.frame import ID_PATTERN
from streams.contracts.partition_names import canary_name, canary_number
from streams.contracts.partitions import partitions_of


@given(
    patients=st.lists(st.from_regex(ID_PATTERN, fullmatch=True).map(str.strip), max_size=20),
    count=st.integers(1, 1024),
)
def test_patients_belong_where_kafka_s_clients_put_them(patients, count):
    numbers, partitioner = list(range(count)), DefaultPartitioner()
    found = partitions_of(patients, count).tolist()
    assert found == [(murmur2(patient.encode()) & 0x7FFFFFFF) % count for patient in patients]
    assert found == [partitioner(patient.encode(), numbers, numbers) for patient in patients]


def test_a_few_patients_belong_where_java_s_client_put_them():
    # Utils.murmur2 of Apache Kafka, from its own UtilsTest: "21" -> -973932308, "foobar" -> -790332482.
    assert partitions_of(["21", "foobar"], 1000).tolist() == [
        (-973932308 & 0x7FFFFFFF) % 1000,
        (-790332482 & 0x7FFFFFFF) % 1000,
    ]


def test_a_canary_says_of_which_partition_it_is_and_nobody_else_does():
    assert [canary_number(canary_name(number), 3) for number in (0, 7, 4095)] == [0, 7, 4095]
    assert [canary_number(name, 3) for name in ("bed-7", "vigil-canary-", "vigil-canary-x", "7")] == [3] * 4
