"""Programs that were written for Twilio, at Countersign: its Python and JavaScript libraries as they are, privacyIDEA, playSMS."""

import base64
import json
import os
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fixtures.house import SQLITE
from fixtures.oath import Totp
from fixtures.program import Account, Callbacks, SimSwap
from fixtures.supplier import Supplier
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

# Neighbouring numbers would be somebody who pumps messages.
AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240)
NUMBERS = (f"+1{area}5550{number}" for number in range(123, 199, 12) for area in AREAS)


@pytest.fixture(scope="module")
def callbacks():
    callbacks = Callbacks()
    yield callbacks
    callbacks.close()


@pytest.fixture(scope="module")
def operator():
    operator = SimSwap()
    yield operator
    operator.close()


@pytest.fixture(scope="module")
def supplier(house, operator):
    supplier = Supplier()
    settings = supplier.settings | operator.settings | {"callbacks.networks": "127.0.0.0/8"}
    supplier.server = house.new_server(SQLITE, settings=settings).start()
    yield supplier
    supplier.finish()
    supplier.server.stop()
    supplier.close()


@pytest.fixture(scope="module")
def account(supplier):
    return Account(Tenant(supplier.server))


@pytest.fixture
def trust(supplier, monkeypatch):
    """Twilio's library asks `requests`, which asks the environment whom to trust."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(supplier.server.ca_file))


def _client(account, supplier, user=None, secret=None):
    client = Client(user or account.sid, secret or account.token, account_sid=account.sid)
    for domain in (client.api, client.verify, client.lookups):
        domain.base_url = supplier.server.base
    return client


@pytest.fixture
def client(account, supplier, trust):
    return _client(account, supplier)


def _refused(code, call):
    with pytest.raises(TwilioRestException) as refused:
        call()
    assert refused.value.code == code, refused.value
    return refused.value


def _asks(client):
    """A request that anybody may make who may ask at all."""
    return client.balance.fetch


def _body(supplier, number):
    return wait_for("the supplier has it", lambda: [m for m in supplier.messages if m["To"] == number])[-1]["Body"]


def _code(supplier, number):
    text = _body(supplier, number)
    return next(word for word in text.replace(".", " ").split() if word.isdigit() and len(word) >= 4)


def test_a_message_and_what_becomes_of_it(client, account, supplier, callbacks):
    number = next(NUMBERS)
    callbacks.failing = 1
    sent = client.messages.create(
        to=number, from_="+15005550006", body="Your order is ready", status_callback=callbacks.url
    )
    assert (sent.status, sent.to, sent.body, sent.num_segments) == ("queued", number, "Your order is ready", "1")
    assert sent.sid.startswith("SM") and sent.account_sid == account.sid and sent.direction == "outbound-api"
    assert _body(supplier, number) == "Your order is ready"
    # The first callback was answered with a failure and came again; the order is kept all the same.
    wait_for("all is told", lambda: callbacks.of(sent.sid) == ["queued", "sent", "delivered"], seconds=60)
    validator = RequestValidator(account.token)
    for url, form, signature in callbacks.heard:
        assert validator.validate(url, form, signature), form
        assert not validator.validate(url, form | {"MessageStatus": "failed"}, signature)
        assert (form["AccountSid"], form["To"], form["From"]) == (account.sid, number, "+15005550006")
    # Later nobody has the number or the text any more.
    later = client.messages(sent.sid).fetch()
    assert (later.status, later.to, later.body, later.error_code) == ("delivered", None, "", None)
    assert client.messages(sent.sid).update(body="").sid == sent.sid
    client.messages(sent.sid).feedback.create(outcome="confirmed")
    assert client.messages(sent.sid).delete()
    _refused(20404, client.messages(sent.sid).fetch)


def test_lists_and_their_pages(client, account, supplier):
    numbers = [next(NUMBERS) for _ in range(3)]
    sent = [client.messages.create(to=number, body=f"Page {number}").sid for number in numbers]
    assert set(sent) <= {message.sid for message in client.messages.list(page_size=2)}
    found = client.messages.list(to=numbers[0])
    assert [message.sid for message in found] == [sent[0]]
    today = found[0].date_created.date()
    assert {m.sid for m in client.messages.list(date_sent_after=today)} >= set(sent)
    assert not client.messages.list(date_sent_before=today.replace(year=today.year - 1))
    other = _client(Account(Tenant(supplier.server)), supplier)
    assert not other.messages.list()
    _refused(20404, other.messages(sent[0]).fetch)


def test_what_is_refused_has_twilios_code(client, account, supplier, trust):
    number = next(NUMBERS)
    _refused(21211, lambda: client.messages.create(to="5035550100", body="x"))
    _refused(21617, lambda: client.messages.create(to=number, body="x" * 1601))
    _refused(21602, lambda: client.messages.create(to=number))
    _refused(21212, lambda: client.messages.create(to=number, body="x", from_="+1"))
    _refused(20001, lambda: client.messages.create(to=number, body="x", media_url=["https://example.com/x.png"]))
    for url in ("http://169.254.169.254/latest", "ftp://example.com", "http://10.0.0.1/"):
        _refused(21609, lambda url=url: client.messages.create(to=number, body="x", status_callback=url))
    _refused(20003, _asks(_client(account, supplier, secret="wrong")))
    stranger = Account(Tenant(supplier.server))
    _refused(20003, _asks(_client(account, supplier, secret=stranger.token)))
    client.messages.create(to=number, body="first")
    limited = _refused(20429, lambda: [client.messages.create(to=number, body=f"again {n}") for n in range(12)])
    assert limited.status == 429


def test_scheduled_and_taken_back(client, account, supplier, callbacks):
    number = next(NUMBERS)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 900))
    sent = client.messages.create(
        to=number, body="Later", messaging_service_sid="MG" + "0" * 32, schedule_type="fixed", send_at=at,
        status_callback=callbacks.url,
    )  # fmt: skip
    assert sent.status == "scheduled"
    assert client.messages(sent.sid).update(status="canceled").status == "canceled"
    _refused(30409, lambda: client.messages(sent.sid).update(status="canceled"))
    wait_for("it is told", lambda: "canceled" in callbacks.of(sent.sid), seconds=30)
    assert not [m for m in supplier.messages if m["To"] == number]


def test_once_is_once(account, supplier):
    """A client that repeats a request because it has no answer gets the first one's message."""
    number = next(NUMBERS)
    form = urllib.parse.urlencode({"To": number, "Body": "Once"}).encode()
    basic = base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "I-Twilio-Idempotency-Token": "request-1"}
    url = f"{supplier.server.base}/2010-04-01/Accounts/{account.sid}/Messages.json"
    context = ssl.create_default_context(cafile=str(supplier.server.ca_file))
    sids = set()
    for _ in range(3):
        with urllib.request.urlopen(urllib.request.Request(url, form, headers), context=context, timeout=20) as answer:
            sids.add(json.load(answer)["sid"])
    assert len(sids) == 1
    _body(supplier, number)
    assert len([m for m in supplier.messages if m["To"] == number]) == 1


