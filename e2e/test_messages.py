"""Text messages and calls through a supplier: what people are sent, what they answer, and what is kept of it."""

import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from fixtures.house import SQLITE
from fixtures.person import Person, Types
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.supplier import Supplier
from fixtures.tenant import Tenant
from fixtures.unix import LoginDuo, PamDuo, unix_user
from fixtures.waiting import wait_for

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)
UNIX = {
    "login_duo": LoginDuo,
    "pam_duo sshd": lambda place, **settings: PamDuo(place, "sshd", **settings),
    "pam_duo sudo": lambda place, **settings: PamDuo(place, "sudo", **settings),
}
NUMBER = "+15035550142"
DIGITS = re.compile(r"press (\d\d) on it")


@pytest.fixture
def supplier(house):
    supplier = Supplier()
    supplier.server = house.new_server(SQLITE, settings=supplier.settings).start()
    yield supplier
    supplier.finish()
    supplier.server.stop()
    supplier.close()


@pytest.fixture
def tenant(supplier):
    return Tenant(supplier.server)


@pytest.fixture
def user(tenant):
    """A user with a mobile telephone that has no authenticator."""
    user = tenant.user(unix_user())
    phone = tenant.admin.add_phone(number=NUMBER, type="Mobile", platform="Unknown")["phone_id"]
    tenant.admin.add_user_phone(user, phone)
    return user


@pytest.fixture(params=UNIX, ids=list(UNIX))
def client(request):
    return UNIX[request.param]


class Picks(Person):
    """Picks the line of the menu that has `words`, and types what `then` gives when asked again."""

    def __init__(self, words, then=None):
        super().__init__()
        self.words, self.then, self.picked = words, then, False

    def asked(self, text):
        self.told(text)
        if self.picked and self.then:
            return self.then()
        found = re.search(rf"^\s*(\d+)\. {self.words}", text, re.MULTILINE)
        assert found, f"no {self.words} in the menu: {text!r}"
        self.picked = True
        return found[1]


def test_passcodes_in_a_message(client, tenant, user, supplier, place):
    integration = tenant.integration("unix", unix_user())
    person = Picks("SMS passcodes", lambda: supplier.codes()[0])
    result = client(place, prompts=2).login(integration, person)
    assert result.allowed and "New SMS passcodes sent" in result.text, result
    assert NUMBER not in result.text and "0142" in result.text
    (message,) = supplier.messages
    assert message["To"] == NUMBER
    assert (message["ContentRetention"], message["AddressRetention"]) == ("discard", "obfuscate")
    replayed = client(place).login(integration, Types(supplier.codes()[0]))
    assert not replayed.allowed, replayed
    wait_for("the supplier is told to forget it", lambda: message["sid"] in supplier.deleted)


def test_a_batch_and_a_second_one_that_is_refused(tenant, user, supplier):
    """Half a minute must pass between two messages. The first batch stays good when the second isn't sent."""
    tenant.admin.update_settings(sms_batch=3)
    library = APPLICATION.library.open(tenant.integration("authapi", unix_user()))
    try:
        who = {"username": unix_user(), "ipaddr": "203.0.113.9"}
        (device,) = library.call("preauth", **who)["devices"]
        assert device["capabilities"] == ["auto", "sms", "phone"] and "sms_nextcode" not in device
        sent = library.call("auth", factor="sms", device=device["device"], **who)
        assert (sent["result"], sent["status"]) == ("deny", "sent")
        codes = supplier.codes()
        assert len({code[0] for code in codes}) == 3, "told apart by their first digit"
        time.sleep(1)
        again = library.call("auth", factor="sms", device=device["device"], **who)
        assert (again["result"], again["status"]) == ("deny", "sms_limited")
        assert len(supplier.messages) == 1
        for spent, code in enumerate(codes):
            (device,) = library.call("preauth", **who)["devices"]
            assert device["sms_nextcode"] in {left[0] for left in codes[spent:]}
            assert library.call("auth", factor="passcode", passcode=code, **who)["result"] == "allow"
            time.sleep(1)
    finally:
        library.close()


class Takes(Picks):
    """Takes a call, and presses the keys that the sign-in shows, or others."""

    def __init__(self, supplier, keys=None):
        super().__init__("Phone call")
        self.keys = keys
        supplier.answers = self.press

    def press(self):
        shown = wait_for("digits on the screen", lambda: DIGITS.findall(self.seen))
        return self.keys if self.keys is not None else shown[-1]


ASYNCHRONOUS = pytest.mark.parametrize("client", ["login_duo", "pam_duo sudo"], indirect=True)


@ASYNCHRONOUS
def test_a_call_is_approved_by_the_digits_on_the_screen(client, tenant, user, supplier, place):
    person = Takes(supplier)
    result = client(place).login(tenant.integration("unix", unix_user()), person)
    assert result.allowed, result
    assert not DIGITS.findall(supplier.calls[0]["Twiml"])
    assert person.press() not in re.findall(r"\d+", re.sub(r'"[^"]*"', "", supplier.calls[0]["Twiml"]))


@ASYNCHRONOUS
@pytest.mark.parametrize(("keys", "words"), [("1", ""), ("", "keypress"), ("*", "fraud")])
def test_a_call_is_not_approved_by_another_key(client, tenant, user, supplier, place, keys, words):
    result = client(place).login(tenant.integration("unix", unix_user()), Takes(supplier, keys))
    assert not result.allowed and words in result.text.lower(), result


def test_a_callback_that_the_supplier_did_not_sign_changes_nothing(tenant, user, supplier, place):
    """Somebody else, who has the address of a call's keys, presses the right ones."""
    refusals = []
    genuine = supplier._call_back

    def forged(url, form):
        request = urllib.request.Request(
            supplier.server.base + urllib.parse.urlsplit(url).path,
            data=urllib.parse.urlencode(form).encode(),
            headers={"X-Twilio-Signature": "Zm9yZ2VkIGJ5IHNvbWVib2R5IGVsc2U="},
        )
        context = ssl.create_default_context(cafile=str(supplier.server.ca_file))
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10, context=context)
        refusals.append(refused.value.code)
        # Then the one who was called hangs up.
        genuine(url, {name: value for name, value in form.items() if name != "Digits"})

    supplier._call_back = forged
    person = Takes(supplier)
    result = LoginDuo(place).login(tenant.integration("unix", unix_user()), person)
    assert not result.allowed, result
    assert set(refusals) == {403}


def test_the_log_of_messages_holds_no_number(tenant, user, supplier):
    library = APPLICATION.library.open(tenant.integration("authapi", unix_user()))
    try:
        who = {"username": unix_user(), "ipaddr": "203.0.113.9"}
        (device,) = library.call("preauth", **who)["devices"]
        library.call("auth", factor="sms", device=device["device"], **who)
    finally:
        library.close()
    now = int(time.time() * 1000)
    page = tenant.admin.get_telephony_log(api_version=2, mintime=now - 600_000, maxtime=now + 86_400_000)
    (row,) = page["items"]
    assert (row["type"], row["context"]) == ("sms", "authentication")
    (old,) = tenant.admin.get_telephony_log(mintime=int(time.time()) - 86_400)
    for logged in (row, old):
        assert NUMBER not in str(logged) and NUMBER[1:] not in str(logged)
    assert NUMBER not in supplier.server.log()
