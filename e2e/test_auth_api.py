"""The Auth API beside the cases: enrolment, remembered devices, what the device shows, signatures that are old or sent twice."""

import email.utils
import hashlib
import time

import duo_client.client
import pytest
from duo_client.client import sign
from fixtures.person import Chooses, Person, Types
from fixtures.sdk import Application, Node, Python, python_of_debian, python_of_tests

LIBRARIES = {
    "duo_client 5.7": Python(python_of_tests()),
    "duo_client 4.5": Python(python_of_debian()),
    "duo_api signing 2": Node(2),
    "duo_api signing 5": Node(5),
}


@pytest.fixture(params=LIBRARIES, ids=list(LIBRARIES))
def library(request, tenant):
    """Each library in turn, with an integration of its own."""
    library = LIBRARIES[request.param].open(tenant.integration("authapi", "grace"))
    yield library
    library.close()


@pytest.fixture
def client(tenant):
    """`duo_client.Auth` in this process."""
    return _client(tenant.integration("authapi", "grace"))


def _client(integration):
    return duo_client.Auth(
        integration.ikey, integration.skey, "localhost", ca_certs=str(integration.ca_file), port=integration.port
    )


def test_ping_and_check(library):
    for method in ("ping", "check"):
        assert abs(library.call(method)["time"] - time.time()) < 60


def test_enrolment(library, tenant):
    made = library.call("enroll", username="grace", valid_secs=600)
    assert made["username"] == "grace"
    assert made["activation_code"].startswith("duo://") and made["activation_barcode"].startswith("https://")
    asked = {"user_id": made["user_id"], "activation_code": made["activation_code"]}
    assert library.call("enroll_status", **asked) == "waiting"
    device = tenant.new_device().activate(made["activation_url"])
    assert device.user == made["user_id"]
    assert library.call("enroll_status", **asked) == "success"
    assert library.call("enroll_status", **(asked | {"activation_code": "duo://AAAAAAAAAAAAAAAAAAAA-bG8"})) == "invalid"
    (listed,) = library.call("preauth", username="grace")["devices"]
    assert listed["device"] == device.phone and "push" in listed["capabilities"]


def test_a_name_is_enrolled_once(client):
    client.enroll(username="grace")
    with pytest.raises(RuntimeError, match="Received 400 .*username already exists"):
        client.enroll(username="grace", valid_secs=700)


def test_a_logo_that_nobody_gave(client):
    with pytest.raises(RuntimeError, match="Received 404"):
        client.logo()


def test_by_user_id(client, tenant):
    user = tenant.user("grace")
    token = tenant.hotp(user)
    assert client.preauth(user_id=user)["result"] == "auth"
    assert client.auth(factor="passcode", user_id=user, passcode=token.press())["result"] == "allow"
    with pytest.raises(RuntimeError, match="Received 400"):
        client.preauth(user_id=user, username="grace")
    with pytest.raises(RuntimeError, match="Received 400"):
        client.preauth()


def test_what_the_device_shows(client, tenant):
    device = tenant.device(tenant.user("grace"))
    begun = client.auth(
        factor="push", username="grace", ipaddr="203.0.113.9", device="auto", async_txn=True, type="Transfer",
        display_username="Grace H.", pushinfo="amount=100%20EUR&to=Bob%26Co",
    )  # fmt: skip
    (request,) = device.requests(wait=5)
    assert request["ip"] == "203.0.113.9" and request["application"] == "authapi for grace"
    assert request["details"] == [["Type", "Transfer"], ["User", "Grace H."], ["amount", "100 EUR"], ["to", "Bob&Co"]]
    assert device.answer(request, "deny")
    assert client.auth_status(begun["txid"])["status"] == "deny"


def test_one_push_at_a_time(client, tenant):
    device = tenant.device(tenant.user("grace"))
    first = client.auth(factor="push", username="grace", device="auto", async_txn=True)
    second = client.auth(factor="push", username="grace", device="auto", async_txn=True, type="again")
    assert client.auth_status(second["txid"])["success"] is False
    (request,) = device.requests(wait=5)
    assert device.answer(request, "deny")
    assert client.auth_status(first["txid"])["success"] is False


