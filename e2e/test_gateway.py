"""The gateway when things die: a supplier in the middle of a thousand logins, the server itself with a thousand messages queued."""

import base64
import collections
import concurrent.futures
import contextlib
import http.client
import json
import re
import signal
import ssl
import subprocess
import threading
import urllib.parse

import duo_client
import pytest
from fixtures.carrier import Carrier, described
from fixtures.house import SQLITE
from fixtures.server import BINARY
from fixtures.supplier import Supplier
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for

MANY = 1000
# Nobody here is a fraud, and all come from one address.
TRUSTING = 'messages={"countries": ["US"], "safe_numbers": ["1"], "safe_addresses": ["127.0.0.0/8", "::1/128"]}'


def number(n: int) -> str:
    """A number of its own for each, all over the United States."""
    areas = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228)
    return f"+1{areas[n % len(areas)]}{555 - n // 400}{n % 400 // len(areas) + 100:04}"


def message(server, *arguments: str) -> str:
    """`countersign message …` beside the server."""
    run = subprocess.run(
        [BINARY, "--config", str(server.config), "message", *arguments], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, f"{arguments}: {run.stdout}{run.stderr}"
    return run.stdout


def all_of(work, threads: int = 16):
    """Does it for each of the many, beside each other; every thread has clients of its own."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(MANY)))


class Own(threading.local):
    """A client for each thread: they keep a connection."""

    def __init__(self, make):
        self.client = make()


@pytest.fixture
def gateway(house):
    """Starts a server over carriers that are described to it."""
    servers = []

    def start(*carriers: str, routes: str = ""):
        file = house.place() / "gateway.toml"
        file.write_text("\n".join(carriers) + "\n" + routes)
        servers.append(house.new_server(SQLITE, settings={"messaging.file": str(file)}).start())
        servers[-1].gateway_file = file
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def closing():
    """Ends what a test has started, also where it fails."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def carriers(house, closing):
    """Starts a carrier."""

    def start(pause: float = 0.0) -> Carrier:
        carrier = Carrier(house.place(), pause)
        closing.callback(carrier.kill9)
        return carrier

    return start


def test_a_supplier_that_is_killed_in_the_middle_of_a_thousand_logins_stops_none(gateway, carriers, closing):
    first, second = carriers(), closing.enter_context(contextlib.closing(Supplier()))
    server = gateway(
        described("first", first.port, receipt_seconds=2),
        described("second", second.port),
        routes='[[routes]]\nkind = "sms"\ncarriers = ["first", "second"]\n',
    )
    second.server = server
    tenant = Tenant(server)
    server.admin("--tenant", tenant.host, "tenant", "set", "lockout_threshold=9999", TRUSTING)
    integration = tenant.integration("authapi", "p0")
    auth = Own(lambda: duo_client.Auth(integration.ikey, integration.skey, "localhost",
                                       ca_certs=str(server.ca_file), port=server.port))  # fmt: skip

    people = {}
    for start in range(0, MANY, 100):
        users = json.dumps([{"username": f"p{n}"} for n in range(start, start + 100)])
        made = tenant.admin.json_api_call("POST", "/admin/v1/users/bulk_create", {"users": users})
        people |= {user["username"]: user["user_id"] for user in made}
    # Of each key 300 changes a minute are taken.
    keys = [tenant.integration("adminapi", f"key {n}", adminapi_write_resource=1) for n in range(8)]
    admins = Own(lambda: [tenant.admin_client(key.ikey, key.skey) for key in keys])

    def person(n: int) -> None:
        admin = admins.client[n % len(keys)]
        phone = admin.add_phone(number=number(n), type="Mobile", platform="Unknown")["phone_id"]
        admin.add_user_phone(people[f"p{n}"], phone)

    all_of(person)

    def ask(n: int) -> None:
        answer = auth.client.auth("sms", username=f"p{n}", device="auto")
        assert answer["status"] == "sent", answer
        # In the middle: hundreds that it took are with nobody then.
        if n == MANY // 3:
            first.kill9()

    all_of(ask)
    seen = first.notes("took")
    assert 50 < len(seen) < MANY, "it must die in the middle"

    def arrived(n: int) -> list[str]:
        bodies = [taken["Body"] for taken in list(second.messages) if taken["To"] == number(n)]
        return re.findall(r"\b\d{7}\b", bodies[-1]) if bodies else []

    def enter(n: int) -> str:
        code = wait_for(f"p{n} has a code", lambda: arrived(n))[0]
        answer = auth.client.auth("passcode", username=f"p{n}", passcode=code)
        assert answer["result"] == "allow", f"p{n}: {answer}"
        return code

    entered = all_of(enter)
    of_first = collections.defaultdict(list)
    for to, body in seen:
        of_first[to] += re.findall(r"\b\d{7}\b", body)

    def reuse(n: int) -> None:
        # The code that came, once more, and those that the dead one has seen.
        assert entered[n] not in of_first[number(n)], "one code went through two"
        for code in {entered[n] for _ in range(n % 10 == 0)} | set(of_first[number(n)]):
            assert auth.client.auth("passcode", username=f"p{n}", passcode=code)["result"] == "deny"

    all_of(reuse)
    # What an operator sees of one of them, without a number in it.
    unlucky = next(n for n in range(MANY) if of_first[number(n)])
    shown = message(server, "--tenant", tenant.host, "show", "--user", f"p{unlucky}")
    assert re.search(r"first +authentication +failed +(no-receipt|supplier)", shown), shown
    assert re.search(r"second +authentication +(sent|delivered)", shown), shown
    assert number(unlucky)[-4:] not in re.sub(r"[0-9A-Za-z-]{18,36}", "", shown), shown
    counted = message(server, "--tenant", tenant.host, "suppliers")
    assert "first: sms" in counted and "delivered" in counted.split("second:")[1], counted
    # The other is cut off, too: nothing goes any more. And back.
    message(server, "cut", "second", "--reason", "a test")
    assert "CUT OFF" in message(server, "suppliers") and "then second" in message(server, "routes")
    wait_for("the server obeys", lambda: "second" in server.log() and "is cut off" in server.log())
    taken = len(second.messages)
    sent = message(server, "--tenant", tenant.host, "send", "--to", "+12015550999", "--text", "hello").strip()
    assert f"{sent}" in message(server, "--tenant", tenant.host, "show", sent)
    message(server, "restore", "second")
    wait_for("the queued message goes", lambda: len(second.messages) == taken + 1)
    second.finish()
    assert server.stop() == 0


def test_what_is_queued_when_the_server_is_killed_is_sent_by_the_next(gateway, carriers):
    carrier = carriers(pause=60)
    server = gateway(described("slow", carrier.port))
    tenant = Tenant(server)
    server.admin("--tenant", tenant.host, "tenant", "set", TRUSTING)
    made = server.admin("--tenant", tenant.host, "integration", "create", "program", "--type", "messaging")
    token = dict(line.split(" = ") for line in made.splitlines())
    basic = base64.b64encode(f"{token['account']}:{token['skey']}".encode()).decode()
    context = ssl.create_default_context(cafile=str(server.ca_file))
    own = Own(lambda: http.client.HTTPSConnection("localhost", server.port, context=context, timeout=30))

    def send(n: int) -> str:
        form = urllib.parse.urlencode({"To": number(n), "From": "+15005550006", "Body": f"message {n}"})
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded",
                   "Host": f"{tenant.host}:{server.port}"}  # fmt: skip
        own.client.request("POST", f"/2010-04-01/Accounts/{token['account']}/Messages.json", form, headers)
        answer = own.client.getresponse()
        body = answer.read()
        assert answer.status == 201, body
        return json.loads(body)["sid"]

    all_of(send)
    wait_for("some are under way", lambda: len(carrier.notes("took")) > 20)
    server.kill9()
    before, answered = carrier.notes("took"), carrier.notes("answered")
    assert len(before) < MANY and not answered, "it must die with messages queued"
    keys = list((server.data / "queue-keys").glob("*/*.key"))
    assert keys, "the keys of the queue are beside the database"
    carrier.hurry()
    server.start()
    wanted = {number(n) for n in range(MANY)}
    wait_for("each message is sent", lambda: {to for to, _ in carrier.notes("took")} == wanted, seconds=60)
    wait_for("each is answered", lambda: len(carrier.notes("answered")) >= MANY)
    taken = collections.Counter(to for to, _ in carrier.notes("took"))
    doubled = {to: count for to, count in taken.items() if count > 1}
    assert set(doubled) <= {to for to, _ in before} and sum(doubled.values()) - len(doubled) <= len(before)
    counted = message(server, "--tenant", tenant.host, "suppliers")
    assert f"sent: {MANY}" in counted, counted
    # The file is read again when asked for: one that is wrong changes nothing, and another carrier is found.
    other = carriers()
    file = server.gateway_file
    right = described("other", other.port)
    cases = ((right + "nonsense = 1\n", "gateway file is not taken"), (right, "gateway file was read again"))
    for n, (text, said) in enumerate(cases, MANY):
        file.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        wait_for(said, lambda said=said: said in server.log())
        send(n)
        assert "nonsense" in server.log() and "the-suppliers-token" not in server.log()
    wait_for("it goes the new way", lambda: [to for to, _ in other.notes("took")] == [number(MANY + 1)])
    assert server.stop() == 0
