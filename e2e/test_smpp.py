"""SMS over carriers that speak SMPP: npm's `smpp` as an SMSC, and Kannel's `drive_smpp`. Passcodes go out as an application asks for
them by the Auth API, and receipts come back in every way there is."""

import contextlib
import itertools
import re
import sqlite3
import subprocess
import threading

import pytest
from fixtures.house import SQLITE
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.smsc import DriveSmpp, Smsc, gateway
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)
# Apart from each other: no rule takes them for a run of neighbours.
NUMBERS = (f"+1503555{number:04}" for number in itertools.count(100, 37))


class Place:
    """A server whose messages go to these carriers, until the end of a `with`."""

    def __init__(self, house, carriers, routes=None):
        self.people = []
        self.server = house.new_server(SQLITE, settings={"messaging.file": "gateway.toml"})
        self.file = gateway(self.server.directory / "gateway.toml", carriers, routes)
        text = self.server.config.read_text()
        self.server.config.write_text(text.replace('"gateway.toml"', f'"{self.file}"'))

    def __enter__(self):
        self.server.start()
        try:
            self.tenant = Tenant(self.server)
            self.tenant.admin.update_settings(sms_batch=1, sms_expiration=5)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for person in self.people:
            person.close()
        self.server.stop()

    def person(self):
        """A user with a telephone, and how they sign in."""
        person = Sender(self.tenant, f"user{len(self.people)}", next(NUMBERS))
        self.people.append(person)
        return person

    def ask(self, statement):
        """What the database answers."""
        path = self.server.data / "countersign.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20) as db:
            return db.execute(statement).fetchall()

    def states(self):
        """What the log says of each message, in clear."""
        return [state for (state,) in self.ask("SELECT state FROM message_log")]

    def count(self, table):
        return self.ask(f"SELECT count(*) FROM {table}")[0][0]

    def wait_for(self, *states):
        wait_for(f"messages are {states}", lambda: sorted(self.states()) == sorted(states))


class Sender:
    """Somebody with a telephone and an application that asks for codes."""

    def __init__(self, tenant, name, number):
        self.name, self.number = name, number
        user = tenant.user(name)
        phone = tenant.admin.add_phone(number=number, type="Mobile", platform="Unknown")["phone_id"]
        tenant.admin.add_user_phone(user, phone)
        self.library = APPLICATION.library.open(tenant.integration("authapi", name))
        self.who, self.asked, self.is_open = {"username": name}, 0, True

    def ask(self):
        # From another address: two requests that are the same within a second count as one that is replayed.
        self.asked += 1
        self.who["ipaddr"] = f"203.0.113.{self.asked}"
        (device,) = self.library.call("preauth", **self.who)["devices"]
        return self.library.call("auth", factor="sms", device=device["device"], **self.who)["status"]

    def enter(self, text):
        (code,) = re.findall(r"\b\d{7}\b", text)
        answer = self.library.call("auth", factor="passcode", passcode=code, **self.who)
        self.close()
        return answer["result"]

    def close(self):
        if self.is_open:
            self.is_open = False
            self.library.close()


@pytest.fixture
def smsc():
    with contextlib.closing(Smsc()) as smsc:
        yield smsc


@pytest.fixture
def place(house, smsc):
    with Place(house, {"main": smsc.carrier(response_seconds=2)}) as place:
        smsc.wait("bind")
        yield place


def test_a_code_by_sms_and_its_receipt(place, smsc):
    person = place.person()
    assert person.ask() == "sent"
    text = smsc.text(person.number)
    assert person.enter(text) == "allow"
    (bind,) = smsc.all("bind")
    assert (bind["role"], bind["version"], bind["status"]) == ("transceiver", 0x34, 0)
    (submit,) = smsc.all("submit")
    assert (submit["from"], submit["ton"], submit["npi"]) == ("Acme", 1, 1)
    assert (submit["registered"], submit["esm_class"]) == (1, 0)
    # Not after the end of the code's life.
    assert 200 < submit["seconds"] <= 300
    # The first words of a message come back in receipts: no code may be among them.
    assert not re.search(r"\d{7}", text[:20])
    place.wait_for("delivered")
    log = place.server.log()
    assert person.number[1:] not in log and text[:12] not in log


def test_receipts_in_every_way(place, smsc):
    """Early, twice, by parameters alone, in another notation, and from a network that gave up."""
    expected = []
    for manner, state in [
        ({"receipts": "early", "answer_after": 50}, "delivered"),
        ({"receipts": "twice", "answer_after": 0}, "delivered"),
        ({"receipts": "only parameters"}, "delivered"),
        ({"receipts": "at once", "ids": "decimal for hex"}, "delivered"),
        ({"receipts": "at once", "ids": "hex for decimal"}, "delivered"),
        ({"receipts": "undelivered", "ids": "hex"}, "undelivered"),
    ]:
        smsc.do(**manner)
        person = place.person()
        assert person.ask() == "sent", manner
        expected.append(state)
        if state == "delivered":
            assert person.enter(smsc.text(person.number)) == "allow"
            place.wait_for(*expected)
    # What could not be delivered is worded anew and tried again, with another code, or it ends; it is never "delivered".
    wait_for("the last one ended", lambda: "undelivered" in place.states() or "failed" in place.states())
    assert place.states().count("delivered") == 5


def test_too_fast_is_no_failure(place, smsc):
    smsc.do(throttle=3)
    people = [place.person() for _ in range(8)]
    asked = [threading.Thread(target=person.ask) for person in people]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    assert smsc.all("throttled")
    for person in people:
        text = smsc.text(person.number)
        assert person.enter(text) == "allow"
    place.wait_for(*["delivered"] * 8)


