"""Receivers on loopback that behave as told: HTTP, SMTP and MLLP; and a page to send them."""

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web
from alert_of import alert_of

from edge.channels.line import Refused, Retry, Sent, Why
from edge.channels.page import Page
from edge.gateway.hl7.framing import CR, FS, VT, Framer

ANSWERS = [
    (200, Sent, None),
    (202, Sent, None),
    (204, Sent, None),
    (302, Retry, Why.REFUSED),
    (400, Refused, Why.REFUSED),
    (401, Retry, Why.DENIED),
    (404, Retry, Why.REFUSED),
    (410, Refused, Why.REFUSED),
    (429, Retry, Why.BUSY),
    (500, Retry, Why.SERVER),
    (503, Retry, Why.SERVER),
]
"""What each answer of a receiver means, over HTTP: status, outcome, why."""


def page_of(event="start", ward="3", recipient="nurse-1", page_id="d1", until_ts_ms=10**15, **alert):
    """Return a page of some alert, but for what is said."""
    return Page(page_id, event, alert_of(**alert), ward, recipient, 1, until_ts_ms)


@asynccontextmanager
async def serving(serve):
    """Serve TCP on loopback while the block lasts; give the port. What is still open then is cut."""
    open_ones = {}

    async def handle(reader, writer):
        open_ones[asyncio.current_task()] = writer
        try:
            await serve(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in open_ones.values()), return_exceptions=True)


class Receiver:
    """An HTTP receiver; `answers` are given in turn, the last of them again and again.

    An answer is a status, or (status, headers, body); None = it never answers.
    """

    def __init__(self, *answers):
        self.answers = list(answers or [200])
        self.got = []
        self.url = ""

    async def handle(self, request):
        body = await request.read()
        self.got.append((request, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await asyncio.sleep(30)
        if isinstance(answer, int):
            return web.Response(status=answer)
        status, headers, text = answer
        return web.Response(status=status, headers=headers, text=text)

    def bodies(self):
        """Return what was posted, read as JSON."""
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def receiving(*answers):
    """Run a receiver while the block lasts."""
    receiver = Receiver(*answers)
    app = web.Application(client_max_size=10**7)
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


class Relay:
    """An SMTP relay; `replies` are what it says to the end of each message, or to a command by its name."""

    def __init__(self, replies=("250 taken",), **commands):
        self.replies, self.commands, self.got, self.port = list(replies), commands, [], 0

    async def serve(self, reader, writer):
        def say(line):
            writer.write(f"{line}\r\n".encode())

        say("220 relay")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            reply = self.commands.get(word)
            if reply == "silence":
                await asyncio.sleep(30)
            elif reply is not None:
                say(reply)
            elif word == "DATA":
                say("354 go on")
                message = b""
                while not message.endswith(b"\r\n.\r\n"):
                    message += await reader.readline()
                self.got.append(message.decode())
                say(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 yes")
            await writer.drain()


@asynccontextmanager
async def relaying(*replies, **commands):
    """Run a relay while the block lasts."""
    relay = Relay(replies or ("250 taken",), **commands)
    async with serving(relay.serve) as relay.port:
        yield relay


class Manager:
    """An alarm manager over MLLP; `say` makes the answers (a list of texts) to a message, None = it hangs up."""

    def __init__(self, say):
        self.say, self.got, self.port, self.heard = say, [], 0, []

    async def serve(self, reader, writer):
        framer = Framer()
        while data := await reader.read(65_536):
            for block in framer.feed(data):
                text = block.decode()
                if not text.split("|")[8].startswith("ORU"):
                    self.heard.append(text)  # an acknowledgement of what was said here
                    continue
                self.got.append(text)
                answers = self.say(text, len(self.got))
                if answers is None:
                    return
                for answer in answers:
                    writer.write(VT + answer.encode() + FS + CR)


def acknowledged(message, code="CA", said=""):
    """Return an acknowledgement of a message."""
    control_id = message.split("|")[9]
    return f"MSH|^~\\&|M||VIGIL||20260101||ACK^R40^ACK|a1|P|2.6\rMSA|{code}|{control_id}|{said}\r"


@asynccontextmanager
async def managing(say):
    """Run an alarm manager while the block lasts."""
    manager = Manager(say)
    async with serving(manager.serve) as manager.port:
        yield manager
