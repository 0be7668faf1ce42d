"""Single sign-on goes on while keys are turned over and while the server is restarted."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.browser_house import Lobby
from fixtures.house import House
from fixtures.sso import Organisation, Program, authlib_app, claims
from fixtures.waiting import free_port

# Sign-ins of one run.
ENOUGH = 24


@pytest.fixture
def organisation(house: House) -> Iterator[Organisation]:
    """One whose server has its socket from outside, as systemd hands it over."""
    lobby = Lobby(house, handed=True)
    yield Organisation(lobby)
    lobby.leave()
    lobby.close()


@pytest.fixture
def application(organisation: Organisation, place: Path) -> Iterator[tuple[Program, str]]:
    port = free_port()
    running = authlib_app(organisation, place, port)
    yield running, f"http://localhost:{port}"
    running.close()


class Meanwhile:
    """Does a thing again and again beside the test, until it is left; what went wrong there fails the test."""

    def __init__(self, *things) -> None:  # noqa: ANN002
        self.things, self.done, self.over, self.error = things, 0, threading.Event(), None
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        try:
            while not self.over.is_set():
                self.things[self.done % len(self.things)]()
                self.done += 1
        except BaseException as error:  # noqa: BLE001 (it is raised where the test is)
            self.error = error

    def __enter__(self) -> "Meanwhile":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        if self.error:
            raise self.error


def _signs_in(organisation: Organisation, origin: str, count: int) -> set[str]:
    """So many sign-ins, each third one with the passkey, none of which may fail; by which keys their tokens were signed."""
    kids = set()
    page = organisation.page
    for turn in range(count):
        if turn % 3 == 0:
            organisation.visitor.context.clear_cookies()
        page.goto(f"{origin}/login", wait_until="commit")
        if turn % 3 == 0:
            organisation.sign_in()
        shown = claims(page)
        assert shown["userinfo"]["preferred_username"] == "alice"
        kids.add(shown["kid"])
    return kids


def test_keys_are_turned_over_under_load_and_no_sign_in_fails(
    organisation: Organisation, application: tuple[Program, str]
) -> None:
    server, host = organisation.server, organisation.tenant.host

    def turn() -> None:
        # Signs from now on; the one before stays published, so that what it has signed can still be verified.
        server.command("app", "--tenant", host, "keys", "rotate", "--key", "rs256", "--in", "0")

    with Meanwhile(turn) as turns:
        kids = _signs_in(organisation, application[1], ENOUGH)
    assert turns.done >= 3 and len(kids) >= 3, (turns.done, kids)


def test_a_node_is_restarted_under_load_and_no_sign_in_fails(
    organisation: Organisation, application: tuple[Program, str]
) -> None:
    server = organisation.server

    with Meanwhile(server.restart) as restarts:
        kids = _signs_in(organisation, application[1], ENOUGH)
    assert restarts.done >= 2 and len(kids) == 1, (restarts.done, kids)
