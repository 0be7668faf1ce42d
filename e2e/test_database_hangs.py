"""The database doesn't fail, it just says nothing: a network that swallows everything, a lock that somebody holds.

Duo's Unix programs wait for an answer without end, and let the person in on a 5xx. So the answer must come, and be a no.
"""

import concurrent.futures
import sqlite3
import threading
import time
import urllib.parse

import pytest
from fixtures.house import SQLITE
from fixtures.person import Types
from fixtures.server import Server
from fixtures.tenant import Tenant
from fixtures.unix import LoginDuo, PamDuo, unix_user
from fixtures.wire import Wire

CLIENTS = {
    "login_duo": LoginDuo,
    "pam_duo sshd": lambda place: PamDuo(place, "sshd"),
    "pam_duo sudo": lambda place: PamDuo(place, "sudo"),
}
# The client's own patience is without end; its user's is not.
PATIENCE = 45.0


@pytest.fixture
def behind_a_wire(house):
    """A server whose PostgreSQL is at the other end of a wire."""
    url = urllib.parse.urlsplit(house.postgres("lasting").database())
    wire = Wire(url.port)
    store = url._replace(netloc=url.netloc.replace(str(url.port), str(wire.port))).geturl()
    server = Server(house.place(), store).start()
    yield server, wire
    wire.close()
    server.end()


def _all_out_in_time(house, integrations, persons):
    """All clients at once, each by an integration of its own."""
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(CLIENTS)) as pool:
        clients = [make(house.place()) for make in CLIENTS.values()]
        logins = [pool.submit(client.login, *asked) for client, *asked in zip(clients, integrations, persons, strict=True)]
        for name, login in zip(CLIENTS, logins, strict=True):
            assert not login.result().allowed, (name, login.result())
    assert time.monotonic() - started < PATIENCE


def _three(tenant):
    """A user with a token, and an integration for each client."""
    token = tenant.hotp(tenant.user(unix_user()))
    return token, [tenant.integration("unix", unix_user()) for _ in CLIENTS]


def _in_again(house, integrations, token):
    for make, integration in zip(CLIENTS.values(), integrations, strict=True):
        result = make(house.place()).login(integration, Types(token.press()))
        assert result.allowed, result


def test_silence_before_the_start(house, behind_a_wire):
    server, wire = behind_a_wire
    token, integrations = _three(Tenant(server))
    wire.cut()
    _all_out_in_time(house, integrations, [Types(token.press()) for _ in CLIENTS])
    wire.mend()
    _in_again(house, integrations, token)


def test_silence_in_the_middle(house, behind_a_wire):
    """Each is at the prompt when the wire is cut."""
    server, wire = behind_a_wire
    token, integrations = _three(Tenant(server))
    prompted = threading.Barrier(len(CLIENTS), wire.cut)
    _all_out_in_time(house, integrations, [Types(token.press(), prompted.wait) for _ in CLIENTS])
    wire.mend()
    _in_again(house, integrations, token)


def test_a_lock_that_another_process_holds(house):
    server = house.new_server(SQLITE).start()
    try:
        token, integrations = _three(Tenant(server))
        lock = sqlite3.connect(server.data / "countersign.db", isolation_level=None, check_same_thread=False)
        prompted = threading.Barrier(len(CLIENTS), lambda: lock.execute("BEGIN EXCLUSIVE"))
        _all_out_in_time(house, integrations, [Types(token.press(), prompted.wait) for _ in CLIENTS])
        lock.execute("ROLLBACK")
        lock.close()
        _in_again(house, integrations, token)
    finally:
        server.end()
