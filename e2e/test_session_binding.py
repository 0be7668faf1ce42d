"""A session serves the browser in which it was opened: whoever copies the cookies, opens nothing with them."""

import base64
import datetime
import hashlib
import json
import re
import urllib.parse
import zlib

import pytest
from fixtures.browser import Chromium, Visitor
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import ask
from fixtures.browser_people import has_passkey, settings
from fixtures.browser_prompt import Prompt, Screen
from fixtures.sso import Organisation
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from playwright.sync_api import expect

SESSION = "__Host-countersign-session"
DEVICE = "__Host-countersign-device"


def jar(visitor: Visitor) -> str:
    """All cookies, as a copy of the browser's own file has them."""
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in visitor.context.cookies())


def saml_request(address: str, issuer: str) -> str:
    """A path that carries an application's request to sign in, as SAML has it."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = (
        f'<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="_copied" '
        f'Version="2.0" IssueInstant="{now}" Destination="{address}"><a:Issuer>{issuer}</a:Issuer></p:AuthnRequest>'
    )
    packed = zlib.compress(text.encode(), wbits=-15)
    return "/saml/sso?" + urllib.parse.urlencode({"SAMLRequest": base64.b64encode(packed).decode()})


@pytest.fixture
def org(lobby: Lobby) -> Organisation:
    return Organisation(lobby)


def signed_in(org: Organisation) -> Screen:
    org.page.goto(f"{org.tenant.origin}/account", wait_until="commit")
    screen = Screen(org.page)
    screen.shows("account-title")
    return screen


def test_a_copied_cookie_jar_opens_nothing(org: Organisation) -> None:
    app = org.app("oidc", "Notes", "http://localhost:1", "--set", "oidc.level=single", redirect="http://localhost:1/cb")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    authorize = "/oidc/authorize?" + urllib.parse.urlencode(
        {
            "response_type": "code", "client_id": app.key, "redirect_uri": "http://localhost:1/cb", "scope": "openid",
            "code_challenge": challenge, "code_challenge_method": "S256", "state": "s", "nonce": "n",
        }
    )  # fmt: skip
    provider = "http://localhost:1/metadata"
    org.app("saml", "Wiki", "http://localhost:1", "--level", "single", entity=provider, acs="http://localhost:1/acs")
    assertion = saml_request(f"{org.tenant.origin}/saml/sso", provider)
    screen = signed_in(org)
    pages = [
        "/account", "/account/sessions", "/account/recovery-codes", "/account/add/passkey", "/apps", authorize, assertion,
    ]  # fmt: skip
    for at in pages:
        cookies = org.visitor.context.cookies()
        copied = jar(org.visitor)
        assert SESSION in copied
        # To a program …
        answer = ask(org.tenant, "GET", at, Cookie=copied)
        to = answer.headers["Location"]
        assert answer.status in (302, 303) and "/session/prove?return_to=" in to, (at, answer.status, to)
        page = ask(org.tenant, "GET", to, Cookie=copied)
        assert page.status == 200 and org.username not in page.body.decode()
        sent = re.search(r'data-mark="([^"]+)"', page.body.decode())
        token = re.search(r'data-token="([^"]+)"', page.body.decode())
        made_up = json.dumps({"mark": sent[1], "signature": "A" * 86, "return_to": at}).encode()
        refused = ask(
            org.tenant, "POST", "/session/prove", made_up, Cookie=copied, Origin=org.tenant.origin,
            Content_Type="application/json", Accept="application/json", X_Form_Token=token[1],
        )  # fmt: skip
        assert refused.status in (400, 403), refused.body
        # … and to another browser.
        if at not in ("/account", authorize, assertion):
            continue
        thief = org.lobby.visitor(org.tenant)
        thief.context.add_cookies(cookies)
        stolen = thief.page()
        stolen.goto(f"{org.tenant.origin}{at}")
        Screen(stolen).says("moment-failed")
        thief.close()
    # The owner's own goes on, all the while.
    org.page.goto(f"{org.tenant.origin}/account/sessions", wait_until="commit")
    screen.shows("sessions-title")
    expect(org.page.get_by_text(screen.text("sessions-bound")).first).to_be_visible()
    # What opened this page opens nothing again.
    used = [request.url for request in org.visitor.requests if "/account/sessions?proof=" in request.url]
    assert used
    again = ask(org.tenant, "GET", used[-1].removeprefix(org.tenant.origin), Cookie=jar(org.visitor))
    assert "/session/prove?" in again.headers["Location"]


def test_another_browser_may_sign_in_again_and_the_first_goes_on(org: Organisation) -> None:
    screen = signed_in(org)
    thief = org.lobby.visitor(org.tenant)
    thief.context.add_cookies(org.visitor.context.cookies())
    page = thief.page()
    page.goto(f"{org.tenant.origin}/account")
    other = Screen(page)
    other.says("moment-failed")
    other.button("moment-again").click()
    other.shows("name-title")
    assert SESSION not in jar(thief)
    org.page.goto(f"{org.tenant.origin}/account", wait_until="commit")
    screen.shows("account-title")


def test_each_proof_gives_the_session_another_secret(org: Organisation) -> None:
    """Who has planted or seen a cookie before a sign-in has nothing after it."""
    screen = signed_in(org)
    before = jar(org.visitor)
    org.page.goto(f"{org.tenant.origin}/account/sign-in", wait_until="commit")
    screen.shows("account-title")
    after = jar(org.visitor)
    (old, new) = (re.search(rf"{SESSION}=([^;]+)", cookies)[1] for cookies in (before, after))
    assert old != new and old.split(".")[0] == new.split(".")[0], "the same session, another secret"
    assert ask(org.tenant, "GET", "/account", Cookie=f"{SESSION}={old}").headers["Location"] == "/account/sign-in"


def test_a_browser_with_device_bound_sessions_keeps_its_cookie_fresh_by_itself(lobby: Lobby) -> None:
    """Chromium's own Device Bound Session Credentials, with a key in software as it has for tests: registration and renewal."""
    tenant = lobby.tenant()
    tenant.user("alice", email=f"alice@{tenant.host}")
    features = "--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"
    chromium = Chromium(lobby.house.place(), tenant.server.ca_file, features)
    try:
        visitor = Visitor(chromium, {tenant.host})
        page = visitor.page()
        has_passkey(page, tenant, "alice")
        page.goto(f"{tenant.origin}/account", wait_until="commit")
        screen = Screen(page)
        screen.shows("account-title")

        def device() -> str | None:
            page.wait_for_timeout(50)
            found = [cookie["value"] for cookie in visitor.context.cookies() if cookie["name"] == DEVICE]
            return found[0] if found else None

        first = wait_for("the device is registered", device)
        # Its cookie is over: the browser renews it before it asks for anything.
        visitor.context.clear_cookies(name=DEVICE)
        copied = jar(visitor)
        page.goto(f"{tenant.origin}/account/sessions", wait_until="commit")
        screen.shows("sessions-title")
        assert wait_for("the device's cookie", device) != first
        # Whoever has the jar from between has nothing that renews it, and is sent to sign in.
        assert ask(tenant, "GET", "/account", Cookie=copied).headers["Location"] == "/account/sign-in"
        whole = jar(visitor)
        assert DEVICE in whole
        assert "/session/prove?" in ask(tenant, "GET", "/account", Cookie=whole).headers["Location"]
        visitor.close()
        visitor.check()
    finally:
        chromium.close()


