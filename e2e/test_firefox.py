"""The pages in Firefox, too: by a passcode, by a push, a person's own pages, each without a word on its console."""

import pytest
from fixtures.browser_firefox import Firefox
from fixtures.browser_house import Lobby
from fixtures.browser_people import enrolment_link, settings
from fixtures.browser_words import catalogue
from fixtures.tenant import Tenant

WORDS = catalogue("en")
ENTER = "\ue007"
LANDED = "document.getElementById('back') !== null"
DIGITS = "document.querySelector('.digits')?.innerText.replace(/\\D/g, '')"


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    return lobby.tenant()


@pytest.fixture
def firefox(lobby: Lobby, tenant: Tenant):
    firefox = lobby.firefox
    firefox.forget()
    firefox.hosts.add(tenant.host)
    yield firefox
    firefox.check()


def _heading(firefox: Firefox, key: str) -> None:
    firefox.find("heading", WORDS[key])


def test_a_passcode(lobby: Lobby, tenant: Tenant, firefox: Firefox) -> None:
    token = tenant.hotp(tenant.user("alice"))
    raw = lobby.client(tenant)
    firefox.go(raw.authorize("alice"))
    _heading(firefox, "passcode-title")
    firefox.click("textbox", WORDS["passcode-label"])
    firefox.type(token.press() + ENTER)
    firefox.wait("the application", LANDED)
    code = firefox.evaluate("new URLSearchParams(location.search).get('duo_code')")
    assert raw.read(raw.token(code))["auth_context"]["access_device"]["browser"] == "Firefox"


def test_a_push_of_which_the_page_hears_by_itself(lobby: Lobby, tenant: Tenant, firefox: Firefox) -> None:
    settings(tenant, push_in_new_browsers=True)
    device = tenant.device(tenant.user("alice"))
    firefox.go(lobby.client(tenant).authorize("alice"))
    firefox.click("button", WORDS["push-send"])
    digits = firefox.wait("the digits", DIGITS)
    assert device.answer(device.next_request(20), "approve", digits)
    firefox.wait("the application", LANDED)


def test_a_push_that_is_denied(lobby: Lobby, tenant: Tenant, firefox: Firefox) -> None:
    settings(tenant, push_in_new_browsers=True)
    device = tenant.device(tenant.user("alice"))
    firefox.go(lobby.client(tenant).authorize("alice"))
    firefox.click("button", WORDS["push-send"])
    firefox.wait("the digits", DIGITS)
    device.answer(device.next_request(20), "deny")
    firefox.wait("what became of it", "!document.querySelector('[data-refused]').hidden")
    assert WORDS["said-denied"] in firefox.text()


def test_a_link_that_enrols_a_device_and_the_persons_own_pages(tenant: Tenant, firefox: Firefox) -> None:
    tenant.user("bob")
    link = enrolment_link(tenant, "bob")
    firefox.go(link)
    _heading(firefox, "activate-title")
    tenant.new_device().activate(link)
    _heading(firefox, "add-title")


def test_a_persons_own_pages(tenant: Tenant, firefox: Firefox) -> None:
    token = tenant.hotp(tenant.user("alice"))
    firefox.go(f"{tenant.origin}/account")
    _heading(firefox, "name-title")
    firefox.click("textbox", WORDS["name-label"])
    firefox.type("alice" + ENTER)
    firefox.wait("the ways", "document.querySelector('.who bdi') !== null")
    firefox.go(firefox.url() + "/passcode")
    firefox.click("textbox", WORDS["passcode-label"])
    firefox.type(token.press() + ENTER)
    _heading(firefox, "account-title")
    for path, key in (
        ("/account/sessions", "sessions-title"),
        ("/account/recovery-codes", "codes-title"),
        ("/account/add", "add-title"),
        ("/account/report", "report-title"),
        ("/authenticator/", None),
    ):
        firefox.go(tenant.origin + path)
        if key:
            _heading(firefox, key)
    firefox.go(f"{tenant.origin}/account")
    firefox.click("button", WORDS["sign-out"])
    firefox.wait("to be out", "!location.pathname.endsWith('/account')")
