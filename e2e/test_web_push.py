"""A push wakes the device, tells nothing to who carries it, and goes to push services only.

The service, the subscriber's keys, the decryption and the check of the sender are other people's or this test's own.
"""

import duo_client
import pytest
from fixtures.authenticator import Refused
from fixtures.house import SQLITE
from fixtures.push_service import PushService
from fixtures.tenant import Integration, Tenant
from fixtures.waiting import wait_for


@pytest.fixture(scope="module")
def waking(house):
    """A server that also takes push services on this machine."""
    return house.new_server(SQLITE, settings={"web_push.allow_http_loopback": "yes"}).start()


@pytest.fixture
def service():
    service = PushService()
    yield service
    service.close()


def organisation(server, username: str = "alice") -> tuple[Tenant, Integration]:
    tenant = Tenant(server)
    return tenant, tenant.integration("authapi", username)


def begin(integration: Integration) -> tuple[duo_client.Auth, str, str]:
    """Begins a push, and gives its id and the digits that the sign-in shows."""
    client = duo_client.Auth(
        integration.ikey, integration.skey, "localhost", ca_certs=str(integration.ca_file), port=integration.port
    )
    txid = client.auth("push", username=integration.username, device="auto", async_txn=True)["txid"]
    shown = client.auth_status(txid)["status_msg"]
    return client, txid, "".join(character for character in shown if character.isdigit())


def test_a_push_wakes_the_device_which_then_sees_the_request_and_approves(waking, service):
    tenant, integration = organisation(waking)
    device = tenant.device(tenant.user("alice"))
    subscriber = service.subscriber("alice")
    device.subscribe(subscriber.to_json())
    assert device.account()["push"] is True
    client, txid, code = begin(integration)
    headers, message = service.next(subscriber)
    assert message == {"look": txid}
    assert headers["urgency"] == "high" and headers["topic"] == "look" and 0 < int(headers["ttl"]) <= 60
    (waiting,) = device.requests()
    assert waiting["id"] == message["look"]
    assert device.answer(waiting, "approve", code)
    assert client.auth_status(txid)["success"] is True


def test_nothing_of_a_person_or_a_code_is_in_what_the_service_sees(waking, service):
    tenant, integration = organisation(waking, "carol-the-person")
    device = tenant.device(tenant.user("carol-the-person"))
    subscriber = service.subscriber("carol")
    device.subscribe(subscriber.to_json())
    _, txid, code = begin(integration)
    headers, _ = service.next(subscriber)
    (_, _, body), *_ = service.arrived
    seen = " ".join(headers.values()).encode() + body
    for secret in ("carol-the-person", code, txid, device.phone, device.user):
        assert secret.encode() not in seen


def test_the_key_is_the_organisations_own_and_stays(waking, service):
    tenant, integration = organisation(waking)
    other, _ = organisation(waking)
    device = tenant.device(tenant.user("alice"))
    key = device.push_key()
    assert key == device.push_key() != other.device(other.user("alice")).push_key()
    subscriber = service.subscriber("alice")
    device.subscribe(subscriber.to_json())
    begin(integration)
    headers, _ = service.next(subscriber)
    assert headers["authorization"].endswith(f"k={key}")


def test_a_subscription_that_ended_is_forgotten(waking, service):
    tenant, integration = organisation(waking)
    device = tenant.device(tenant.user("alice"))
    subscriber = service.subscriber("alice")
    device.subscribe(subscriber.to_json())
    service.answers.append(410)
    _, txid, _ = begin(integration)
    service.next(subscriber)
    # The request waits all the same: the device asks by itself.
    assert device.next_request(20)["id"] == txid
    wait_for("the subscription is forgotten", lambda: not device.account()["push"])


def test_a_busy_service_gets_the_push_again(waking, service):
    tenant, integration = organisation(waking)
    device = tenant.device(tenant.user("alice"))
    subscriber = service.subscriber("alice")
    device.subscribe(subscriber.to_json())
    service.answers.append(503)
    _, txid, _ = begin(integration)
    assert service.next(subscriber, 2)[1] == {"look": txid}
    assert device.account()["push"] is True


def test_the_owner_can_end_it(waking, service):
    tenant, integration = organisation(waking)
    user = tenant.user("alice")
    device = tenant.device(user)
    subscriber = service.subscriber("alice")
    device.subscribe(subscriber.to_json())
    device.subscribe(None)
    assert device.account()["push"] is False
    # Another device of the same person is still woken: when its push has come, the first one's would have.
    second, other = tenant.device(user, "another phone"), service.subscriber("second")
    second.subscribe(other.to_json())
    tenant.admin.delete_phone(device.phone)
    begin(integration)
    service.next(other)
    assert {path for path, _, _ in service.arrived} == {"/push/second"}


ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/",
    "http://localhost:9464/metrics",
    "https://127.0.0.2/",
    "http://10.0.0.1/",
    "https://attacker.example/push",
    "https://fcm.googleapis.com.attacker.example/x",
    "https://fcm.googleapis.com@attacker.example/x",
    "https://fcm.googleapis.com:8443/x",
    "http://fcm.googleapis.com/x",
    "https://[::1]/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/",
    "",
]


@pytest.mark.parametrize("endpoint", ELSEWHERE)
def test_no_other_host_is_taken(waking, service, endpoint):
    tenant, _ = organisation(waking)
    device = tenant.device(tenant.user("alice"))
    with pytest.raises(Refused) as refused:
        device.subscribe(service.subscriber("x").to_json() | {"endpoint": endpoint})
    assert refused.value.status == 400
    assert device.account()["push"] is False


def test_this_machine_is_no_push_service_unless_a_test_says_so(server, service):
    tenant, _ = organisation(server)
    device = tenant.device(tenant.user("alice"))
    with pytest.raises(Refused):
        device.subscribe(service.subscriber("x").to_json())


def test_one_organisations_device_says_nothing_for_anothers(waking, service):
    tenant, integration = organisation(waking)
    other, _ = organisation(waking)
    device = tenant.device(tenant.user("alice"))
    thief = other.device(other.user("mallory"))
    device.subscribe(service.subscriber("alice").to_json())
    for tenant_id, phone in ((device.tenant, thief.phone), (thief.tenant, device.phone), (device.tenant, device.phone)):
        posing = other.new_device()
        posing.key, posing.tenant, posing.phone = thief.key, tenant_id, phone
        with pytest.raises(Refused) as refused:
            posing.subscribe(service.subscriber("thief").to_json())
        assert refused.value.status == 401
    begin(integration)
    wait_for("the push", lambda: service.arrived)
    assert {path for path, _, _ in service.arrived} == {"/push/alice"}
