"""Servers, and the order of the cases: what takes a minute starts first and is looked at last."""

import concurrent.futures
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("fixtures.cases", "fixtures.person", "fixtures.sdk", "fixtures.unix")

from fixtures.browser_house import Lobby  # noqa: E402
from fixtures.cases import CASES, Case  # noqa: E402
from fixtures.clients import CLIENTS  # noqa: E402
from fixtures.house import POSTGRES, SQLITE, House  # noqa: E402
from fixtures.server import Server  # noqa: E402
from fixtures.tenant import Tenant  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "client(name): the real client that a test's cases are played with")
    # The clients' own: they are used as they are.
    config.addinivalue_line("filterwarnings", "ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning")
    # The length of keys is Duo's.
    config.addinivalue_line("filterwarnings", "ignore:The HMAC key is 40 bytes long")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    client = CLIENTS[metafunc.definition.get_closest_marker("client").args[0]]
    cases = [case for case in CASES if client.plays(case)]
    played = [(case, SQLITE) for case in cases]
    if client.on_postgres:
        played += [(case, POSTGRES) for case in cases if case.smoke]
    names = [case.name if engine == SQLITE else f"{case.name}, {engine}" for case, engine in played]
    metafunc.parametrize(("case", "engine"), played, ids=names)


def _is_background(item: pytest.Item) -> bool:
    case, engine = _played(item)
    return case is not None and (case.background or (case.breaks_database and engine == POSTGRES))


def _played(item: pytest.Item) -> tuple[Case | None, str]:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("case"), params.get("engine", SQLITE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_background)


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    directory = Path(tempfile.mkdtemp(prefix="countersign-e2e-"))
    house = House(directory)
    yield house
    house.close()
    if "COUNTERSIGN_E2E_KEEP" not in os.environ:
        shutil.rmtree(directory)


@pytest.fixture(scope="session", autouse=True)
def background(request: pytest.FixtureRequest) -> Iterator[dict[str, concurrent.futures.Future]]:
    """The cases that wait for a minute, under way since the first test began."""
    waiting = [item for item in request.session.items if _is_background(item)]
    if not waiting:
        yield {}
        return
    house = request.getfixturevalue("house")
    # Outages of PostgreSQL are of a whole server. There are two, on which the cases take turns.
    turns = concurrent.futures.ThreadPoolExecutor(2, "mortal")
    together = concurrent.futures.ThreadPoolExecutor(8)
    runs = {}
    for item in waiting:
        case, engine = _played(item)
        pool = turns if case.breaks_database and engine == POSTGRES else together
        runs[item.nodeid] = pool.submit(_play, house, case, engine, item.get_closest_marker("client").args[0])
    yield runs
    for pool in (turns, together):
        pool.shutdown(cancel_futures=True)


def _play(house: House, case: Case, engine: str, client: str) -> None:
    with house.stage(case, engine, client) as stage:
        case.play(stage)


@pytest.fixture
def play(
    request: pytest.FixtureRequest,
    case: Case,
    engine: str,
    house: House,
    background: dict[str, concurrent.futures.Future],
) -> Callable[[], None]:
    """Plays the test's case with the test's client."""

    def play() -> None:
        if under_way := background.get(request.node.nodeid):
            under_way.result(600)
        else:
            _play(house, case, engine, request.node.get_closest_marker("client").args[0])

    return play


@pytest.fixture
def server(house: House) -> Server:
    """A server on SQLite that other tests use too."""
    return house.server(SQLITE)


@pytest.fixture
def tenant(server: Server) -> Tenant:
    """A new tenant on it."""
    return Tenant(server)


@pytest.fixture
def place(house: House) -> Path:
    """A directory of the test's own."""
    return house.place()


@pytest.fixture(scope="session")
def shared_lobby(house: House) -> Iterator[Lobby]:
    lobby = Lobby(house)
    yield lobby
    lobby.close()


@pytest.fixture
def lobby(shared_lobby: Lobby) -> Iterator[Lobby]:
    """Where people come in by the browser. What went wrong on their pages fails the test."""
    yield shared_lobby
    shared_lobby.leave()