def test_a_number_is_verified(client, supplier):
    service = client.verify.v2.services.create(friendly_name="Example", code_length=6)
    number = next(NUMBERS)
    verify = client.verify.v2.services(service.sid)
    begun = verify.verifications.create(to=number, channel="sms", locale="de")
    assert (begun.status, begun.to, begun.valid, begun.channel) == ("pending", number, False, "sms")
    assert len(begun.send_code_attempts) == 1
    assert "Bestätigungscode" in _body(supplier, number)
    code = _code(supplier, number)
    wrong = "000000" if code != "000000" else "111111"
    assert verify.verification_checks.create(to=number, code=wrong).status == "pending"
    assert verify.verifications(begun.sid).fetch().status == "pending"
    right = verify.verification_checks.create(to=number, code=code)
    assert (right.status, right.valid) == ("approved", True)
    # What is over is gone, and the number with it.
    _refused(20404, lambda: verify.verification_checks.create(to=number, code=code))
    _refused(20404, verify.verifications(begun.sid).fetch)
    (attempt,) = client.verify.v2.verification_attempts.list(verify_service_sid=service.sid)
    assert (attempt.conversion_status, attempt.channel, attempt.verification_sid) == ("converted", "sms", begun.sid)
    summary = client.verify.v2.verification_attempts_summary().fetch(verify_service_sid=service.sid)
    assert (summary.total_attempts, summary.total_converted) == (1, 1)
    assert float(summary.conversion_rate_percentage) == 100
    # Five answers, and no more.
    number = next(NUMBERS)
    verify.verifications.create(to=number, channel="auto")
    for _ in range(5):
        assert verify.verification_checks.create(to=number, code="999999x").status == "pending"
    _refused(60202, lambda: verify.verification_checks.create(to=number, code=_code(supplier, number)))
    assert verify.verifications(number).update(status="canceled").status == "canceled"
    assert service.sid in {known.sid for known in client.verify.v2.services.list()}
    assert client.verify.v2.services(service.sid).update(friendly_name="Another").friendly_name == "Another"
    assert client.verify.v2.services(service.sid).delete()
    _refused(20404, lambda: verify.verifications.create(to=number, channel="sms"))


