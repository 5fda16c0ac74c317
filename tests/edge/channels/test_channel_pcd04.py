"""PCD-04 out over MLLP against an alarm manager that misbehaves, and the message read by another library."""

import asyncio
import time

import hl7
import pytest
from channel_peers import acknowledged, managing, page_of
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.channels.page import Retry, Sent, Status, Why
from edge.channels.pcd04 import Pcd04, Pcd04Options
from edge.channels.pcd04_message import compose
from edge.channels.pcd05 import STATES, Acknowledged, Reported, read_answer
from edge.gateway.hl7.framing import CR, FS, VT
from streams.contracts.alert import Evidence, Source

PARTIES = ("VIGIL", "HOSPITAL", "MANAGER", "")


def message(page, application_ack="NE"):
    return hl7.parse(compose(page, PARTIES, application_ack, 1_760_000_000_000))


def sent_over(say, page=None, deadline_s=2.0, times=1, **said):
    heard = []

    async def run():
        async with managing(say) as manager:
            options = Pcd04Options(host="127.0.0.1", port=manager.port, tls=False, **said)
            channel = Pcd04(options, heard.append)
            try:
                return [
                    await channel.send(page or page_of(), 1 + n, deadline_s) for n in range(times)
                ], manager
            finally:
                await channel.close()

    found, manager = asyncio.run(run())
    return found, manager, heard


class TestMessage:
    def test_another_library_finds_the_seven_facets_in_their_order(self):
        page = page_of(
            priority="high",
            source=Source(kind="signal", name="spo2", unit="%"),
            evidence=Evidence(value=84.0, low=90.0),
        )
        rows = message(page).segments("OBX")
        assert [str(row[4]) for row in rows] == [f"1.1.1.1.{facet}" for facet in range(1, 8)]
        assert str(rows[0][3]) == "196670^MDC_EVT_LO^MDC"
        assert [str(rows[1][number]) for number in (2, 3, 5, 6, 7)] == [
            *("NM", "150456^MDC_PULS_OXIM_SAT_O2^MDC", "84", "%^%^UCUM", "90")
        ]
        assert [str(row[5]) for row in rows[2:]] == ["start", "active", "enabled", "PH", "SP"]

    def test_the_header_asks_for_the_acknowledgements_that_are_waited_for(self):
        parsed = message(page_of(page_id="abc"), "AL")
        header = parsed.segment("MSH")
        assert str(header[9]) == "ORU^R40^ORU_R40"
        assert [str(header[number]) for number in (3, 4, 5, 10, 12, 15, 16)] == [
            *("VIGIL", "HOSPITAL", "MANAGER", "abc", "2.6", "AL", "AL")
        ]

    def test_what_follows_names_the_alarm_that_it_is_of(self):
        start, end = message(page_of()), message(page_of("end", id="e1-4", phase="end", state="inactive"))
        assert len(start.segment("OBR")) <= 29
        assert str(end.segment("OBR")[29]) == "^e1&VIGIL"
        assert str(end.segment("OBR")[3]) == "e1-4^VIGIL"

    @settings(max_examples=25)  # that library needs 40 ms a message
    @given(st.text(max_size=60), st.text(max_size=20))
    def test_no_text_breaks_out_of_its_field(self, reason, ward):
        parsed = message(page_of(reason=reason, ward=ward))
        assert [str(segment[0]) for segment in parsed] == ["MSH", "PID", "PV1", "OBR", *["OBX"] * 7]
        assert all(len(row) == 15 for row in parsed.segments("OBX")[:1])


