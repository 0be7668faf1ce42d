"""Suppliers over HTTP: three for text messages, WhatsApp and Telegram, each in a process of its own behind the gateway file."""

import base64
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

import pytest
from fixtures.house import SQLITE
from fixtures.http_suppliers import SECRETS, HttpSuppliers
from fixtures.program import Account
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from twilio.rest import Client

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)
# By route: everything else, +49, +44.
NUMBERS = {"twilio": "+15035550142", "vonage": "+4915112345678", "plivo": "+447400123456"}


@pytest.fixture(scope="module")
def suppliers(house):
    suppliers = HttpSuppliers(house.place())
    server = house.new_server(SQLITE, settings=suppliers.settings).start()
    suppliers.server = server
    suppliers.serve(server.base, server.ca_file)
    yield suppliers
    server.stop()
    suppliers.close()


@pytest.fixture(scope="module")
def tenant(suppliers):
    return Tenant(suppliers.server)


@pytest.fixture(scope="module")
def sent(suppliers, tenant):
    """Passcodes to a person at each supplier; what each of them was asked, and the code that it brought."""
    library = APPLICATION.library.open(tenant.integration("authapi", "grace-twilio"))
    texts = {}
    try:
        for kind, number in NUMBERS.items():
            user = tenant.user(f"grace-{kind}")
            phone = tenant.admin.add_phone(number=number, type="Mobile", platform="Unknown")["phone_id"]
            tenant.admin.add_user_phone(user, phone)
            who = {"username": f"grace-{kind}", "ipaddr": "203.0.113.9"}
            (device,) = library.call("preauth", **who)["devices"]
            answer = library.call("auth", factor="sms", device=device["device"], **who)
            assert (answer["result"], answer["status"]) == ("deny", "sent"), (kind, answer)
            texts[kind] = _text(suppliers, kind)
            assert library.call("auth", factor="passcode", passcode=_code(texts[kind]), **who)["result"] == "allow"
    finally:
        library.close()
    return texts


def _text(suppliers, kind):
    (body,) = suppliers[kind].asked({"twilio": "/Messages.json", "vonage": "/sms/json", "plivo": "/Message/"}[kind])
    if kind == "plivo":
        return json.loads(body)["text"]
    form = dict(urllib.parse.parse_qsl(body))
    return form["Body"] if kind == "twilio" else form["text"]


def _code(text):
    (code,) = re.findall(r"\b\d{7}\b", text)
    return code


def _states(tenant):
    """What the log of messages says of each supplier's."""
    now = 2**41
    items = tenant.admin.get_telephony_log(api_version=2, mintime=0, maxtime=now)["items"]
    return [item for item in items if item["type"] == "sms"]


def test_each_supplier_is_asked_to_keep_nothing(suppliers, sent):
    """M9: the parameters, and where the code stands in the text."""
    twilio = dict(urllib.parse.parse_qsl(suppliers["twilio"].asked("/Messages.json")[0]))
    assert (twilio["ContentRetention"], twilio["AddressRetention"]) == ("discard", "obfuscate")
    assert json.loads(suppliers["plivo"].asked("/Message/")[0])["log"] == "false"
    for kind, text in sent.items():
        assert text.index(_code(text)) >= 20, f"{kind}: receipts of carriers repeat the first 20 characters: {text!r}"


def test_after_a_day_no_supplier_has_a_number_or_a_text(suppliers, sent):
    """M9: what was deleted or redacted after the last receipt, and what the supplier's own redaction did within 24 hours."""
    wait_for("Twilio's message is deleted", lambda: not suppliers["twilio"].state()["held"])
    redacted = wait_for("Vonage is asked to redact", lambda: suppliers["vonage"].asked("/v1/redact/transaction"))
    assert json.loads(redacted[0])["id"] in suppliers["vonage"].state()["held"]
    for kind, number in NUMBERS.items():
        suppliers[kind].age()
        held = json.dumps(suppliers[kind].state()["held"])
        assert number not in held and number[1:] not in held, f"{kind} still has the number: {held}"
        assert sent[kind] not in held and _code(sent[kind]) not in held, f"{kind} still has the text: {held}"
    assert suppliers.errors() == {}


def test_the_scan_finds_what_is_there(suppliers, sent):
    """The same supplier, asked for nothing, keeps everything: the scan above can fail."""
    message = {"dst": NUMBERS["plivo"][1:], "src": "Acme", "text": sent["plivo"], "url": "https://localhost/", "method": "POST"}
    basic = base64.b64encode(f"MAPLIVO:{SECRETS['plivo']}".encode()).decode()
    request = urllib.request.Request(
        suppliers["plivo"].url + "/v1/Account/MAPLIVO/Message/",
        data=json.dumps(message).encode(),
        headers={"Authorization": f"Basic {basic}"},
    )
    plivo = suppliers["plivo"]
    # Its receipts reach nobody.
    plivo.serve("https://localhost:1", suppliers.server.ca_file)
    urllib.request.urlopen(request, timeout=10).close()
    wait_for("both receipts", lambda: len(plivo.state()["errors"]) == 2)
    plivo.serve(suppliers.server.base, suppliers.server.ca_file)
    plivo.age()
    assert [NUMBERS["plivo"][1:], sent["plivo"]] in plivo.state()["held"].values()