def test_codes_of_ones_own_payments_and_limits(client, supplier):
    service = client.verify.v2.services.create(
        friendly_name="Bank", custom_code_enabled=True, psd2_enabled=True, do_not_share_warning_enabled=True
    )
    verify = client.verify.v2.services(service.sid)
    number = next(NUMBERS)
    verify.verifications.create(to=number, channel="sms", custom_code="48151623", amount="39.99 EUR", payee="Acme")
    text = _body(supplier, number)
    assert "48151623" in text and "39.99 EUR" in text and "Acme" in text and "Don't share" in text
    check = verify.verification_checks.create
    assert check(to=number, code="48151623", amount="3999 EUR", payee="Acme").status == "pending"
    assert check(to=number, code="48151623", amount="39.99 EUR", payee="Acme").status == "approved"
    limit = verify.rate_limits.create(unique_name="end_user_ip", description="by address")
    verify.rate_limits(limit.sid).buckets.create(max=1, interval=60)
    limits = json.dumps({"end_user_ip": "203.0.113.5"})
    verify.verifications.create(to=next(NUMBERS), channel="sms", rate_limits=limits)
    again = lambda: verify.verifications.create(to=next(NUMBERS), channel="sms", rate_limits=limits)  # noqa: E731
    assert _refused(60207, again).status == 429
    _refused(60200, lambda: verify.verifications.create(to=next(NUMBERS), channel="sms", rate_limits='{"x":"y"}'))


def test_a_swapped_card_gets_no_code(client, supplier, operator):
    number = next(NUMBERS)
    operator.swapped.add(number)
    service = client.verify.v2.services.create(friendly_name="Example")
    verifications = client.verify.v2.services(service.sid).verifications
    _refused(60410, lambda: verifications.create(to=number, channel="sms"))
    assert operator.asked[-1] == {
        "phoneNumber": number, "maxAge": 240, "path": "/sim-swap/v1/check", "authorization": "Bearer operators-token",
    }  # fmt: skip
    found = client.lookups.v2.phone_numbers(number).fetch(fields="sim_swap,line_type_intelligence")
    assert found.sim_swap["last_sim_swap"]["swapped_in_period"] is True
    assert found.phone_number == number and found.calling_country_code == "1"


def test_look_ups(client):
    found = client.lookups.v2.phone_numbers("+4915112345678").fetch(fields="line_type_intelligence")
    assert (found.valid, found.country_code, found.line_type_intelligence["type"]) == (True, "DE", "mobile")
    bad = client.lookups.v2.phone_numbers("+12345").fetch()
    assert not bad.valid and bad.validation_errors
    national = client.lookups.v2.phone_numbers("01511 2345678").fetch(country_code="DE")
    assert national.phone_number == "+4915112345678"


