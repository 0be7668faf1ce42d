"""Defence M1 and M12 on the program itself: messages to known numbers go out over SMPP, and then everything that somebody who has the
house can take is searched for them, in every form: database, journal, backup, the log at its loudest, metrics, the memory of the process,
and all that an operator's session is told. Nothing may be found. The same search finds each of them where nothing is sealed.

Fifty thousand at once, over every kind of carrier, are searched for in `crates/messaging/tests/messaging/theft`.
"""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import shutil
import sqlite3
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest
from fixtures import theft
from fixtures.house import POSTGRES, SQLITE
from fixtures.postgres import Postgres
from fixtures.program import Account, Callbacks
from fixtures.server import BINARY, Server
from fixtures.smsc import Smsc, gateway
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for

MESSAGES = {SQLITE: 4000, POSTGRES: 1000}
AT_ONCE = 16
# One in so many has its sender told what becomes of it.
TOLD = 40
PLANTED = 20
METRICS = "the-token-of-the-metrics"
TEXT = "Your parcel 74190358 waits at the gate"
TRUSTING = 'messages={"per_day": 1000000, "calling_codes": ["49"], "safe_numbers": ["49"], "safe_addresses": ["127.0.0.0/8", "::1/128"]}'


class Program:
    """A program of the organisation's that sends, over as many connections as it likes. They end with it."""

    def __init__(self, server, account):
        self.account = account
        self.port = server.port
        self.context = ssl.create_default_context(cafile=str(server.ca_file))
        self.basic = base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()
        self.own = threading.local()
        self.connections = []

    def ask(self, method, path, form=None):
        if not hasattr(self.own, "connection"):
            self.own.connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=60)
            self.connections.append(self.own.connection)
        headers = {"Authorization": f"Basic {self.basic}", "Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode(form) if form else None
        self.own.connection.request(method, path, body, headers)
        answer = self.own.connection.getresponse()
        said = answer.read().decode()
        assert answer.status < 300, said
        return json.loads(said)

    @property
    def messages(self):
        return f"/2010-04-01/Accounts/{self.account.sid}/Messages"

    def send(self, number, **more):
        return self.ask("POST", f"{self.messages}.json", {"To": number, "From": "Acme", "Body": TEXT} | more)["sid"]

    def read_all(self):
        """Every page of its messages, and one of them by itself."""
        pages, path = [], f"{self.messages}.json?PageSize=1000"
        while path:
            pages.append(self.ask("GET", path))
            path = pages[-1]["next_page_uri"]
        one = pages[0]["messages"][0]["sid"]
        return [*pages, self.ask("GET", f"{self.messages}/{one}.json")]

    def close(self):
        for connection in self.connections:
            connection.close()


class Scene:
    """A server with a carrier, an organisation whose log is sealed, and a program that sends."""

    def __init__(self, place, store, smsc, callbacks):
        self.place, self.smsc, self.callbacks = place, smsc, callbacks
        carrier = smsc.carrier(response_seconds=10, receipt_seconds=120)
        settings = {
            "messaging.file": str(gateway(place / "gateway.toml", {"smsc": carrier})),
            "callbacks.networks": "127.0.0.0/8",
            "log.filter": "trace",
            "metrics.token": METRICS,
        }
        self.server = Server(place / "server", store, settings)
        self.loot = place / "loot"
        self.loot.mkdir()

    def open(self):
        self.server.start()
        self.tenant = Tenant(self.server)
        # The organisation's key, which is nowhere near: what is sealed to it nobody here can open.
        key = subprocess.run([BINARY, "log", "keygen"], capture_output=True, text=True, check=True).stdout.split()
        self.key = key[0]
        self.server.admin("--tenant", self.tenant.host, "tenant", "log-key", "set", key[1])
        self.server.admin("--tenant", self.tenant.host, "tenant", "set", TRUSTING)
        self.smsc.wait("bind")
        self.program = Program(self.server, Account(self.tenant))

    def send_all(self, numbers):
        def send(n):
            return self.program.send(numbers[n], **({"StatusCallback": self.callbacks.url} if n % TOLD == 0 else {}))

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            sids = list(pool.map(send, range(len(numbers))))
        wait_for("every receipt stands in the log", lambda: f"delivered: {len(sids)}\n" in self.suppliers(), 120, 0.5)
        told = sids[::TOLD]
        wait_for("the senders are told", lambda: all("delivered" in self.callbacks.of(sid) for sid in told), 60)
        return sids

    def suppliers(self):
        return self.server.command("message", "--tenant", self.tenant.host, "suppliers")

    def take(self, name, what):
        """Something that was told, into the loot."""
        (self.loot / name).write_text(what if isinstance(what, str) else json.dumps(what))

    def operators_session(self, sids):
        """Everything that an administrator's key, an account's token and the host's own commands are told of the messages."""
        admin, rows, after = self.tenant.admin, [], {}
        while after is not None:
            page = admin.json_api_call("GET", "/admin/v1/logs/messages", {"limit": "1000"} | after)
            rows.append(page)
            offset = page["metadata"]["next_offset"]
            after = {"next_offset": offset} if offset else None
        assert sum(len(page["items"]) for page in rows) >= len(sids)
        self.take("messages.json", rows)
        self.take("telephony.json", admin.get_telephony_log())
        self.take("activity.json", admin.get_activity_logs(mintime=0, maxtime=9_999_999_999_999))
        self.take("programs.json", self.program.read_all())
        here = ("--tenant", self.tenant.host)
        uuid = next(item["id"] for item in rows[0]["items"])
        said = [self.server.command("message", *here, "show", uuid), self.suppliers()]
        said += [self.server.command("message", "routes")]
        alerts = self.server.admin(*here, "alerts")
        # Who pulls the log without its key is noticed while he does.
        assert "log_canary_read" in alerts, alerts
        self.take("commands.txt", "\n".join([*said, alerts]))

    def metrics(self):
        request = urllib.request.Request(f"{self.server.base}/metrics", headers={"Authorization": f"Bearer {METRICS}"})
        with urllib.request.urlopen(request, context=self.program.context, timeout=30) as answer:
            page = answer.read().decode()
        assert "countersign_messages_" in page, page
        self.take("metrics.txt", page)

    def memory(self):
        return theft.memory(self.server.process.pid, self.loot / "memory")

    def close(self):
        self.server.end()


@pytest.fixture(params=[SQLITE, POSTGRES])
def engine(request):
    return request.param


@pytest.fixture
def postgres(engine):
    """A server of the test's own, whose files are looked through too."""
    if engine == SQLITE:
        yield None
        return
    with contextlib.closing(Postgres()) as postgres:
        yield postgres


@pytest.fixture
def scene(house, postgres):
    with contextlib.ExitStack() as stack:
        smsc = stack.enter_context(contextlib.closing(Smsc(receipts="at once")))
        callbacks = stack.enter_context(contextlib.closing(Callbacks()))
        scene = Scene(house.place(), postgres and postgres.database(), smsc, callbacks)
        stack.callback(scene.close)
        scene.open()
        yield scene


def test_m1_m12_a_thief_of_everything_finds_no_number(scene, engine, postgres):
    count = MESSAGES[engine]
    numbers = theft.numbers(0, count)
    sids = scene.send_all(numbers)
    sent = {f"+{submit['to']}" for submit in scene.smsc.all("submit")}
    assert sent == set(numbers), "the carrier has them all"

    scene.operators_session(sids)
    scene.metrics()
    scene.server.command("backup", str(scene.loot / "backup.tar"))
    scene.program.close()
    # A connection's buffers hold what went through it last, until it is closed: a moment after its other end is.
    size = 4_000_000
    wait_for("no number is in memory", lambda: not theft.search(count, scene.memory(), at_least=size), 60, 1.0)
    files = [scene.loot, scene.server.directory]
    if postgres:
        # As they are on the disk: tables, indexes, the write-ahead log.
        files.append(postgres.files())
    found = theft.search(count, *files, at_least=count * 1000)
    assert not found, f"{len(found)} hits, the first: {found[:10]}"
    log = scene.server.log()
    assert " TRACE " in log, "the log is at its loudest"
    assert TEXT not in log and "74190358" not in log and scene.key not in log

    # M12: who has the memory while a message is on its way has its number, and no other's.
    scene.smsc.do(answer_after=60_000)
    (late,) = theft.numbers(count, count + 1)
    scene.program = Program(scene.server, scene.program.account)
    scene.program.send(late)
    scene.smsc.wait("submit", count + 1)
    scene.program.close()
    assert theft.whole(theft.search(count + 1, scene.memory())) == {late}

    # The control: what the program writes in clear is found on the disk, each number and no other.
    for n in range(PLANTED):
        scene.tenant.user(f"planted{n}", notes=f"call {numbers[n]}")
    if postgres:
        postgres.files()
    assert theft.whole(theft.search(count, *files[1:])) == set(numbers[:PLANTED])
    scene.server.end()
    if engine == SQLITE:
        found = theft.search(count, _unsealed(scene, numbers))
        assert theft.whole(found) == set(numbers), "all of them, where nothing is sealed"


def _unsealed(scene, numbers):
    """The same database with each number in the place of what is sealed."""
    place = scene.place / "unsealed"
    shutil.copytree(scene.server.data, place, ignore=lambda _, names: [name for name in names if ".db" not in name])
    with contextlib.closing(sqlite3.connect(place / "countersign.db")) as db:
        rows = [row for (row,) in db.execute("SELECT id FROM message_log LIMIT ?", (len(numbers),))]
        assert len(rows) == len(numbers)
        clear = [(json.dumps({"to": number}), row) for number, row in zip(numbers, rows, strict=True)]
        db.executemany("UPDATE message_log SET sealed = ? WHERE id = ?", clear)
        db.commit()
    return place
