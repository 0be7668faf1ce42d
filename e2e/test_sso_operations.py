"""Single sign-on goes on for several people at once while keys are turned over and while the server is restarted."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.browser_house import Lobby
from fixtures.browser_people import has_passkey
from fixtures.house import House
from fixtures.sso import Organisation, Program, authlib_app, claims
from fixtures.waiting import free_port
from playwright.sync_api import Page

# People who sign in at the same time, each in a browser of their own, and how often each of them does.
PEOPLE = ("alice", "bob", "carol", "dave")
ENOUGH = 8


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


def _people(organisation: Organisation) -> dict[str, Page]:
    """Everybody's tab; the passkey stays in it."""
    pages = {PEOPLE[0]: organisation.page}
    for name in PEOPLE[1:]:
        organisation.tenant.user(name, email=f"{name}@example.test")
        pages[name] = organisation.lobby.visitor(organisation.tenant).page()
        has_passkey(pages[name], organisation.tenant, name)
    return pages


def _sign_in(organisation: Organisation, pages: dict[str, Page], origin: str, count: int) -> set[str]:
    """So many sign-ins of each, all of them at once and each third one with the passkey, none of which may fail; by which keys their tokens
    were signed."""
    kids = set()
    for turn in range(count):
        for page in pages.values():
            if turn % 3 == 0:
                page.context.clear_cookies()
                page.goto(f"{origin}/login", wait_until="commit")
            else:
                # Nobody waits for anybody: each tab leaves by itself, and what it showed before is gone from it.
                page.evaluate("address => { document.body.textContent = ''; setTimeout(() => location.assign(address)); }", f"{origin}/login")
        for name, page in pages.items():
            if turn % 3 == 0:
                organisation.sign_in(page)
            shown = claims(page)
            assert shown["userinfo"]["preferred_username"] == name
            kids.add(shown["kid"])
    return kids


def test_keys_are_turned_over_under_load_and_no_sign_in_fails(
    organisation: Organisation, application: tuple[Program, str]
) -> None:
    server, host = organisation.server, organisation.tenant.host

    def turn() -> None:
        # Signs from now on; the one before stays published, so that what it has signed can still be verified.
        server.command("app", "--tenant", host, "keys", "rotate", "--key", "rs256", "--in", "0")

    pages = _people(organisation)
    with Meanwhile(turn) as turns:
        kids = _sign_in(organisation, pages, application[1], ENOUGH)
    assert turns.done >= 3 and len(kids) >= 3, (turns.done, kids)


def test_a_node_is_restarted_under_load_and_no_sign_in_fails(
    organisation: Organisation, application: tuple[Program, str]
) -> None:
    server = organisation.server

    pages = _people(organisation)
    with Meanwhile(server.restart) as restarts:
        kids = _sign_in(organisation, pages, application[1], ENOUGH)
    assert restarts.done >= 2 and len(kids) == 1, (restarts.done, kids)
