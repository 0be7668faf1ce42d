"""Single sign-on by OpenID Connect: relying parties that others wrote, as they are, and somebody with a passkey at Chromium."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures.apache import Apache
from fixtures.browser_house import Lobby
from fixtures.browser_prompt import Screen
from fixtures.sso import APPS, Connected, Organisation, Program, authlib_app, claims
from fixtures.waiting import free_port, wait_for
from jwt.algorithms import ECAlgorithm
from playwright.sync_api import Page, expect

# After a person's grants were revoked, applications must notice within so many seconds.
SOON = 5.0


@pytest.fixture
def organisation(lobby: Lobby) -> Organisation:
    return Organisation(lobby)


@pytest.fixture
def started() -> Iterator[Callable]:
    """What was started by it ends with the test."""
    running = []

    def start(made):  # noqa: ANN001, ANN202
        running.append(made)
        return made

    yield start
    for one in reversed(running):
        one.close()


def _is_out(page: Page, address: str) -> bool:
    page.goto(address)
    return page.locator("#signed-in").count() == 0


def _openid_client(organisation: Organisation, place: Path, app: Connected, port: int, **more: object) -> Program:
    options = {"issuer": organisation.issuer, "client_id": app.key, "client_secret": app.secret, "port": port} | more
    return Program(organisation, place, ["node", str(APPS / "openid_client.mjs"), json.dumps(options)])


def test_openid_client_signs_in_refreshes_and_signs_out(
    organisation: Organisation, place: Path, started: Callable
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    app = organisation.app(
        "oidc", "An application", origin, redirect=f"{origin}/callback", post_logout=f"{origin}/"
    )
    started(_openid_client(organisation, place, app, port))
    page = organisation.page
    page.goto(f"{origin}/login", wait_until="commit")
    organisation.sign_in()
    shown = claims(page)
    assert shown["userinfo"]["preferred_username"] == "alice" and shown["userinfo"]["email"] == "alice@example.test"
    assert shown["claims"]["acr"] == "phr" and {"user", "mfa", "pop"} <= set(shown["claims"]["amr"])
    assert shown["claims"]["iss"] == organisation.issuer and shown["refresh"]
    # A second application opens without a question: that is what single sign-on is.
    page.goto(f"{origin}/login", wait_until="commit")
    claims(page)
    page.goto(f"{origin}/refresh")
    claims(page)
    # Signed out here and there: the next time the passkey is asked for.
    page.goto(f"{origin}/logout", wait_until="commit")
    expect(page.locator("#signed-out")).to_be_visible()
    page.goto(f"{origin}/login?prompt=none", wait_until="commit")
    expect(page.locator("#error")).to_contain_text("login_required")


def test_openid_client_pushes_its_requests_and_proves_its_keys(
    organisation: Organisation, place: Path, started: Callable
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    key = ec.generate_private_key(ec.SECP256R1())
    private = json.loads(ECAlgorithm.to_jwk(key)) | {"kid": "one"}
    public = {name: private[name] for name in ("kty", "crv", "x", "y", "kid")} | {"alg": "ES256", "use": "sig"}
    app = organisation.app(
        "oidc", "A careful application", origin,
        "--set", f"oidc.jwks={json.dumps({'keys': [public]})}", "--set", "oidc.auth_method=private_key_jwt",
        "--set", "oidc.dpop_required=true", "--set", "oidc.require_par=true", "--set", "oidc.id_token_alg=ES256",
        redirect=f"{origin}/callback", post_logout=f"{origin}/",
    )  # fmt: skip
    metadata = {"id_token_signed_response_alg": "ES256"}
    started(_openid_client(organisation, place, app, port, key=private, par=True, dpop=True, metadata=metadata))
    page = organisation.page
    page.goto(f"{origin}/login", wait_until="commit")
    organisation.sign_in()
    shown = claims(page)
    assert shown["token_type"].lower() == "dpop"
    page.goto(f"{origin}/refresh")
    claims(page)
    # What is pushed is all that counts; the open road is closed to this client.
    open_road = f"{organisation.issuer}/oidc/authorize?client_id={app.key}&response_type=code&scope=openid"
    page.goto(f"{open_road}&redirect_uri={origin}/callback")
    expect(page.locator("code")).to_have_text("invalid_request")
    organisation.visitor.allows("status of 400")


def test_a_revoked_persons_application_refuses_within_seconds(
    organisation: Organisation, place: Path, started: Callable
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    app = organisation.app("oidc", "An application", origin, redirect=f"{origin}/callback")
    started(_openid_client(organisation, place, app, port))
    page = organisation.page
    page.goto(f"{origin}/login", wait_until="commit")
    organisation.sign_in()
    claims(page)
    organisation.revoke()
    wait_for("the application refuses", lambda: _is_out(page, origin), SOON)
    page.goto(f"{origin}/refresh")
    expect(page.locator("#error")).to_contain_text("invalid_grant")
    page.goto(f"{origin}/login?prompt=none", wait_until="commit")
    expect(page.locator("#error")).to_contain_text("login_required")


def test_a_device_without_a_browser_is_let_in_by_its_person(
    organisation: Organisation, place: Path, started: Callable
) -> None:
    grants = json.dumps(["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"])
    port = free_port()
    app = organisation.app(
        "oidc", "A television", f"http://localhost:{port}", "--set", f"oidc.grant_types={grants}",
        redirect=f"http://localhost:{port}/callback",
    )  # fmt: skip
    program = started(_openid_client(organisation, place, app, port, device=True))
    asked = json.loads(program.line().removeprefix("device "))
    page = organisation.page
    page.goto(asked["verification_uri_complete"], wait_until="commit")
    page.get_by_role("button", name="Continue").click()
    # Whoever allows a device signs in for it, and then says so.
    allow = page.get_by_role("button", name="Yes, connect this device")
    organisation.sign_in(until=allow)
    expect(page.locator("main")).to_contain_text("A television")
    allow.click()
    expect(page.locator("main")).to_contain_text("The device is connected")
    granted = json.loads(program.line().removeprefix("granted "))
    assert granted["sub"]


def test_oauth4webapi_finds_every_answer_as_the_specifications_have_it(
    organisation: Organisation, place: Path, started: Callable, lobby: Lobby
) -> None:
    landing = lobby.landing.address
    app = organisation.app(
        "oidc", "A careful program", landing, "--set", "oidc.auth_method=client_secret_post",
        "--set", "oidc.dpop_required=true", redirect=landing, post_logout=landing,
    )  # fmt: skip
    options = {
        "issuer": organisation.issuer, "client_id": app.key, "client_secret": app.secret, "redirect_uri": landing,
        "dpop": True, "par": True,
    }  # fmt: skip
    program = started(Program(organisation, place, ["node", str(APPS / "oauth4webapi.mjs"), json.dumps(options)]))
    page = organisation.page

    def signs_in() -> dict:
        page.goto(program.ask("begin")["url"], wait_until="commit")
        organisation.sign_in()
        page.wait_for_url(f"{landing}?*")
        return program.ask("redeem", url=page.url)

    said = signs_in()
    assert said["token_type"].lower() == "dpop" and said["claims"]["aud"] == app.key, said
    # The library refuses an answer without `iss`, or of another issuer; ours has it.
    assert parse_qs(urlsplit(page.url).query)["iss"] == [organisation.issuer]
    assert program.ask("redeem", url=page.url).get("error") == "invalid_grant"
    # The code came twice: what came of it is over.
    assert "refused" in program.ask("userinfo")
    said = signs_in()
    assert program.ask("userinfo")["userinfo"]["email"] == "alice@example.test"
    # A stolen token is worth nothing without its key, nor with another.
    assert "refused" in program.ask("userinfo", bearer=True)
    assert "refused" in program.ask("userinfo", foreign=True)
    assert program.ask("introspect")["active"] is True
    turned = program.ask("refresh")
    assert turned["after"] and turned["after"] != turned["before"]
    # The old one comes again: somebody has a copy, and nobody knows who. All of it ends.
    assert program.ask("refresh", token=turned["before"])["error"] == "invalid_grant"
    assert program.ask("refresh", token=turned["after"])["error"] == "invalid_grant"
    signs_in()
    program.ask("revoke")
    assert program.ask("refresh")["error"] == "invalid_grant"
    assert program.ask("introspect")["active"] is False
    # Signed out by the program's own link, which names whose session it is: the next time the passkey is asked for.
    signs_in()
    page.goto(program.ask("out")["url"], wait_until="commit")
    page.wait_for_url(f"{landing}*")
    page.goto(program.ask("begin", prompt="none")["url"], wait_until="commit")
    page.wait_for_url(f"{landing}?*")
    assert parse_qs(urlsplit(page.url).query)["error"] == ["login_required"]
    # All of it ends with a revocation, whatever the program still holds.
    signs_in()
    assert program.ask("introspect")["active"] is True
    organisation.revoke()
    wait_for("the token is over", lambda: "refused" in program.ask("userinfo"), SOON)
    assert program.ask("refresh")["error"] == "invalid_grant"


def _careful(organisation: Organisation, place: Path, **options: object) -> Program:
    given = json.dumps({"issuer": organisation.issuer} | options)
    return Program(organisation, place, ["node", str(APPS / "careful.mjs"), given])


def test_openid_client_registers_itself_signs_its_requests_and_its_person_agrees(
    organisation: Organisation, place: Path, started: Callable, lobby: Lobby
) -> None:
    landing, page = lobby.landing.address, organisation.page
    program = started(_careful(organisation, place))
    metadata = {
        "client_name": "A stranger", "redirect_uris": [landing], "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "id_token_signed_response_alg": "ES256", "scope": "openid email",
        "request_object_signing_alg": "ES256", "require_signed_request_object": True,
    }  # fmt: skip
    assert program.ask("register", leave="csia_nobodys", metadata=metadata)["error"]
    server = organisation.server
    printed = server.command("app", "--tenant", organisation.tenant.host, "registration", "open", "--count", "1", "--hours", "1")
    leave = next(word for word in printed.split() if word.startswith("csia"))
    made = program.ask("register", leave=leave, metadata=metadata)
    assert made["client_name"] == "A stranger" and made["request_object_signing_alg"] == "ES256", made
    assert "error" in program.ask("register", leave=leave, metadata=metadata), "one was allowed"
    # An open request isn't taken from it, and nothing of a signed one stands in the address.
    organisation.visitor.allows("400 \\(Bad Request\\)")
    refused = page.goto(program.ask("begin", redirect_uri=landing, scope="openid email", signed=False)["url"])
    assert refused and refused.status == 400 and refused.url.startswith(f"{organisation.issuer}/oidc/authorize?")
    begun = program.ask("begin", redirect_uri=landing, scope="openid email", signed=True)
    assert begun["parameters"] == ["client_id", "request"]
    page.goto(begun["url"], wait_until="commit")
    # It isn't the organisation's own: the person is asked, once.
    allow = page.get_by_role("button", name="Allow", exact=True)
    organisation.sign_in(until=allow)
    expect(page.locator("main")).to_contain_text("A stranger")
    allow.click()
    page.wait_for_url(f"{landing}?*")
    said = program.ask("redeem", url=page.url)
    assert said["claims"]["aud"] == made["client_id"] and said["userinfo"]["email"] == "alice@example.test", said
    page.goto(program.ask("begin", redirect_uri=landing, scope="openid email", signed=True)["url"], wait_until="commit")
    page.wait_for_url(f"{landing}?*")
    assert "claims" in program.ask("redeem", url=page.url)


def test_openid_client_signs_with_its_secret_and_exchanges_a_persons_token(
    organisation: Organisation, place: Path, started: Callable, lobby: Lobby
) -> None:
    landing, page = lobby.landing.address, organisation.page
    grants = ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
    app = organisation.app(
        "oidc", "A gateway", landing, "--set", "oidc.auth_method=client_secret_jwt",
        "--set", f"oidc.grant_types={json.dumps(grants)}", "--set", 'oidc.exchange_audiences=["https://reports.example"]',
        redirect=landing,
    )  # fmt: skip
    program = started(_careful(organisation, place, client_id=app.key, client_secret=app.secret))
    page.goto(program.ask("begin", redirect_uri=landing, scope="openid email")["url"], wait_until="commit")
    organisation.sign_in()
    page.wait_for_url(f"{landing}?*")
    claims = program.ask("redeem", url=page.url)["claims"]
    given = program.ask("exchange", audience="https://reports.example", scope="email")
    assert given["issued"], given
    # The next service sees for whom it is asked, and who asks.
    said = given["said"]
    assert said["active"] and said["aud"] == "https://reports.example" and said["scope"] == "email", said
    assert said["sub"] == claims["sub"] and said["act"]["sub"] == app.key
    assert program.ask("exchange", audience="https://elsewhere.example", scope="email")["error"] == "invalid_target"
    assert program.ask("exchange", audience="https://reports.example", scope="email groups")["error"] == "invalid_scope"
    wrong = started(_careful(organisation, place, client_id=app.key, client_secret="x" * 40))
    page.goto(wrong.ask("begin", redirect_uri=landing, scope="openid")["url"], wait_until="commit")
    page.wait_for_url(f"{landing}?*")
    # As that library words it that the token endpoint has asked who it is.
    refused = wrong.ask("redeem", url=page.url)
    assert (refused["error"], refused["status"]) == ("OAUTH_WWW_AUTHENTICATE_CHALLENGE", 401)


def test_authlib_signs_in_and_out_and_hears_what_ends_elsewhere(
    organisation: Organisation, place: Path, started: Callable
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    started(authlib_app(organisation, place, port))
    page = organisation.page
    page.goto(f"{origin}/login", wait_until="commit")
    organisation.sign_in()
    shown = claims(page)
    assert shown["userinfo"]["preferred_username"] == "alice" and shown["claims"]["iss"] == organisation.issuer
    # Out there, and here: the next visit is asked for the passkey.
    page.goto(f"{origin}/logout", wait_until="commit")
    expect(page.locator("#signed-out")).to_have_text("Nobody is signed in.")
    page.goto(f"{origin}/login", wait_until="commit")
    organisation.sign_in()
    claims(page)
    # The back channel alone tells it: its own session would go on, and it is not asked for anything that is refused.
    organisation.revoke()
    wait_for("the application has heard", lambda: _is_out(page, origin) and "Nobody" in page.inner_text("body"), SOON)


@pytest.fixture
def apache(organisation: Organisation, place: Path, started: Callable) -> tuple[Apache, Connected]:
    """`mod_auth_openidc` in front of `/secret`, with its sessions kept on the server so that a back channel can end them."""
    port = free_port()
    origin = f"http://localhost:{port}"
    callback = f"{origin}/secret/redirect_uri"
    app = organisation.app(
        "oidc", "Apache", origin, redirect=callback, post_logout=f"{origin}/",
        backchannel_logout=f"{callback}?logout=backchannel", frontchannel_logout=f"{callback}?logout=get",
    )  # fmt: skip
    # Apache's workers may not look into the server's own directory.
    authority = place / "ca.pem"
    authority.write_bytes(organisation.server.ca_file.read_bytes())
    cache = place / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    directives = f"""
