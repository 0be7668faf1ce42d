"""Positive controls: the clients under test do let people in when a server answers as Countersign must not.

If one of these fails, a client has changed, and the cases that pass may prove nothing any more.
"""

import pytest
from fixtures.faulty import Faulty
from fixtures.person import Person, Types
from fixtures.tenant import Integration
from fixtures.unix import LoginDuo, PamDuo, unix_user
from fixtures.waiting import free_port

CLIENTS = {
    "login_duo": LoginDuo,
    "pam_duo sshd": lambda place: PamDuo(place, "sshd"),
    "pam_duo sudo": lambda place: PamDuo(place, "sudo"),
}
PROMPT = {"result": "auth", "prompt": "Passcode: ", "factors": {}}


@pytest.fixture(params=CLIENTS, ids=list(CLIENTS))
def client(request, place):
    return CLIENTS[request.param](place)


@pytest.fixture
def faulty(place):
    running = []

    def start(answers):
        running.append(Faulty(place, answers))
        return running[0]

    yield start
    for server in running:
        server.close()


def _integration(server):
    return Integration("DI" + "A" * 18, "s" * 40, server.port, server.ca_file, unix_user())


@pytest.mark.parametrize("status", [500, 503, 401])
def test_an_error_at_preauth_lets_everybody_in(client, faulty, status):
    assert client.login(_integration(faulty(lambda _: (status, {}))), Person()).allowed


def test_an_answer_that_can_not_be_read_lets_everybody_in(client, faulty):
    assert client.login(_integration(faulty(lambda _: (200, {"result": "perhaps"}))), Person()).allowed


@pytest.mark.parametrize("client", ["login_duo", "pam_duo sudo"], indirect=True)
def test_twenty_answers_without_an_end_let_anybody_in(client, faulty):
    answers = {"preauth": PROMPT, "auth": {"txid": "t"}, "status": {"status": "still waiting"}}
    server = faulty(lambda what: (200, answers[what]))
    assert client.login(_integration(server), Types("nothing")).allowed
    assert server.asked.count("status") == 20


def test_a_server_that_is_down_lets_everybody_in(client, faulty):
    integration = _integration(faulty(lambda _: (200, PROMPT)))
    integration.port = free_port()
    assert client.login(integration, Person()).allowed


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_a_refusal_at_preauth_lets_nobody_in(client, faulty, status):
    assert not client.login(_integration(faulty(lambda _: (status, {}))), Person()).allowed


def test_an_error_after_preauth_lets_nobody_in(client, faulty):
    server = faulty(lambda what: (200, PROMPT) if what == "preauth" else (500, {}))
    assert not client.login(_integration(server), Types("nothing")).allowed
