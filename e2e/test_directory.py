"""Passwords of a directory: Debian's `slapd` takes or refuses them, and a passcode is the second proof."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import ask
from fixtures.browser_people import settings
from fixtures.browser_prompt import Prompt
from fixtures.sso import Connected, Organisation
from fixtures.upstream import Slapd
from playwright.sync_api import Page, expect

VERIFIER = "v" * 43


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    server = Slapd()
    yield server
    server.close()


def directory(org: Organisation, slapd: Slapd, place: Path, url: str, password: str = "service password") -> str:
    """`countersign admin directory set`."""
    file = place / "bind.password"
    file.write_text(password + "\n")
    return org.server.admin(
        "--tenant", org.tenant.host, "directory", "set", "--server", url, "--base", slapd.BASE, "--account", slapd.SERVICE,
        "--ca-file", str(slapd.tls.pem), "--password-file", str(file),
    )  # fmt: skip


def opens(org: Organisation, app: Connected, page: Page, back: str) -> Prompt:
    """The application sends the browser here; bob says who he is."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": app.key, "redirect_uri": back, "scope": "openid", "state": "s", "nonce": "n",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{org.issuer}/oidc/authorize?{urlencode(query)}")
    prompt = Prompt(page)
    prompt.name("bob")
    return prompt


def gives(prompt: Prompt, password: str) -> None:
    field = prompt.field("password-label")
    expect(field.or_(prompt.page.locator(".way, summary")).first).to_be_visible()
    if not field.is_visible():
        prompt.other_way("password-way")
    field.fill(password)
    prompt.page.locator("form:has(#password) button[type=submit], form:has(#password) button").first.click()


def test_the_directorys_password_and_a_passcode_open_an_application(lobby: Lobby, slapd: Slapd, tmp_path: Path) -> None:
    org = Organisation(lobby)
    settings(org.tenant, passwords=True)
    token = org.tenant.totp(org.tenant.user("bob", email="bob@example.test"))
    back = lobby.landing.address
    app = org.app("oidc", "Notes", back, redirect=back)
    admin = ["--tenant", org.tenant.host, "directory"]
    said = directory(org, slapd, tmp_path, f"ldaps://localhost:{slapd.tls_port}")
    assert said == "", said
    assert "(uid={user})" in org.server.admin(*admin, "show") and "service password" not in org.server.admin(*admin, "show")
    assert org.server.admin(*admin, "check", "bob") == f"uid=bob,{slapd.BASE}\n"

    visitor = lobby.visitor(org.tenant)
    page = visitor.page()
    prompt = opens(org, app, page, back)
    with visitor.expects("422"):
        gives(prompt, "wrong")
        prompt.says("said-wrong-password")
    gives(prompt, "pässword µ")
    token.settle()
    prompt.passcode(token.code())
    page.wait_for_url(f"{back}?*")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": app.key,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    basic = base64.b64encode(f"{app.key}:{app.secret}".encode()).decode()
    answer = ask(
        org.tenant, "POST", "/oidc/token", urlencode(form).encode(), Authorization=f"Basic {basic}",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status == 200, answer.body
    claims = answer.json()["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert {"pwd", "otp", "mfa"} <= set(claims["amr"]) and claims["acr"] == "urn:countersign:acr:multi", claims

    # By StartTLS, too; and while the directory is away nobody gets in, and it is said why.
    directory(org, slapd, tmp_path, f"ldap://localhost:{slapd.port}")
    assert org.server.admin(*admin, "check") == "the directory answers\n"
    said = directory(org, slapd, tmp_path, f"ldap://localhost:{slapd.port}", "another password")
    assert "refused the account" in said, said
    prompt = opens(org, app, lobby.visitor(org.tenant).page(), back)
    with lobby.visitors[-1].expects("422"):
        gives(prompt, "pässword µ")
        prompt.says("said-no-directory")