class TestExchange:
    @pytest.mark.parametrize("code", ["CA", "AA"])
    def test_an_acknowledgement_that_was_asked_for_is_enough(self, code):
        (found,), manager, _ = sent_over(lambda text, _: [acknowledged(text, code)])
        assert found == Sent("d1")
        assert len(manager.got) == 1

    def test_where_both_are_asked_for_the_application_speaks_last(self):
        (found,), _, _ = sent_over(
            lambda text, _: [acknowledged(text, "CA"), acknowledged(text, "AE", "no such bed")],
            application_ack="AL",
        )
        assert found == Retry(Why.REFUSED, "AE no such bed")
        (found,), _, _ = sent_over(
            lambda text, _: [acknowledged(text, "CA")], application_ack="AL", deadline_s=0.3
        )
        assert found.why is Why.TIMEOUT

    @pytest.mark.parametrize("code", ["CE", "CR", "AE", "AR"])
    def test_a_refusal_is_tried_again_under_the_same_control_id(self, code):
        found, manager, _ = sent_over(
            lambda text, count: [acknowledged(text, code if count == 1 else "CA")], times=2
        )
        assert [type(one) for one in found] == [Retry, Sent]
        assert len({text.split("|")[9] for text in manager.got}) == 1

    def test_a_manager_that_hangs_up_is_connected_to_anew(self):
        found, _, _ = sent_over(lambda text, count: None if count == 1 else [acknowledged(text)], times=2)
        assert [type(one) for one in found] == [Retry, Sent]
        assert found[0].why is Why.UNREACHABLE

    def test_a_manager_that_never_answers_ends_with_the_deadline(self):
        began_s = time.monotonic()
        (found,), _, _ = sent_over(lambda *_: [], deadline_s=0.3)
        assert found.why is Why.TIMEOUT
        assert time.monotonic() - began_s < 2.0

    def test_an_answer_to_another_message_is_none(self):
        def say(text, _):
            return [acknowledged(text.replace("|d1|", "|d0|"))]

        (found,), _, _ = sent_over(say, deadline_s=0.3)
        assert found.why is Why.TIMEOUT

    def test_without_tls_alarms_go_to_this_machine_only(self):
        with pytest.raises(ValueError, match="tls"):
            Pcd04Options(host="manager.example", port=2575, tls=False)

    def test_what_ends_an_escalation_is_heard_from_this_machine_only(self):
        with pytest.raises(ValueError, match="listen_host"):
            Pcd04Options(host="manager.example", port=2575, listen_port=2576, listen_host="0.0.0.0")


def report_of(state, control_id="d1"):
    return (
        f"MSH|^~\\&|M||VIGIL||20260101||ORA^R41^ORA_R41|r1|P|2.6|||AL|NE\r"
        f"MSA|AA|{control_id}\rOBX|1|ST|68484^STATUS^MDC|1|{state}\r"
    )


class TestReports:
    @pytest.mark.parametrize(("state", "milestone"), sorted(STATES.items()))
    def test_what_became_of_a_page_is_a_milestone(self, state, milestone):
        found = read_answer(report_of(state.title()).encode())
        assert isinstance(found, Reported)
        assert found.status == Status("d1", milestone, state)

    def test_an_acknowledgement_of_kind_ora_is_no_report(self):
        text = "MSH|^~\\&|M||V||1||ORA^R41^ORA_R41|r1|P|2.6\rMSA|AA|d1\r"
        assert read_answer(text.encode()) == Acknowledged("d1", "AA", "")

    def test_a_report_on_our_connection_is_heard_and_acknowledged(self):
        (found,), _, heard = sent_over(lambda text, _: [report_of("read"), acknowledged(text)])
        assert isinstance(found, Sent)
        assert heard == [Status("d1", "shown", "read")]

    def test_a_report_to_our_port_is_heard_and_acknowledged(self, unused_port):
        heard = []

        async def run():
            options = Pcd04Options(host="127.0.0.1", port=9, tls=False, listen_port=unused_port)
            channel = Pcd04(options, heard.append)
            await channel.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", unused_port)
            writer.write(VT + report_of("accepted").encode() + FS + CR)
            async with asyncio.timeout(5):
                answer = await reader.readuntil(FS)
            writer.close()
            await channel.close()
            return answer

        answer = asyncio.run(run())
        assert b"MSA|CA|r1" in answer
        assert heard == [Status("d1", "accepted", "accepted")]

    @given(st.binary(max_size=200))
    def test_no_bytes_break_the_reader(self, block):
        read_answer(b"MSH|^~\\&|" + block)


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
