"""From an alert to a message and its milestones: the process that decides and the one that sends, side by side."""

import base64
import json
from http.server import BaseHTTPRequestHandler

import pytest
from delivery_flow import Hospital
from listening_server import listening
from worker_flow import wait_until

ROUTING = """
[channels.app]
kind = "webhook"
url = "{url}"
key_files = ["{key}"]

[receivers.desk]
channels = ["app"]

[[route]]
name = "all"
[[route.step]]
to = ["desk"]
wait_s = 60
"""


class App(BaseHTTPRequestHandler):
    """Takes every message and says that it was shown."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers["webhook-id"], body))
        answer = b'{"milestone": "shown"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def app():
    with listening(App) as server:
        yield server


def test_an_alarm_reaches_the_app_with_what_follows_and_the_topic_knows(make_ward, tmp_path, app):
    hospital = Hospital(make_ward(), tmp_path)
    (tmp_path / "key").write_text(base64.b64encode(bytes(32)).decode())
    url = f"http://127.0.0.1:{app.server_address[1]}/"
    hospital.settings.routing.write_text(ROUTING.format(url=url, key=tmp_path / "key"))
    hospital.ward.settings = hospital.settings.model_copy(update={"channels_metrics_port": 0})
    hospital.start_ready()
    hospital.ward.start_worker(module="edge.channels", ready="vigil_channel_partitions")
    hospital.alert("bed-1", "e1")
    (shown,) = hospital.wait_for(1, "shown")
    wait_until(lambda: app.got, "the message")
    assert app.got[0][0] == shown.id
    assert app.got[0][1]["type"] == "alarm.start"
    hospital.alert("bed-1", "e1", 1, acknowledged_by="n1")
    hospital.alert("bed-1", "e1", 2, phase="end", state="inactive")
    wait_until(lambda: len(app.got) == 3, "what follows")
    assert [(name, body["type"]) for name, body in app.got[1:]] == [
        (f"{shown.id}.1", "alarm.acknowledge"),
        (f"{shown.id}.2", "alarm.end"),
    ]