def test_an_answer_counts_once(client, tenant):
    device = tenant.device(tenant.user("grace"))
    begun = client.auth(factor="push", username="grace", device="auto", async_txn=True)
    (request,) = device.requests(wait=5)
    assert device.answer(request, "deny") is True
    assert device.answer(request, "deny") is False
    assert device.answer(request, "approve", "123456") is False
    assert client.auth_status(begun["txid"])["success"] is False


def test_a_txid_of_nobody_and_of_another_application_is_denied(client, tenant):
    token = tenant.hotp(tenant.user("grace"))
    mine = client.auth(factor="passcode", username="grace", passcode=token.press(), async_txn=True)["txid"]
    other = _client(tenant.integration("authapi", "other"))
    for asked, txid in ((other, mine), (client, "0196c3a1-0000-7000-8000-000000000000"), (client, "nonsense")):
        status = asked.auth_status(txid)
        assert (status["waiting"], status["success"]) == (False, False), txid
    assert client.auth_status(mine)["success"] is True


def test_a_remembered_device(tenant):
    token = tenant.hotp(tenant.user("grace"))
    sections = {"remembered_devices": {"browser_apps": {"enabled": True, "user_based": {"max_time_units": "days", "max_time_value": 1}}}}  # fmt: skip
    policy = tenant.admin.create_policy_v2({"policy_name": "remember", "sections": sections})["policy_key"]
    client = _client(tenant.integration("authapi", "grace", policy_key=policy))
    passed = client.auth(factor="passcode", username="grace", passcode=token.press())
    kept = passed["trusted_device_token"]
    assert client.preauth(username="grace", trusted_device_token=kept)["result"] == "allow"
    # Another's, at another application, and a mistyped one are worth nothing.
    tenant.totp(tenant.user("other"))
    assert client.preauth(username="other", trusted_device_token=kept)["result"] == "auth"
    assert client.preauth(username="grace", trusted_device_token=kept[:-1] + "x")["result"] == "auth"
    elsewhere = _client(tenant.integration("authapi", "grace", policy_key=policy))
    assert elsewhere.preauth(username="grace", trusted_device_token=kept)["result"] == "auth"


@pytest.mark.parametrize(("policy", "result"), [
    ({"new_user": {"new_user_behavior": "deny"}}, "deny"),
    ({"new_user": {"new_user_behavior": "no-mfa"}}, "allow"),
    ({"new_user": {"new_user_behavior": "enroll"}}, "enroll"),
    ({"authentication_policy": {"user_auth_behavior": "bypass"}}, "allow"),
    ({"authentication_policy": {"user_auth_behavior": "deny"}}, "deny"),
])  # fmt: skip
def test_a_policy_decides_about_a_stranger(tenant, policy, result):
    key = tenant.admin.create_policy_v2({"policy_name": "strangers", "sections": policy})["policy_key"]
    client = _client(tenant.integration("authapi", "grace", policy_key=key))
    assert client.preauth(username="stranger")["result"] == result


def test_a_factor_that_policy_forbids(tenant):
    token = tenant.hotp(tenant.user("grace"))
    forbidding = {"authentication_methods": {"blocked_auth_list": ["hardware-token"]}}
    key = tenant.admin.create_policy_v2({"policy_name": "no tokens", "sections": forbidding})["policy_key"]
    client = _client(tenant.integration("authapi", "grace", policy_key=key))
    code = token.press()
    assert client.auth(factor="passcode", username="grace", passcode=code)["result"] == "deny"
    free = _client(tenant.integration("authapi", "grace"))
    assert free.auth(factor="passcode", username="grace", passcode=code)["result"] == "allow"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_date_outside_the_window(client, monkeypatch, minutes):
    monkeypatch.setattr(email.utils, "formatdate", lambda: _date(60 * minutes))
    with pytest.raises(RuntimeError, match="Received 401 Bad request timestamp"):
        client.check()


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_date_inside_the_window(client, monkeypatch, minutes):
    monkeypatch.setattr(email.utils, "formatdate", lambda: _date(60 * minutes))
    assert client.check()


