"""A few runs of convergence over sockets: boards' servers, a proxy that cuts and reroutes, and pages behind it."""

import asyncio

from bench.board.over_sockets import run_all
from bench.board.pages import NodePages


def test_pages_converge_behind_proxies_that_cut_delay_and_reroute():
    reports = asyncio.run(run_all(range(6)))
    assert len(reports) == (2 if NodePages.are_there() else 1)
    for kind, report in reports.items():
        assert report.wrong == [], kind
        assert report.cuts, kind
        assert report.restarts, kind
        assert report.snapshots > len(range(6)) / len(reports), kind
