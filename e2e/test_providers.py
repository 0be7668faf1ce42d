"""People who come from other houses' providers (npm's `oidc-provider`, pysaml2), through Chromium: its word first, their own proof after."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import ask
from fixtures.browser_passkeys import Passkeys
from fixtures.browser_prompt import Prompt
from fixtures.saml_provider import SamlProvider
from fixtures.sso import Connected, Organisation
from fixtures.upstream import OpenIdProvider
from fixtures.waiting import wait_for
from playwright.sync_api import Page, expect

VERIFIER = "v" * 43
SECRET = "a secret of more than thirty-two octets"
# The provider's own pages want a font of the Internet's.
FONTS = "fonts.googleapis.com"


class Corp:
    """An organisation, and a provider that knows it."""

    def __init__(self, lobby: Lobby, place: Path) -> None:
        self.org = Organisation(lobby)
        self.back = f"{self.org.issuer}/upstream/oidc/corp"
        client = {"client_id": "countersign", "client_secret": SECRET, "redirect_uris": [self.back]}
        self.provider = OpenIdProvider([client])
        self.secret = place / "corp.secret"
        self.secret.write_text(SECRET + "\n")

    def admin(self, *arguments: str) -> str:
        return self.org.server.admin("--tenant", self.org.tenant.host, "provider", *arguments)

    def add(self, *arguments: str) -> str:
        return self.admin(
            "add", "corp", "--name", "Example Corp", "--issuer", self.provider.issuer, "--client-id", "countersign",
            "--secret-file", str(self.secret), *arguments,
        )  # fmt: skip


@pytest.fixture
def corp(lobby: Lobby, tmp_path: Path) -> Iterator[Corp]:
    corp = Corp(lobby, tmp_path)
    try:
        yield corp
    finally:
        corp.provider.close()


@pytest.fixture
def idp(tmp_path: Path) -> Iterator[SamlProvider]:
    provider = SamlProvider(tmp_path)
    try:
        yield provider
    finally:
        provider.close()


def proves(page: Page, login: str) -> None:
    """At the provider's own pages."""
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill("any")
    page.locator("[type=submit]").click()
    page.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    page.locator("button[autofocus]").click()


def stopped(page: Page, address: str) -> list[str]:
    """The addresses that begin so and that the page is sent to, by a redirect, too; it gets to none."""
    caught: list[str] = []
    wire = page.context.new_cdp_session(page)

    def fails(paused: dict) -> None:
        caught.append(paused["request"]["url"])
        wire.send("Fetch.failRequest", {"requestId": paused["requestId"], "errorReason": "Aborted"})

    wire.on("Fetch.requestPaused", fails)
    wire.send("Fetch.enable", {"patterns": [{"urlPattern": f"{address}*", "requestStage": "Request"}]})
    return caught