def test_factors(client):
    service = client.verify.v2.services.create(friendly_name="Example", totp_issuer="Example Inc")
    entity = client.verify.v2.services(service.sid).entities("user-0001")
    factor = entity.new_factors.create(friendly_name="Phone", factor_type="totp")
    assert factor.status == "unverified" and "issuer=Example%20Inc" in factor.binding["uri"]
    token = Totp(6, 30, base64.b32decode(factor.binding["secret"]).hex())
    code = token.code()
    assert entity.factors(factor.sid).update(auth_payload="000000").status == "unverified"
    assert entity.factors(factor.sid).update(auth_payload=code).status == "verified"
    # The step is used up.
    assert entity.challenges.create(factor_sid=factor.sid, auth_payload=code).status == "pending"
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    push = entity.new_factors.create(
        friendly_name="Device", factor_type="push", binding_alg="ES256",
        binding_public_key=base64.b64encode(public).decode(), config_notification_platform="none",
    )  # fmt: skip
    signature = base64.b64encode(key.sign(push.sid.encode(), ec.ECDSA(hashes.SHA256()))).decode()
    assert entity.factors(push.sid).update(auth_payload=signature).status == "verified"
    challenge = entity.challenges.create(
        factor_sid=push.sid, details_message="Pay 5 EUR?", details_fields=[{"label": "To", "value": "Acme"}]
    )
    assert challenge.status == "pending"
    fields = {
        name: getattr(challenge, name)
        for name in ("sid", "account_sid", "service_sid", "entity_sid", "identity", "factor_sid", "details")
    } | {
        "hidden_details": None,
        "expiration_date": challenge.expiration_date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "date_created": challenge.date_created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    other = fields | {"details": fields["details"] | {"message": "Pay 500 EUR?"}}
    _refused(60315, lambda: entity.challenges(challenge.sid).update(auth_payload=_jwt(key, other)))
    _refused(60315, lambda: entity.challenges(challenge.sid).update(
        auth_payload=_jwt(ec.generate_private_key(ec.SECP256R1()), fields)))  # fmt: skip
    assert entity.challenges(challenge.sid).update(auth_payload=_jwt(key, fields)).status == "approved"
    _refused(60319, lambda: entity.challenges(challenge.sid).update(auth_payload=_jwt(key, fields)))
    assert [c.status for c in entity.challenges.list(factor_sid=push.sid)] == ["approved"]


def _jwt(key, fields):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()  # noqa: E731
    signed = f"{part({'alg': 'ES256', 'typ': 'JWT'})}.{part(fields | {'status': 'approved'})}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=").decode()
    return f"{signed}.{signature}"


def test_keys(client, account, supplier):
    key = client.new_keys.create(friendly_name="billing")
    by_key = _client(account, supplier, key.sid, key.secret)
    number = next(NUMBERS)
    assert by_key.messages.create(to=number, body="By a key").status == "queued"
    _refused(20403, lambda: by_key.new_keys.create())
    assert [known.sid for known in client.keys.list()] == [key.sid]
    assert client.keys(key.sid).fetch().friendly_name == "billing"
    _refused(20003, _asks(_client(account, supplier, key.sid, key.secret + "x")))
    assert client.keys(key.sid).delete()
    _refused(20003, _asks(by_key))
    assert client.api.v2010.accounts(account.sid).fetch().status == "active"
    assert client.balance.fetch().currency == "USD"


def test_two_tokens_while_one_is_exchanged(account, supplier, trust):
    second = Account(account.tenant)
    assert second.sid == account.sid and second.token != account.token
    _asks(_client(account, supplier, secret=second.token))()
    supplier.server.admin("--tenant", account.tenant.host, "integration", "delete", second.ikey)
    wait_for("it is worth nothing", lambda: _is_refused(_client(account, supplier, secret=second.token)))


