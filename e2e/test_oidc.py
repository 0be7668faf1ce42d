"""Single sign-on by OpenID Connect: relying parties that others wrote, as they are, and somebody with a passkey at Chromium."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures.apache import Apache
from fixtures.browser_house import Lobby
from fixtures.names import knowing
from fixtures.server import ROOT
from fixtures.sso import Connected, Organisation
from fixtures.waiting import end, free_port, wait_for
from jwt.algorithms import ECAlgorithm
from playwright.sync_api import Page, expect

APPS = ROOT / "e2e/apps/oidc"
# After a person's grants were revoked, applications must notice within so many seconds.
SOON = 5.0


class Program:
    """A running application; `ask` speaks to one that takes commands as lines."""

    def __init__(self, organisation: Organisation, place: Path, command: list[str], **environment: str) -> None:
        ca = str(organisation.server.ca_file)
        known = {"NODE_EXTRA_CA_CERTS": ca, "NODE_PATH": str(ROOT / "target/npm/node_modules")}
        self.process = subprocess.Popen(
            [*knowing([organisation.tenant.host], place), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=known | os.environ | {"NODE_EXTRA_CA_CERTS": ca} | environment,
        )  # fmt: skip
        line = self.line()
        assert line.startswith("ready"), f"the application ended: {line!r}"

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self, command: str, **given: object) -> dict:
        self.process.stdin.write(json.dumps({"command": command} | given) + "\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def close(self) -> None:
        end(self.process)
        self.process.stdin.close()
        self.process.stdout.close()


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


def _claims(page: Page) -> dict:
    expect(page.locator("#signed-in")).to_be_visible()
    return json.loads(page.locator("#claims").inner_text())


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
    shown = _claims(page)
    assert shown["userinfo"]["preferred_username"] == "alice" and shown["userinfo"]["email"] == "alice@example.test"
    assert shown["claims"]["acr"] == "phr" and {"user", "mfa", "pop"} <= set(shown["claims"]["amr"])
    assert shown["claims"]["iss"] == organisation.issuer and shown["refresh"]
    # A second application opens without a question: that is what single sign-on is.
    page.goto(f"{origin}/login", wait_until="commit")
    _claims(page)
    page.goto(f"{origin}/refresh")
    _claims(page)
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
    shown = _claims(page)
    assert shown["token_type"].lower() == "dpop"
    page.goto(f"{origin}/refresh")
    _claims(page)
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
    _claims(page)
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
        "--set", "oidc.dpop_required=true", redirect=landing,
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


def test_authlib_signs_in_and_is_refused_after_a_revocation(
    organisation: Organisation, place: Path, started: Callable
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    app = organisation.app("oidc", "A Flask application", origin, redirect=f"{origin}/callback")
    command = [
        sys.executable, str(APPS / "with_authlib.py"), "--client-id", app.key, "--discovery", organisation.discovery,
        "--port", str(port),
    ]  # fmt: skip
    ca = str(organisation.server.ca_file)
    started(Program(organisation, place, command, CLIENT_SECRET=app.secret, REQUESTS_CA_BUNDLE=ca))
    page = organisation.page
    page.goto(f"{origin}/login", wait_until="commit")
    organisation.sign_in()
    shown = _claims(page)
    assert shown["userinfo"]["preferred_username"] == "alice" and shown["claims"]["iss"] == organisation.issuer
    organisation.revoke()
    wait_for("the application refuses", lambda: _is_out(page, origin), SOON)


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
    # The module answers the frame of the front channel, and forbids to show its answer there.
    organisation.visitor.allows("Refused to display")
    page.goto(f"{server.origin}/secret/redirect_uri?logout={server.origin}/", wait_until="commit")
    expect(page.locator("#front")).to_be_visible()
    # Out there and here: the next visit ends at the sign-in.
    assert _leads_to_sign_in(organisation, server)


def _leads_to_sign_in(organisation: Organisation, apache: Apache) -> bool:
    """Whether somebody with the same cookies, and without the passkey, is not let in."""
    cookies = organisation.visitor.context.cookies()
    other = organisation.lobby.visitor(organisation.tenant)
    other.context.add_cookies(cookies)
    page = other.go(f"{apache.origin}/secret/")
    return urlsplit(page.url).netloc == urlsplit(organisation.issuer).netloc


def test_mod_auth_openidc_hears_of_an_end_behind_the_browsers_back(
    organisation: Organisation, apache: tuple[Apache, Connected]
) -> None:
    server, _ = apache
    _enters(organisation, server)
    organisation.revoke()
    page = organisation.page

    def refuses() -> bool:
        page.goto(f"{server.origin}/secret/", wait_until="commit")
        return urlsplit(page.url).netloc != urlsplit(server.origin).netloc or page.locator("#signed-in").count() == 0

    wait_for("Apache refuses", refuses, SOON)