OIDCProviderMetadataURL {organisation.discovery}
OIDCClientID {app.key}
OIDCClientSecret {app.secret}
OIDCRedirectURI {callback}
OIDCCryptoPassphrase a-passphrase-of-this-test-alone
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
OIDCSessionType server-cache
OIDCCacheType file
OIDCCacheDir {cache}
OIDCCookieSameSite On
OIDCCABundlePath {authority}
<Location /secret>
    AuthType openid-connect
    Require valid-user
    Header set X-Person "expr=%{{REMOTE_USER}}"
</Location>
"""
    return started(Apache(place, ("auth_openidc",), directives, [organisation.tenant.host], port)), app


def _enters(organisation: Organisation, apache: Apache) -> None:
    page = organisation.page
    page.goto(f"{apache.origin}/secret/", wait_until="commit")
    organisation.sign_in()
    expect(page.locator("#signed-in")).to_be_visible()


def test_mod_auth_openidc_signs_in_and_out(
    organisation: Organisation, apache: tuple[Apache, Connected]
) -> None:
    server, _ = apache
    _enters(organisation, server)
    page = organisation.page
    answer = page.goto(f"{server.origin}/secret/")
    assert answer.headers["x-person"] == "alice"
    # Whoever has the cookies is let in by Apache; by ours alone the browser would have to prove itself, which a copy can't.
    cookies = organisation.visitor.context.cookies()
    assert _ends_at(organisation, server, cookies) == LET_IN
    assert _ends_at(organisation, server, [one for one in cookies if one["domain"] != "localhost"]) == "/session/prove"
    # The module answers the frame of the front channel, and forbids to show its answer there.
    organisation.visitor.allows("Refused to display")
    page.goto(f"{server.origin}/secret/redirect_uri?logout={server.origin}/", wait_until="commit")
    expect(page.locator("#front")).to_be_visible()
    # Out there and here: the next visit ends at the sign-in, also with what the browser had before.
    assert _ends_at(organisation, server, organisation.visitor.context.cookies()) == SIGN_IN
    assert _ends_at(organisation, server, cookies) == SIGN_IN


LET_IN, SIGN_IN = "let in", "/sign-in/"


def _ends_at(organisation: Organisation, apache: Apache, cookies: list) -> str:
    """Where somebody ends at Apache who has these cookies, and neither the passkey nor the browser's own key: `LET_IN`, `SIGN_IN`, or the
    path of another page of ours."""
    other = organisation.lobby.visitor(organisation.tenant)
    # A copy that has to prove itself is refused.
    other.allows("status of 4")
    other.context.add_cookies(cookies)
    page = other.go(f"{apache.origin}/secret/")
    address = urlsplit(page.url)
    if address.netloc == urlsplit(apache.origin).netloc:
        expect(page.locator("#signed-in")).to_be_visible()
        return LET_IN
    assert address.netloc == urlsplit(organisation.issuer).netloc, page.url
    return SIGN_IN if address.path.startswith(SIGN_IN) else address.path


def test_mod_auth_openidc_hears_of_an_end_behind_the_browsers_back(
    organisation: Organisation, apache: tuple[Apache, Connected]
) -> None:
    server, _ = apache
    _enters(organisation, server)
    cookies = organisation.visitor.context.cookies()

    def refuses() -> bool:
        return _ends_at(organisation, server, cookies) == SIGN_IN

    assert not refuses()
    organisation.revoke()
    wait_for("Apache refuses", refuses, SOON)


@pytest.mark.parametrize("way", ["button", "list", "application"])
def test_who_signs_out_in_a_browser_is_signed_out_in_front(lobby: Lobby, place: Path, way: str) -> None:
    """By the button of one's own pages, in the list of one's sessions, and at an application: those who are told in frames hear of it, and
    then those who are told by SAML."""
    with (
        closing(lobby.site("front.elsewhere.test", place)) as front,
        closing(lobby.site("expenses.elsewhere.test", place)) as expenses,
    ):
        blank = "<!doctype html><html lang=en><title>app</title><link rel=icon href='data:,'><p id=app>app"
        front.pages |= {"/cb": blank, "/front": blank}
        expenses.pages |= {"/acs": blank, "/slo": blank}
        org = Organisation(lobby, hosts=[front.name, expenses.name])
        app = org.app(
            "oidc", "Board", front.origin, redirect=f"{front.origin}/cb", frontchannel_logout=f"{front.origin}/front"
        )
        slo = json.dumps([{"url": f"{expenses.origin}/slo", "binding": "redirect"}])
        saml = org.app(
            "saml", "Expenses", expenses.origin, "--set", f"saml.slo={slo}", "--set", "saml.allow_idp_initiated=true",
            entity=f"{expenses.origin}/saml", acs=f"{expenses.origin}/acs",
        )  # fmt: skip
        page, shown = org.page, org.page.locator("#app")
        asked = {
            "response_type": "code", "client_id": app.key, "redirect_uri": f"{front.origin}/cb", "scope": "openid", "state": "s",
            "code_challenge": "A" * 43, "code_challenge_method": "S256",
        }  # fmt: skip
        page.goto(f"{org.issuer}/oidc/authorize?{urlencode(asked)}", wait_until="commit")
        org.sign_in()
        expect(shown).to_be_visible()
        page.goto(f"{org.issuer}/saml/start/{saml.ikey}", wait_until="commit")
        page.wait_for_url(f"{expenses.origin}/acs")
        # Nobody shall be signed in again by a passkey that offers itself.
        org.passkeys.remove()
        words = Screen(page)
        if way == "application":
            page.goto(f"{org.issuer}/oidc/logout?client_id={app.key}")
            words.shows("sign-out-title")
        else:
            page.goto(f"{org.issuer}/account{'/sessions' if way == 'list' else ''}")
            words.shows("sessions-title" if way == "list" else "account-title")
        this = page.locator("li", has=page.locator("strong").filter(has_text=words.text("sessions-this")))
        (this if way == "list" else page).get_by_role("button", name=words.text("sign-out")).click()
        page.wait_for_url(f"{expenses.origin}/slo?**")
        (told,) = [parse_qs(urlsplit(path).query) for _, path, *_ in front.heard if path.startswith("/front?")]
        assert told["iss"] == [org.issuer] and len(told["sid"][0]) >= 20, told
        assert "SAMLRequest" in parse_qs(urlsplit(page.url).query)
        page.goto(f"{org.issuer}/account", wait_until="commit")
        words.shows("name-title")
