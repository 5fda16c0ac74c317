"""The doors before a web server on a broker: what is seen is in the audit, broken glass is told by the judge."""

import asyncio
import json
import time

from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry
from worker_flow import frame, wait_until

from edge.identity.doors import Doors, sender_of
from streams.contracts.topics import AUDIT


def test_what_is_seen_by_broken_glass_is_told_at_the_patient_and_in_the_audit(make_ward, tmp_path):
    from edge.identity.accounts import Account, Accounts, new_token, save_accounts

    key, kept = new_token("dr-1")
    account = Account(role="physician", wards=("icu",), tokens={"t": kept})
    save_accounts(tmp_path / "accounts.toml", Accounts(accounts={"dr-1": account}))
    ward = make_ward(time_base="live", partitions=1, accounts=tmp_path / "accounts.toml")
    ward.start_ready_worker()
    ward.send_all([(0, *frame("bed-1", int(time.time()), hr=80))])
    asyncio.run(visit(ward.settings, key))
    wait_until(lambda: any(alert["rule"] == "break-glass" for alert in ward.alerts()), "the alarm")
    (alert,) = (alert for alert in ward.alerts() if alert["rule"] == "break-glass")
    assert (alert["patient"], alert["actor"], alert["reason"]) == (
        *("bed-1", "dr-1"),
        "access: opened by dr-1 (physician) of another ward: cardiac arrest",
    )
    records = ward.read(AUDIT)
    said = [json.loads(record.value) for record in records]
    assert {record.key for record in records} == {b"dr-1"}
    assert [(one["act"], one["outcome"], one["break_glass"]) for one in said] == [
        ("view", "refused", ""),
        ("break-glass", "granted", "cardiac arrest"),
        ("view", "granted", "cardiac arrest"),
    ]


async def visit(settings, key):
    """Ask for a bed of another ward, break the glass, and ask again."""
    doors, app = Doors(settings, "127.0.0.1", sender_of(settings), CollectorRegistry()), web.Application()

    async def bed(request):
        person = doors.require(request, "view", "er", "bed-1")
        doors.audit(person, "view", "bed-1", "er", "granted")
        return web.Response()

    doors.install(app)
    app.router.add_get("/bed", bed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    try:
        async with (
            doors.auditor.writing(settings),
            ClientSession(headers={"Authorization": f"Bearer {key}"}) as client,
        ):
            async with client.get(f"{address}/bed") as got:
                assert got.status == 403
            said = {"patient": "bed-1", "reason": "cardiac arrest"}
            async with client.post(f"{address}/v1/break-glass", json=said) as got:
                assert (got.status, (await got.json())["told"]) == (200, True)
            async with client.get(f"{address}/bed") as got:
                assert got.status == 200
    finally:
        await runner.cleanup()
