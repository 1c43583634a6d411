"""A running demo: it survives the loss of database connections, and its logs keep secrets."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest

from billfold.platform.postgres.server import SUPERUSER, PrivateServer
from tests.ports import free_port
from tests.stories.installing.test_setup import running_demo, shared_state
from tests.waiting import HUNG_AFTER_SECONDS, wait_until

__all__ = ["shared_state"]
pytestmark = pytest.mark.faults
NUMBER = "4417006789"
BACKENDS = """SELECT pid, application_name FROM pg_stat_activity
              WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
PROCESSES = {"billfold web", "billfold worker", "billfold bank"}


@pytest.fixture(scope="module")
def port(shared_state: Path) -> Iterator[int]:
    """Run one demo for these stories; give where it answers."""
    port = free_port()
    with running_demo(shared_state, port):
        yield port


def status(port: int, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HUNG_AFTER_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def processes(state: Path) -> list[str]:
    """List the demo itself, then its web server, worker and bank."""
    return (state / "demo.lock").read_text().split()


def test_a_demo_goes_on_after_each_of_its_database_connections_was_killed(
    shared_state: Path, port: int
) -> None:
    before = processes(shared_state)
    server = PrivateServer(shared_state)
    with psycopg.connect(server.dsn(user=SUPERUSER), autocommit=True) as connection:

        def backends() -> dict[int, str]:
            assert status(port, "/sign-in") in {200, 503}
            return dict(connection.execute(BACKENDS).fetchall())

        def have_all_connected(victims: Iterable[int] = ()) -> bool:
            return {name for pid, name in backends().items() if pid not in victims} >= PROCESSES

        wait_until(have_all_connected, "web, worker and bank are connected")
        victims = backends()
        assert set(victims.values()) >= PROCESSES
        for pid in victims:
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        wait_until(lambda: have_all_connected(victims), "all three are connected again")

    assert status(port, "/sign-in") == 200
    assert processes(shared_state) == before, "none had to be started again"
    assert len(before) == 4


def test_promise_23_no_log_repeats_a_number_that_a_stranger_wrote(
    shared_state: Path, port: int
) -> None:
    assert status(port, f"/{NUMBER}?q={NUMBER}", Referer=f"http://x/{NUMBER}") == 404
    for head in (f"GET / HTTP/{NUMBER}", f"GET / HTTP/1.1\r\nX {NUMBER}: 1"):
        with socket.create_connection(("127.0.0.1", port), HUNG_AFTER_SECONDS) as stranger:
            stranger.sendall(f"{head}\r\nHost: localhost\r\n\r\n".encode())
            assert b" 400 " in stranger.recv(1_000)
    server = PrivateServer(shared_state)
    with psycopg.connect(server.dsn(user=SUPERUSER), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE written (number text PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.cursor().executemany("INSERT INTO written VALUES (%s)", [[NUMBER]] * 2)
    wait_until(lambda: "written_pkey" in server.log.read_text(), "the server has logged it")
    log = shared_state / "logs" / "web.log"
    for words in ("Not Found: /xxxxxx6789", "'HTTP/xxxxxx6789'", "'X xxxxxx6789'"):
        wait_until(lambda words=words: words in log.read_text(), f"{words} is in the log")

    logs = [*(shared_state / "logs").iterdir(), server.log]
    texts = {path.name: path.read_text() for path in logs}

    assert [name for name, text in texts.items() if NUMBER in text] == []