def _is_refused(client):
    try:
        client.balance.fetch()
    except TwilioRestException as refused:
        return refused.status == 401
    return False


SCRIPT = """
const twilio = require("twilio");
const [base, account, token, number] = process.argv.slice(1);
const client = twilio(account, token);
client.api.baseUrl = client.verify.baseUrl = base;
(async () => {
  const sent = await client.messages.create({ to: number, body: "From JavaScript" });
  const service = await client.verify.v2.services.create({ friendlyName: "Example" });
  const other = "+12485550" + number.slice(-3);
  const begun = await client.verify.v2.services(service.sid).verifications.create({ to: other, channel: "sms" });
  let refused = 0;
  try { await client.messages("SM" + "0".repeat(32)).fetch(); } catch (error) { refused = error.code; }
  console.log(JSON.stringify({ sent: sent.status, service: service.sid, begun: begun.status, to: begun.to, refused }));
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_the_javascript_library(client, account, supplier):
    number = next(NUMBERS)
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": str(supplier.server.ca_file)}
    run = subprocess.run(
        ["node", "-e", SCRIPT, supplier.server.base, account.sid, account.token, number],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert (said["sent"], said["begun"], said["refused"]) == ("queued", "pending", 20404)
    check = client.verify.v2.services(said["service"]).verification_checks.create
    assert check(to=said["to"], code=_code(supplier, said["to"])).status == "approved"


PRIVACYIDEA = """
import logging, sys
from privacyidea.lib.smsprovider.HttpSMSProvider import HttpSMSProvider
from privacyidea.lib.smsprovider.SMSProvider import ISMSProvider
url, account, token, ca, number = sys.argv[1:]
provider = HttpSMSProvider()
provider.smsgateway = None
provider.config = {"URL": url, "PARAMETER": {"From": "+15005550006"}, "HTTP_Method": "POST", "SMS_PHONENUMBER_KEY": "To",
                   "SMS_TEXT_KEY": "Body", "USERNAME": account, "PASSWORD": token, "RETURN_SUCCESS": "queued", "CHECK_SSL": ca}
print(provider.submit_message(number, "Your one-time password is 755224"))
"""


def test_privacyidea(account, supplier):
    python = os.environ.get("COUNTERSIGN_PRIVACYIDEA")
    if python is None:
        pytest.skip("COUNTERSIGN_PRIVACYIDEA names no Python with privacyIDEA")
    number = next(NUMBERS)
    url = f"{supplier.server.base}/2010-04-01/Accounts/{account.sid}/Messages.json"
    run = subprocess.run(
        [python, "-c", PRIVACYIDEA, url, account.sid, account.token, str(supplier.server.ca_file), number],
        capture_output=True, text=True, timeout=120,
        env=os.environ | {"REQUESTS_CA_BUNDLE": str(supplier.server.ca_file)},
    )  # fmt: skip
    assert run.stdout.strip().endswith("True"), run.stdout + run.stderr
    assert _body(supplier, number) == "Your one-time password is 755224"


def test_playsms(account, supplier):
    """As Nextcloud's two-factor gateway asks it."""
    number = next(NUMBERS)
    context = ssl.create_default_context(cafile=str(supplier.server.ca_file))

    def ask(**changed):
        query = {"app": "ws", "u": account.sid, "h": account.token, "op": "pv", "to": number, "msg": "123456 is your code"}
        url = f"{supplier.server.base}/playsms?{urllib.parse.urlencode(query | changed)}"
        return urllib.request.urlopen(url, context=context, timeout=20)

    with ask() as answer:
        assert json.load(answer)["data"][0]["status"] == "OK"
    assert _body(supplier, number) == "123456 is your code"
    for changed in ({"h": "wrong"}, {"op": "inject"}, {"to": "5"}):
        with pytest.raises(urllib.error.HTTPError):
            ask(**changed)


def test_nothing_of_it_stands_in_the_log(supplier, account):
    log = supplier.server.log()
    assert not re.search(r"\+1\d{3}5550\d{3}", log) and account.token not in log
