"""What the help desk does for somebody who can't sign in, from the command line: each act is announced to them by mail."""

import re
from collections.abc import Iterator

import pytest
from fixtures.house import SQLITE, House
from fixtures.mailbox import Mailbox
from fixtures.tenant import Tenant

GRACE = "grace@example.com"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture
def tenant(house: House, box: Mailbox) -> Iterator[Tenant]:
    server = house.new_server(SQLITE, settings=box.settings).start()
    tenant = Tenant(server)
    server.admin("--tenant", tenant.host, "user", "create", "grace", "--email", GRACE)
    yield tenant
    server.stop()


@pytest.fixture
def admin(tenant):
    def admin(*arguments: str) -> str:
        return tenant.server.admin("--tenant", tenant.host, *arguments)

    return admin


def test_an_access_pass_is_shown_once_and_announced(admin, box):
    shown = admin("user", "pass", "grace", "--minutes", "20").strip()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", shown)
    # The command has ended: it waited for the mail that it caused.
    (mail,) = box.to(GRACE)
    text = mail.get_content()
    assert "made an access pass for your account, valid for 20 minutes" in " ".join(text.split())
    assert "/undo/csun_" in text and shown not in text
    assert shown not in mail["Subject"]
    with pytest.raises(Exception, match="10 to 60 minutes"):
        admin("user", "pass", "grace", "--minutes", "61")


def test_a_link_to_enrol_goes_to_the_persons_own_address(tenant, admin, box):
    assert admin("user", "enroll", "grace", "--mail") == ""
    device = tenant.new_device().activate(box.wait(GRACE, "/activate/"))
    assert device is not None
    added = box.wait(GRACE, "was added to your account")
    assert "/undo/csun_" in added
    admin("user", "create", "nomail")
    with pytest.raises(Exception, match="no mail address"):
        admin("user", "enroll", "nomail", "--mail")


def test_a_link_to_enrol_is_shown(tenant, admin, box):
    tenant.new_device().activate(admin("user", "enrollment-link", "grace", "--hours", "1"))
    assert "was added to your account" in box.wait(GRACE)


def test_passkeys_and_sessions_are_listed_and_ended(admin):
    assert admin("user", "passkeys", "grace") == ""
    assert admin("user", "sessions", "grace") == ""
    assert admin("user", "sessions", "grace", "--end").split() == ["0", "ended"]
    with pytest.raises(Exception, match="not a valid passkey id"):
        admin("passkey", "delete", "grace")