def test_receipts_are_heard_and_logged_without_a_number(suppliers, tenant, sent):
    rows = _states(tenant)
    assert len(rows) == len(NUMBERS)
    for logged in (json.dumps(rows), suppliers.server.log()):
        for kind, number in NUMBERS.items():
            assert number not in logged and number[1:] not in logged and number[-7:] not in logged, kind
            assert _code(sent[kind]) not in logged
        for secret in [*SECRETS.values(), "the-secret-of-vonage", "the-token-of-meta"]:
            assert secret not in logged


@pytest.fixture
def verify(suppliers, tenant, monkeypatch):
    """Twilio's library, at a service for codes."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(suppliers.server.ca_file))
    account = Account(tenant)
    client = Client(account.sid, account.token)
    client.verify.base_url = suppliers.server.base
    return client.verify.v2.services(client.verify.v2.services.create(friendly_name="Acme").sid)


def _verified(verify, channel, number, code, **settings):
    verification = verify.verifications.create(to=number, channel=channel, **settings)
    assert (verification.status, verification.channel) == ("pending", channel)
    assert verify.verification_checks.create(to=number, code=code()).status == "approved"


def test_a_code_by_whatsapp(suppliers, verify):
    whatsapp, number = suppliers["whatsapp"], "+4915112345600"

    def code():
        message = json.loads(whatsapp.asked("/106/messages")[-1])
        assert message["to"] == number
        assert message["template"]["language"]["code"] == "de", "the template is there in the person's language"
        (text, button) = (part["parameters"] for part in message["template"]["components"])
        assert text == button
        return text[0]["text"]

    _verified(verify, "whatsapp", number, code, locale="de")
    wait_for("it is delivered", lambda: not whatsapp.state()["held"])
    # Another language than the template's: its first one.
    _verified(verify, "whatsapp", "+4917612345602", lambda: _template(whatsapp), locale="pt-PT")
    assert json.loads(whatsapp.asked("/106/messages")[-1])["template"]["language"]["code"] == "en_US"
    wait_for("it is delivered", lambda: not whatsapp.state()["held"])
    assert suppliers.errors() == {}


def _template(whatsapp):
    return json.loads(whatsapp.asked("/106/messages")[-1])["template"]["components"][0]["parameters"][0]["text"]


def test_a_code_by_telegram(suppliers, verify):
    telegram, number = suppliers["telegram"], "+4915112345601"

    def code():
        return json.loads(telegram.asked("/sendVerificationMessage")[-1])["code"]

    _verified(verify, "telegram", number, code)
    (ability,) = telegram.asked("/checkSendAbility")
    assert json.loads(ability) == {"phone_number": number}, "no code is shown to who can't bring it"
    telegram.age()
    assert code() not in json.dumps(telegram.state()["held"])
    assert suppliers.errors() == {}


def _callback(suppliers, path, body=b"", headers=None, method="POST"):
    server = suppliers.server
    context = ssl.create_default_context(cafile=str(server.ca_file))
    request = urllib.request.Request(server.base + path, data=body or None, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, ""


def test_who_is_no_supplier_is_not_heard(suppliers, sent):
    ticket = urllib.parse.urlsplit(json.loads(suppliers["plivo"].asked("/Message/")[0])["url"]).path
    other = ticket.replace("/plivo/", "/twilio/")
    form = b"MessageUUID=5b40a428-bfc7-4daf-9d06-000000000001&Status=failed"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for path, headers, body in [
        (ticket, kind, form),
        (ticket, kind | {"X-Plivo-Signature-V3": "Zm9yZ2Vk", "X-Plivo-Signature-V3-Nonce": "1"}, form),
        (other, kind, form),
        ("/telephony/vonage/inbound", kind, b"messageId=x&status=failed"),
        ("/telephony/whatsapp/inbound", {"Content-Type": "application/json"}, b'{"entry": []}'),
        ("/telephony/whatsapp/inbound", {"X-Hub-Signature-256": "sha256=00"}, b"{}"),
    ]:
        assert _callback(suppliers, path, body, headers)[0] == 403, path
    for path in ("/telephony/nobody/inbound", "/telephony/vonage/else", "/telephony/plivo/keys/x", "/telephony/"):
        assert _callback(suppliers, path, form, kind)[0] in (403, 404), path
    assert _callback(suppliers, ticket, b"x" * 100_000, kind)[0] == 400


def test_metas_webhook_is_registered_by_who_knows_the_token(suppliers):
    def asked(token):
        query = urllib.parse.urlencode({"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token})
        return _callback(suppliers, f"/telephony/whatsapp/inbound?{query}", method="GET")

    assert asked("the-verify-token") == (200, "1158201444")
    assert asked("another")[0] == 403


def test_replayed_receipts_change_nothing(suppliers, tenant, sent):
    """Nobody can tell them from those of a supplier that repeats itself, and they do no harm."""
    before = _states(tenant)
    for kind in ("twilio", "vonage"):
        suppliers[kind].replay()
    assert _states(tenant) == before
    assert suppliers.errors() == {}