def _date(seconds, formatdate=email.utils.formatdate):
    return formatdate(time.time() + seconds)


def test_a_signed_request_that_is_sent_twice_counts_once(client, tenant, monkeypatch):
    """Somebody who has read a request can't send it again, not even while its passcode would still do."""
    user = tenant.user("grace")
    tenant.totp(user)
    (code,) = tenant.admin.add_user_bypass_codes(user, count=1, remaining_uses=5)
    now = _date(0)
    monkeypatch.setattr(email.utils, "formatdate", lambda: now)
    asked = {"factor": "passcode", "username": "grace", "passcode": code}
    assert client.auth(**asked)["result"] == "allow"
    with pytest.raises(RuntimeError, match="Received 403 .*already received"):
        client.auth(**asked)


def test_a_changed_request_is_refused(client, monkeypatch):
    """The signature is over what is asked: another path, method, body or host with it is a wrong signature."""
    taken = []

    def first(*arguments, **named):
        taken.append(sign(*arguments, **named))
        return taken[0]

    monkeypatch.setattr(duo_client.client, "sign", first)
    assert client.check()
    with pytest.raises(RuntimeError, match="Received 401 Invalid signature"):
        client.preauth(username="grace")


@pytest.mark.parametrize("kind", ["adminapi", "accountsapi"])
def test_a_key_that_administers_signs_nobody_in(tenant, kind):
    made = tenant.admin.json_api_call("POST", "/admin/v3/integrations", {"name": kind, "type": kind})
    integration = tenant.integration("authapi", "grace")
    integration.ikey, integration.skey = made["integration_key"], made["secret_key"]
    with pytest.raises(RuntimeError, match="Received 403 .*Wrong integration type"):
        _client(integration).preauth(username="grace")


def test_a_request_without_a_date_is_for_integrations_that_allow_it(tenant):
    """Signature version 1 carries no date, so it can be replayed: on for `unix`, off for all others."""
    tenant.user("grace", status="bypass")
    for kind, allowed in (("unix", True), ("authapi", False)):
        client = _client(tenant.integration(kind, "grace"))
        client.sig_version, client.digestmod = 1, hashlib.sha1
        if allowed:
            assert client.preauth(username="grace")["result"] == "allow"
        else:
            with pytest.raises(RuntimeError, match="Received 401"):
                client.preauth(username="grace")


def test_a_code_shown_at_preauth_is_the_one_that_approves(tenant):
    """With verified push, the code comes with preauth, and its `txid` names the attempt."""
    device = tenant.device(tenant.user("grace"))
    application = Application("application", LIBRARIES["duo_client 5.7"], later=False, verified=True)
    assert application.login(tenant.integration("authapi", "grace"), Chooses(device, "approve")).allowed
    # And where nothing is shown, in one call, there is no push at all rather than one that a tap would approve.
    blind = Application("blind", LIBRARIES["duo_client 4.5"], later=False, verified=False)
    result = blind.login(tenant.integration("authapi", "grace"), Asks())
    assert not result.allowed and "can't show the code" in result.text, result
    assert device.requests() == []


class Asks(Person):
    """Asks for a push, and has no device at hand."""

    def asked(self, text):
        return "1"


def test_codes_of_a_person_are_not_codes_of_another_application(tenant):
    """A passcode is for the user, wherever they sign in: what one application has spent, no other takes."""
    token = tenant.hotp(tenant.user("grace"))
    application = Application("application", LIBRARIES["duo_client 5.7"], later=False, verified=False)
    code = token.press()
    assert application.login(tenant.integration("authapi", "grace"), Types(code)).allowed
    again = application.login(tenant.integration("authapi", "grace"), Types(code))
    assert not again.allowed and "already been used" in again.text, again
