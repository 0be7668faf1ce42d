"""Mail goes to a real SMTP server, `aiosmtpd`."""

import re
from collections.abc import Iterator

import pytest
from fixtures.house import SQLITE, House
from fixtures.mailbox import Mailbox
from fixtures.person import Chooses
from fixtures.program import Account
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.server import Server
from fixtures.tenant import Tenant
from fixtures.waiting import free_port, wait_for
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

APPLICATION = Application("application", Python(python_of_tests()), later=True, verified=True)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture
def mailing(house: House, box: Mailbox) -> Iterator[Server]:
    server = house.new_server(SQLITE, settings=box.settings).start()
    yield server
    server.stop()


def test_fraud_is_reported_by_mail(mailing, box):
    tenant = Tenant(mailing)
    tenant.admin.update_settings(fraud_email="soc@example.com", fraud_email_enabled=True)
    device = tenant.device(tenant.user("grace"))
    assert not APPLICATION.login(tenant.integration("authapi", "grace"), Chooses(device, "fraud")).allowed
    wait_for("a mail", lambda: box.mails)
    ((recipients, message),) = box.mails
    assert recipients == ["soc@example.com"]
    assert message["From"] == "Countersign <mfa@example.com>"
    assert "fraud" in message["Subject"]
    assert "grace" in message.get_content()


def test_a_person_is_asked_to_enrol_by_mail(mailing, box):
    tenant = Tenant(mailing)
    tenant.admin.enroll_user("grace", "grace@example.com", 600)
    wait_for("a mail", lambda: box.mails)
    ((recipients, message),) = box.mails
    assert recipients == ["grace@example.com"]
    device = tenant.new_device().activate(message.get_content())
    assert APPLICATION.login(tenant.integration("authapi", "grace"), Chooses(device, "approve")).allowed


def test_a_mailbox_is_verified_by_a_program_that_speaks_twilios_api(mailing, box, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(mailing.ca_file))
    account = Account(Tenant(mailing))
    client = Client(account.sid, account.token)
    client.verify.base_url = mailing.base
    service = client.verify.v2.services.create(friendly_name="Example", code_length=6)
    verify = client.verify.v2.services(service.sid)
    address = "grace@example.com"
    begun = verify.verifications.create(to=address, channel="email", locale="fr")
    assert (begun.status, begun.channel, begun.to) == ("pending", "email", address)
    text = box.wait(address)
    (code,) = re.findall(r"\b\d{6}\b", text)
    ((recipients, message),) = box.mails
    assert recipients == [address] and code not in message["Subject"], "others may see a subject"
    wrong = "000000" if code != "000000" else "111111"
    assert verify.verification_checks.create(to=address, code=wrong).status == "pending"
    assert verify.verification_checks.create(to=address, code=code).status == "approved"
    with pytest.raises(TwilioRestException) as spent:
        verify.verification_checks.create(to=address, code=code)
    assert spent.value.code == 20404
    (attempt,) = client.verify.v2.verification_attempts.list(verify_service_sid=service.sid)
    assert (attempt.channel, attempt.conversion_status) == ("email", "converted")
    with pytest.raises(TwilioRestException) as refused:
        verify.verifications.create(to="no mailbox", channel="email")
    assert refused.value.code == 60200
    log = mailing.log()
    assert address not in log and code not in log


def test_a_mail_server_that_is_away_changes_no_answer(house):
    server = house.new_server(SQLITE, settings={
        "smtp.host": "127.0.0.1", "smtp.port": str(free_port()), "smtp.security": "none",
        "smtp.from": "mfa@example.com",
    }).start()  # fmt: skip
    try:
        tenant = Tenant(server)
        tenant.admin.update_settings(fraud_email="soc@example.com", fraud_email_enabled=True)
        device = tenant.device(tenant.user("grace"))
        result = APPLICATION.login(tenant.integration("authapi", "grace"), Chooses(device, "fraud"))
        assert not result.allowed and "fraud" in result.text, result
    finally:
        server.stop()
