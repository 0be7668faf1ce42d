"""Single sign-on by SAML 2.0 at service providers that others wrote, each through a browser with a passkey."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.browser import Visitor
from fixtures.browser_house import Lobby
from fixtures.browser_people import has_passkey
from fixtures.browser_prompt import Prompt
from fixtures.saml import SAMLP, Judge, Mellon, ServiceProvider, app, responses, told
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from playwright.sync_api import Page, expect

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

# Library, what is signed, whether it is encrypted, by which way it asks: every cell of the matrix, and each library.
CELLS = [
    ("python3-saml", "response", False, "redirect"),
    ("python3-saml", "both", True, "redirect"),
    ("pysaml2", "both", False, "post"),
    ("pysaml2", "assertion", True, "redirect"),
    ("node-saml", "assertion", False, "redirect"),
    ("node-saml", "both", True, "post"),
]


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    tenant = lobby.tenant()
    tenant.user("alice", email="alice@example.org", realname="Alice Example")
    return tenant


@pytest.fixture
def visitor(lobby: Lobby, tenant: Tenant) -> Visitor:
    return lobby.visitor(tenant)


@pytest.fixture
def page(tenant: Tenant, visitor: Visitor) -> Page:
    """A tab of a browser in which alice has a passkey, and is signed in nowhere."""
    page = visitor.page()
    has_passkey(page, tenant, "alice")
    return page


# After a person was revoked, applications must refuse within so many seconds.
SOON = 5.0


def signing(signed: str, encrypted: bool = False) -> dict[str, object]:
    return {"sign_response": signed != "assertion", "sign_assertion": signed != "response", "encrypt": encrypted}


@contextlib.contextmanager
def running(*providers: ServiceProvider | Mellon) -> Iterator[None]:
    try:
        yield
    finally:
        for provider in providers:
            provider.close()


@pytest.mark.parametrize(("kind", "signed", "encrypted", "binding"), CELLS)
def test_each_library_signs_in_and_out(
    tenant: Tenant,
    visitor: Visitor,
    page: Page,
    place: Path,
    kind: str,
    signed: str,
    encrypted: bool,
    binding: str,
) -> None:
    judge = Judge(tenant, place)
    given = {"signed": signed, "binding": binding} | ({"encrypted": True} if encrypted else {})
    provider = ServiceProvider(kind, tenant, place, signing(signed, encrypted), **given)
    with running(provider):
        provider.login(page)
        who = provider.signed_in(page)
        assert who["format"] == PERSISTENT and "alice" not in who["name"] and len(who["name"]) >= 20
        assert "alice@example.org" in str(who["attributes"])
        (message,) = responses(visitor.requests, provider.acs)
        judge.response(message, signed, encrypted)
        assert b"alice@example.org" in message.xml or encrypted
        # Another tab, the same session: no page is shown, and the name is the same.
        again = visitor.page()
        provider.login(again)
        assert provider.signed_in(again)["name"] == who["name"]
        provider.logout(page)
        expect(page.locator("#nobody")).to_be_visible()
        heard = told(visitor.requests, provider.origin)
        assert heard, "the application heard that it is done"
        for message in heard:
            judge.logout(message)
        # The session here is over, too. In a tab of its own: the passkey may be taken there at once, which would lead on from here.
        own = visitor.page()
        own.goto(f"{tenant.origin}/account", wait_until="commit")
        own.wait_for_url(re.compile("/sign-in/"))
        own.close()
        provider.login(page)
        provider.signed_in(page)


def test_apache_guards_a_directory_and_everybody_is_signed_out(
    tenant: Tenant, visitor: Visitor, page: Page, place: Path
) -> None:
    """Started there and started here; a logout at one is one at the others, told one after the other."""
    judge = Judge(tenant, place)
    mellon = Mellon(tenant, place, {"allow_idp_initiated": True, "default_relay_state": "/secret/"})
    python = ServiceProvider("python3-saml", tenant, place, signing("assertion"))
    with running(mellon, python):
        mellon.login(page)
        assert mellon.signed_in(page)["email"] == "alice@example.org"
        (message,) = responses(visitor.requests, mellon.acs)
        judge.response(message, "assertion")
        python.login(page)
        python.signed_in(page)
        mellon.logout(page)
        page.wait_for_url(f"{mellon.origin}/")
        mellon.signed_out(page)
        python.signed_out(page)
        for provider in (mellon, python):
            heard = told(visitor.requests, provider.origin)
            assert heard
            for message in heard:
                judge.logout(message)
        # Started here: the link stands on the launcher's page.
        page.goto(f"{tenant.origin}/saml/start/{mellon.ikey}", wait_until="commit")
        assert mellon.signed_in(page)["email"] == "alice@example.org"
        unsolicited = responses(visitor.requests, mellon.acs)[-1]
        judge.response(unsolicited, "assertion")
        assert b"InResponseTo" not in unsolicited.xml


def test_whoever_is_revoked_is_refused_everywhere_within_seconds(tenant: Tenant, page: Page, place: Path) -> None:
    """No browser is there: the server itself tells each application, by SOAP, or as a browser would where the application says so."""
    mellon = Mellon(tenant, place)
    pysaml2 = ServiceProvider("pysaml2", tenant, place, signing("both"), signed="both")
    python = ServiceProvider("python3-saml", tenant, place, signing("assertion") | {"direct_logout": True})
    node = ServiceProvider("node-saml", tenant, place, signing("assertion"))
    providers = (mellon, pysaml2, python, node)
    with running(*providers):
        assert "by SOAP at" in app(tenant, "show", pysaml2.ikey) and "by the browser alone" in app(tenant, "show", node.ikey)
        app(tenant, "change", node.ikey, "--direct-logout")
        for provider in providers:
            provider.login(page)
            provider.signed_in(page)
        assert not any(provider.refuses(page) for provider in providers)
        tenant.server.admin("--tenant", tenant.host, "user", "revoke", "alice")
        wait_for("all refuse", lambda: all(provider.refuses(page) for provider in providers), SOON)


def test_a_servers_own_sign_out_reaches_the_others(tenant: Tenant, visitor: Visitor, page: Page, place: Path) -> None:
    """pysaml2 says to our server that its person signs out, and Apache hears it from our server: no browser carries a word of it."""
    mellon = Mellon(tenant, place)
    pysaml2 = ServiceProvider("pysaml2", tenant, place, signing("both"), signed="both")
    with running(mellon, pysaml2):
        for provider in (mellon, pysaml2):
            provider.login(page)
            provider.signed_in(page)
        pysaml2.logout(page, "?soap")
        expect(page.locator("#nobody")).to_be_visible()
        wait_for("Apache refuses", lambda: mellon.refuses(page), SOON)
        assert not told(visitor.requests, mellon.origin) and not told(visitor.requests, pysaml2.origin)
        # The session here is over, too.
        page.goto(f"{tenant.origin}/account", wait_until="commit")
        page.wait_for_url(re.compile("/sign-in/|/account/sign-in"))


def test_pages_and_statuses_reach_the_library(tenant: Tenant, visitor: Visitor, page: Page, place: Path) -> None:
    """`IsPassive`, `ForceAuthn`, a class that nobody reaches, and a person who may not."""
    judge = Judge(tenant, place)
    provider = ServiceProvider("python3-saml", tenant, place, signing("both"), signed="both", context="phr")
    with running(provider):
        provider.login(page, "?passive")
        assert "NoPassive" in provider.error(page)
        (message,) = responses(visitor.requests, provider.acs)
        judge.fits(message.xml, "protocol")
        judge.verify(message.xml, f"{SAMLP}:Response")
        provider.login(page)
        assert provider.signed_in(page)["contexts"] == ["phr"]
        provider.login(page, "?passive")
        provider.signed_in(page)
        # Asked for again, a passkey is used again: the session that there is isn't enough.
        before = len([seen for seen in visitor.requests if "/sign-in/" in seen.url])
        provider.login(page, "?force")
        Prompt(page).passkey()
        provider.signed_in(page)
        assert len([seen for seen in visitor.requests if "/sign-in/" in seen.url]) > before
        app(tenant, "change", provider.ikey, "--level", "hardware")
        provider.login(page, "?passive")
        assert "NoPassive" in provider.error(page)


def test_a_form_without_script_has_a_button(lobby: Lobby, tenant: Tenant, place: Path) -> None:
    """Whoever has no script signs in all the same, where the application takes what works without: a passcode."""
    token = tenant.totp(tenant.user("bob", email="bob@example.org"))
    provider = ServiceProvider("python3-saml", tenant, place, signing("assertion") | {"level": "single"})
    with running(provider):
        page = lobby.visitor(tenant, java_script_enabled=False).page()
        provider.login(page)
        prompt = Prompt(page)
        prompt.name("bob")
        prompt.passcode(token.code())
        # Where the session would be bound to the browser by a script.
        prompt.link("continue").click()
        page.get_by_role("button", name="Continue").click()
        assert "bob@example.org" in str(provider.signed_in(page)["attributes"])


def test_without_a_signature_nothing_is_connected(tenant: Tenant, place: Path) -> None:
    """Neither the response nor the assertion signed: refused where it is set."""
    provider = ServiceProvider("python3-saml", tenant, place, signing("assertion"))
    with running(provider):
        with pytest.raises(AssertionError, match="must be signed"):
            app(tenant, "change", provider.ikey, "--set", "saml.sign_assertion=false")