def test_binds_that_are_cut_unbound_or_talk_nonsense(place, smsc):
    for count, trouble in enumerate([{"cut": True}, {"unbind": True}, {"garbage": "00" * 32}], 2):
        smsc.do(**trouble)
        smsc.wait("bind", count)
        person = place.person()
        wait_for("a code is sent", lambda person=person: person.ask() == "sent" or None)
        assert person.enter(smsc.text(person.number)) == "allow"
    assert {bind["status"] for bind in smsc.all("bind")} == {0}


def test_a_number_that_is_refused(place, smsc):
    smsc.do(status=0x0B)
    person = place.person()
    assert person.ask() != "sent"
    assert "delivered" not in place.states()
    assert "RINVDSTADR" in place.server.log() and person.number[1:] not in place.server.log()


def test_who_writes_stop_gets_no_more(place, smsc):
    """The word comes in two parts, the second one first; START undoes it."""
    person = place.person()
    address = {"source_addr": person.number[1:], "source_addr_ton": 1, "source_addr_npi": 1, "destination_addr": "Acme"}
    parts = [{"udh": "0500034a0202", "message": "OP"}, {"udh": "0500034a0201", "message": "ST"}]
    for part in parts:
        smsc.do(inbound=address | {"esm_class": 0x40, "short_message": part})
    smsc.wait("heard", 2)
    wait_for("it is remembered", lambda: place.count("opt_out") == 1)
    assert person.ask() != "sent" and not smsc.texts(person.number)
    smsc.do(inbound=address | {"short_message": "start"})
    wait_for("it is forgotten", lambda: place.count("opt_out") == 0)
    assert person.ask() == "sent"
    assert person.enter(smsc.text(person.number)) == "allow"
    assert person.number[1:] not in place.server.log()


def test_another_carrier_takes_over(house, smsc):
    """The first one's password is wrong: nothing was shown to it. Then it takes messages, and says that none arrives."""
    with (
        contextlib.closing(Smsc(refuse_binds=0x0E)) as first,
        Place(house, {"main": first.carrier(), "spare": smsc.carrier(mode="pair", concatenation="udh16")}) as place,
    ):
        assert {it["role"] for it in smsc.wait("bind", 2)} == {"transmitter", "receiver"}
        person = place.person()
        assert person.ask() == "sent"
        text = smsc.text(person.number)
        assert person.enter(text) == "allow"
        assert not first.all("submit")
        first.do(refuse_binds=0, receipts="undelivered")
        wait_for("the first is bound", lambda: any(bind["status"] == 0 for bind in first.all("bind")))
        person = place.person()
        assert person.ask() == "sent"
        (seen,) = [it["text"] for it in first.wait("submit")]
        renewed = wait_for("the other carrier has it", lambda: smsc.texts(person.number))[-1]
        # What the first carrier has seen opens nothing.
        assert re.findall(r"\b\d{7}\b", seen) != re.findall(r"\b\d{7}\b", renewed)
        wrong = person.library.call("auth", factor="passcode", passcode=re.findall(r"\b\d{7}\b", seen)[0], **person.who)
        assert wrong["result"] == "deny"
        assert person.enter(renewed) == "allow"


def test_a_receipt_that_does_not_come(house, smsc):
    """Another carrier brings another code; the receipt that comes after all changes nothing."""
    with (
        contextlib.closing(Smsc(receipts="late")) as lost,
        Place(house, {"main": lost.carrier() | {"receipt_seconds": 1}, "spare": smsc.carrier()}) as place,
    ):
        lost.wait("bind")
        smsc.wait("bind")
        person = place.person()
        assert person.ask() == "sent"
        renewed = wait_for("the other carrier has it", lambda: smsc.texts(person.number))[-1]
        assert person.enter(renewed) == "allow"
        place.wait_for("delivered", "failed")
        lost.wait("receipt")
        assert sorted(place.states()) == ["delivered", "failed"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("smsc")
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=smsc.test", "-addext", "subjectAltName=DNS:smsc.test", "-addext", "basicConstraints=CA:FALSE",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def test_tls_and_a_certificate_for_somebody_else(house, certificate):
    key, cert = certificate
    with contextlib.closing(Smsc(key=str(key), cert=str(cert))) as smsc:
        right = smsc.carrier(security="tls", ca_file=str(cert), tls_name="smsc.test")
        with Place(house, {"wrong": right | {"tls_name": "other.test"}, "right": right}) as place:
            smsc.wait("bind")
            person = place.person()
            assert person.ask() == "sent"
            assert person.enter(smsc.text(person.number)) == "allow"
            place.wait_for("delivered")
            assert len(smsc.all("bind")) == 1


def test_kannels_own_smsc(house):
    """It knows a transmitter and a receiver, no transceiver and no receipts, and hands over texts that nobody wrote."""
    with (
        contextlib.closing(DriveSmpp(messages=50)) as drive,
        Place(house, {"kannel": drive.carrier(mode="pair", receipts=False)}) as place,
    ):
        wait_for("both are bound", lambda: place.server.log().count("bound to the SMSC") == 2)
        people = [place.person() for _ in range(3)]
        for person in people:
            assert person.ask() == "sent"
        wait_for("what it took", lambda: drive.log.count("type submit_sm") == len(people))
        assert place.states() == ["sent"] * len(people)
        wait_for("its texts are answered", lambda: drive.log.count("type deliver_sm_resp") == 50)
        assert drive.log.count("type enquire_link_resp") >= 50 and "generic_nack" not in drive.log
        assert "Unhandled" not in drive.log