@pytest.mark.parametrize("binding", ["preferred", "required"])
def test_without_script_the_organisation_says_whether_that_is_enough(lobby: Lobby, binding: str) -> None:
    tenant: Tenant = lobby.tenant()
    settings(tenant, session_binding=binding)
    token = tenant.totp(tenant.user("bob"))
    visitor = lobby.visitor(tenant, java_script_enabled=False)
    page = visitor.go(f"{tenant.origin}/account/sign-in")
    prompt = Prompt(page)
    prompt.name("bob")
    prompt.passcode(token.code())
    screen = Screen(page)
    screen.shows("moment-title")
    visitor.allows("status of 403")
    screen.link("continue").click()
    screen.shows("account-title" if binding == "preferred" else "unbound-title")


def test_a_browser_that_keeps_nothing_is_bound_to_nothing(lobby: Lobby) -> None:
    tenant: Tenant = lobby.tenant()
    settings(tenant, session_binding="required")
    token = tenant.totp(tenant.user("bob"))
    visitor = lobby.visitor(tenant)
    visitor.context.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined });")
    visitor.allows("status of 403")
    page = visitor.go(f"{tenant.origin}/account/sign-in")
    prompt = Prompt(page)
    prompt.name("bob")
    prompt.passcode(token.code())
    Screen(page).shows("unbound-title")