def opens(org: Organisation, app: Connected, page: Page, back: str) -> Prompt:
    """The application sends the browser here."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": app.key, "redirect_uri": back, "scope": "openid", "state": "s", "nonce": "n",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{org.issuer}/oidc/authorize?{urlencode(query)}")
    return Prompt(page)


def told(org: Organisation, app: Connected, page: Page, back: str) -> dict:
    """What the application learns, once the browser has come back to it."""
    page.wait_for_url(f"{back}?*")
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(page.url).query)["code"][0], "redirect_uri": back,
        "client_id": app.key, "code_verifier": VERIFIER,
    }  # fmt: skip
    basic = base64.b64encode(f"{app.key}:{app.secret}".encode()).decode()
    answer = ask(
        org.tenant, "POST", "/oidc/token", urlencode(form).encode(), Authorization=f"Basic {basic}",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status == 200, answer.body
    claims = answer.json()["id_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))


def test_from_an_openid_provider_with_a_passkey_to_ones_own_pages(corp: Corp) -> None:
    org = corp.org
    assert corp.add("--domain", "op.example") == f"redirect URI  {corp.back}\n"
    assert "corp" in corp.admin("list") and SECRET not in corp.admin("show", "corp")
    assert corp.admin("check", "corp") == "the provider answers\n"
    org.visitor.allows(FONTS)
    # On the page of the name the passkey would be offered, and taken, at once.
    credential = org.passkeys.credential()
    org.passkeys.remove()
    page = org.page
    page.goto(f"{org.issuer}/account")
    prompt = Prompt(page)
    prompt.button("provider-way").click()
    with org.visitor.expects("422"):
        proves(page, "alice")
        prompt.says("provider-unknown")
    # She has a passkey, so one administrator asks and another allows it.
    admin = ["--tenant", org.tenant.host]
    org.server.admin(*admin, "user", "ask-addition", "alice", operator="ana")
    org.server.admin(*admin, "user", "allow-addition", "alice", "--asked-by", "command line (ana)", operator="ben")
    org.server.admin(*admin, "provider", "link", "corp", "alice", "alice", operator="ana")
    assert "alice" in corp.admin("links", "alice")

    # By the domain of the name that is typed; the provider knows the browser now.
    prompt.name("anybody@op.example")
    expect(page.locator(".who .name")).to_contain_text("alice")
    plugged = Passkeys(page)
    plugged.put(credential)
    prompt.passkey()
    page.wait_for_url(f"{org.issuer}/account*")
    # She sees at whom she counts as herself, and takes it away; her passkey is asked for, not the provider's word.
    thing = page.locator(".things > li", has_text="Example Corp").filter(has=page.locator("a.button"))
    thing.get_by_role("link").click()
    page.locator("form[action='/account/step-up'] button").click()
    prompt.passkey()
    prompt.button("remove-surely").click()
    page.wait_for_url(f"{org.issuer}/account?done=removed")
    expect(thing).to_have_count(0)
    assert "alice" not in corp.admin("links", "alice")

    # Another browser with the address of somebody's way back gets nowhere (login CSRF), also while it waits.
    thief = org.lobby.visitor(org.tenant)
    thief.allows(FONTS)
    stage = thief.page()
    stage.goto(f"{org.issuer}/account")
    caught = stopped(stage, corp.back)
    Prompt(stage).button("provider-way").click()
    proves(stage, "mallory")
    wait_for("the provider sends the browser back", lambda: (stage.wait_for_timeout(20), caught)[1])
    victim = org.lobby.visitor(org.tenant)
    other = victim.page()
    with victim.expects("403"):
        assert other.goto(caught[0]).status == 403
    assert not [cookie for cookie in victim.context.cookies() if "session" in cookie["name"]]


def test_who_is_unknown_gets_an_account_where_that_is_on(corp: Corp) -> None:
    org = corp.org
    corp.add("--create", "--user-name", "sub", "--userinfo", "--domain", "op.example")
    visitor = org.lobby.visitor(org.tenant)
    visitor.allows(FONTS)
    page = visitor.page()
    passkeys = Passkeys(page)
    page.goto(f"{org.issuer}/account")
    prompt = Prompt(page)
    prompt.button("provider-way").click()
    proves(page, "nora")
    prompt.shows("enroll-title")
    prompt.button("enroll-start").click()
    prompt.button("register-do").click()
    page.wait_for_url(lambda url: "/activate/" not in url)
    assert passkeys.credential()
    shown = org.server.admin("--tenant", org.tenant.host, "user", "show", "nora")
    assert "nora@op.example" in shown, shown
    assert "nora" in corp.admin("links", "nora")
    # Nobody who may not: also where the provider has signed them in.
    org.server.admin("--tenant", org.tenant.host, "user", "disable", "nora")
    again = org.lobby.visitor(org.tenant)
    again.allows(FONTS)
    page = again.page()
    page.goto(f"{org.issuer}/account/sign-in")
    prompt = Prompt(page)
    prompt.button("provider-way").click()
    with again.expects("422"):
        proves(page, "nora")
        prompt.says("said-disabled")


def test_from_a_saml_provider_with_a_passcode_to_an_application(lobby: Lobby, idp: SamlProvider) -> None:
    org = Organisation(lobby)
    token = org.tenant.totp(org.tenant.user("bob"))
    back = lobby.landing.address
    app = org.app("oidc", "Notes", back, redirect=back)
    admin = ["--tenant", org.tenant.host, "provider"]
    said = org.server.admin(*admin, "add", "partner", "--name", "Partner", "--metadata-url", f"{idp.origin}/metadata")
    assert f"{org.issuer}/upstream/saml/metadata" in said and f"{org.issuer}/upstream/saml/acs" in said, said
    metadata = ask(org.tenant, "GET", "/upstream/saml/metadata", None)
    assert metadata.status == 200
    idp.knows(metadata.body.decode())
    org.server.admin(*admin, "link", "partner", "bob", "alice-7")

    visitor = lobby.visitor(org.tenant)
    page = visitor.page()
    prompt = opens(org, app, page, back)
    prompt.button("provider-way").click()
    expect(page.locator(".who .name")).to_contain_text("bob")
    token.settle()
    prompt.passcode(token.code())
    claims = told(org, app, page, back)
    assert set(claims["amr"]) == {"otp", "mfa"} and claims["acr"] == "urn:countersign:acr:multi", claims

    # Its answer counts once, and for nobody else.
    response, relay = idp.posted[-1]
    form = urlencode({"SAMLResponse": response, "RelayState": relay}).encode()
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    assert ask(org.tenant, "POST", "/upstream/saml/acs", form, **kind).status == 410
    idp.who = "somebody-else"
    other = lobby.visitor(org.tenant)
    page = other.page()
    prompt = opens(org, app, page, back)
    with other.expects("422"):
        prompt.button("provider-way").click()
        prompt.says("provider-unknown")
    org.server.admin(*admin, "disable", "partner")
    prompt = opens(org, app, page, back)
    prompt.shows("name-title")
    expect(prompt.button("provider-way")).to_have_count(0)
