"""Two web applications, each with one of Duo's web libraries as it is: who signs in at them by the browser, and who doesn't."""

import base64
import queue
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fixtures.browser import Visitor
from fixtures.browser_apps import PROGRAMS, Scene, WebApp
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import RawClient
from fixtures.browser_passkeys import FORGETFUL_KEY, KEY, PLATFORM, Passkeys
from fixtures.browser_people import has_passkey, installed_authenticator, policy, settings, telephone
from fixtures.browser_prompt import Prompt
from fixtures.tenant import Tenant
from playwright.sync_api import Page, expect

REMEMBERED = {
    "browser_apps": {"enabled": True, "user_based": {"max_time_units": "days", "max_time_value": 1}},
}


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    return lobby.tenant()


@pytest.fixture
def visitor(lobby: Lobby, tenant: Tenant) -> Visitor:
    return lobby.visitor(tenant)


def by_passkey(scene: Scene, kind: dict) -> None:
    scene.user()
    has_passkey(scene.page, scene.tenant, scene.username, kind)
    prompt = scene.prompt()
    prompt.passkey()
    scene.in_("webauthn_credential")


def by_push(scene: Scene) -> None:
    settings(scene.tenant, push_in_new_browsers=True)
    device = scene.tenant.device(scene.user())
    scene.prompt().approve(device)
    scene.in_("duo_push")


def by_totp(scene: Scene) -> None:
    token = scene.tenant.totp(scene.user())
    scene.prompt().passcode(token.code())
    scene.in_("hardware_token")


def by_hotp(scene: Scene) -> None:
    token = scene.tenant.hotp(scene.user())
    scene.prompt().passcode(token.press())
    scene.in_("hardware_token")


def by_yubikey(scene: Scene) -> None:
    key = scene.tenant.yubikey(scene.user())
    scene.prompt().passcode(key.touch())
    scene.in_("yubikey_code")


def by_what_the_authenticator_shows(scene: Scene) -> None:
    authenticator = installed_authenticator(scene.phone, scene.tenant, scene.user())
    scene.prompt().passcode(authenticator.locator(".passcode").inner_text().replace(" ", ""))
    scene.in_("hardware_token")


def by_message(scene: Scene) -> None:
    telephone(scene.tenant, scene.user())
    prompt = scene.prompt()
    before = len(scene.supplier.messages)
    prompt.button("sms-send").click()
    prompt.shows("sms-title")
    (message,) = scene.supplier.messages[before:]
    # The last line binds the code to the page's host, for who fills it in by itself.
    last = message["Body"].splitlines()[-1]
    code = re.fullmatch(rf"@{re.escape(scene.tenant.host)} #(\d{{6}})", last)
    assert code, message["Body"]
    prompt.field("sms-label").fill(code[1])
    prompt.button("passcode-send").click()
    scene.in_("sms_passcode")


def by_call(scene: Scene) -> None:
    telephone(scene.tenant, scene.user())
    prompt = scene.prompt()
    shown: queue.Queue[str] = queue.Queue()
    scene.supplier.answers = lambda: shown.get(timeout=20)
    prompt.other_way("call-way")
    shown.put(prompt.digits())
    scene.in_("phone_call")


def by_bypass_code(scene: Scene) -> None:
    user = scene.user()
    scene.tenant.totp(user)
    (code,) = scene.tenant.admin.add_user_bypass_codes(user, count=1, remaining_uses=1)
    scene.prompt().passcode(code)
    scene.in_("bypass_code")


def without_a_factor(scene: Scene) -> None:
    """The administrator lets the user past."""
    scene.user(status="bypass")
    scene.prompt()
    scene.in_("not_available")


FACTORS: dict[str, Callable[[Scene], None]] = {
    "passkey of the computer": lambda scene: by_passkey(scene, PLATFORM),
    "passkey on a key": lambda scene: by_passkey(scene, KEY),
    "passkey on a key that keeps nothing": lambda scene: by_passkey(scene, FORGETFUL_KEY),
    "push": by_push,
    "TOTP": by_totp,
    "HOTP": by_hotp,
    "YubiKey's passcode": by_yubikey,
    "authenticator's passcode": by_what_the_authenticator_shows,
    "message": by_message,
    "call": by_call,
    "bypass code": by_bypass_code,
    "bypass": without_a_factor,
}


@pytest.fixture(params=PROGRAMS)
def scene(request: pytest.FixtureRequest, lobby: Lobby, tenant: Tenant, visitor: Visitor, place: Path) -> Iterator[Scene]:
    policy_key = policy(tenant, "remembers", remembered_devices=REMEMBERED) if "remember" in request.node.name else None
    further = {"policy_key": policy_key} if policy_key else {}
    app = WebApp(request.param, tenant, tenant.integration("websdk", "alice", **further), place)
    yield Scene(app, tenant, visitor, lobby.visitor(tenant), lobby.supplier)
    app.close()


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_signs_in_at_each_application(scene: Scene, factor: str) -> None:
    FACTORS[factor](scene)


def test_a_remembered_browser_isnt_asked_again_and_another_is(scene: Scene, lobby: Lobby) -> None:
    token = scene.tenant.hotp(scene.user())
    prompt = scene.prompt()
    prompt.passcode(token.press())
    prompt.remember(True)
    scene.in_("hardware_token")
    scene.prompt()
    scene.in_("remembered_device")
    elsewhere = lobby.visitor(scene.tenant).page()
    scene.app.log_in(elsewhere, scene.username)
    Prompt(elsewhere).shows("passcode-title")


def test_who_may_enrol_does_so_on_the_way(scene: Scene) -> None:
    """A user whom nobody knows yet sets a passkey up in the prompt, and signs in with it from then on."""
    Passkeys(scene.page, PLATFORM)
    prompt = scene.prompt()
    prompt.shows("enroll-title")
    prompt.button("enroll-start").click()
    prompt.button("register-do").click()
    prompt.passkey()
    scene.in_("webauthn_credential")
    scene.prompt().passkey()
    scene.in_("webauthn_credential")


def _held_back(page: Page, callback: str, act: Callable[[], None]) -> str:
    """The address to which the browser would have gone back after `act`; nobody there has seen it."""
    held: list[str] = []
    session = page.context.new_cdp_session(page)

    def hold(paused: dict) -> None:
        held.append(paused["request"]["url"])
        html = base64.b64encode(b"<!doctype html><title>held</title><link rel=icon href=data:,><p id=held>held").decode()
        session.send("Fetch.fulfillRequest", {"requestId": paused["requestId"], "responseCode": 200, "body": html})

    session.on("Fetch.requestPaused", hold)
    # Playwright's own routes don't see where a redirect leads.
    session.send("Fetch.enable", {"patterns": [{"urlPattern": f"{callback}?*"}]})
    act()
    expect(page.locator("#held")).to_be_visible()
    session.detach()
    return held[0]


def _callback(scene: Scene, username: str) -> str:
    """Signs in by a passcode as far as to the way back."""
    scene.username = username
    token = scene.tenant.hotp(scene.user())
    return _held_back(scene.page, scene.app.callback, lambda: scene.prompt().passcode(token.press()))


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _with(url: str, **changed: str) -> str:
    return urlsplit(url)._replace(query=urlencode(_query(url) | changed)).geturl()


def test_a_wrong_state_is_refused(scene: Scene) -> None:
    callback = _callback(scene, "alice")
    scene.visitor.allows("status of 400")
    scene.page.goto(_with(callback, state="x" * 36))
    assert scene.app.error(scene.page) == "the state does not match the saved state"


USED = (
    "The provided authorization code is invalid, expired or used, does not match the redirection URI of the "
    "authorization request, or was issued to another client."
)


def test_a_code_that_was_used_is_refused(scene: Scene) -> None:
    callback = _callback(scene, "alice")
    scene.page.goto(callback)
    scene.in_("hardware_token")
    # Again, with the state of another login, as the application's own would stop it otherwise.
    state = _query(_callback(scene, "bob"))["state"]
    scene.visitor.allows("status of 401")
    scene.page.goto(_with(callback, state=state))
    # Each library says it in its own way.
    refusal = {"error": "invalid_grant", "error_description": USED}
    assert scene.app.error(scene.page) in (str(refusal), ": ".join(refusal.values()))


def test_somebody_elses_code_signs_nobody_in(scene: Scene) -> None:
    """The code is good, but of a sign-in by another name than the one that the application asked for."""
    callback = _callback(scene, "alice")
    state = _query(_callback(scene, "bob"))["state"]
    scene.visitor.allows("status of 401")
    scene.page.goto(_with(callback, state=state))
    assert scene.app.error(scene.page).rstrip(".") == "The username is invalid"


@pytest.fixture
def raw(lobby: Lobby, tenant: Tenant) -> RawClient:
    """An application that writes its requests itself."""
    return lobby.client(tenant)


def _code(raw: RawClient, page: Page, tenant: Tenant, **claims: object) -> str:
    """A code that nobody has redeemed."""
    token = tenant.hotp(tenant.user("alice"))
    page.goto(raw.authorize("alice", **claims))
    Prompt(page).passcode(token.press())
    return raw.landed(page)


def test_a_code_is_good_once_and_for_its_client_only(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    code = _code(raw, visitor.page(), tenant)
    other = RawClient(tenant, tenant.integration("websdk", "bob"), raw.redirect_uri)
    assert other.token(code).json()["error"] == "invalid_grant"
    elsewhere = Tenant(tenant.server, host=f"other-{tenant.host}")
    stranger = RawClient(elsewhere, elsewhere.integration("websdk", "alice"), raw.redirect_uri)
    assert stranger.token(code).json()["error"] == "invalid_grant"
    assert raw.read(raw.token(code))["preferred_username"] == "alice"
    assert raw.token(code).json()["error"] == "invalid_grant"


def test_a_code_came_with_another_redirect_uri(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    code = _code(raw, visitor.page(), tenant)
    assert raw.token(code, redirect_uri=f"{raw.redirect_uri}/").json()["error"] == "invalid_grant"
    # Somebody has got hold of it, so it is good for nothing any more.
    assert raw.token(code).json()["error"] == "invalid_grant"


def test_a_yubikeys_passcode_counts_once_and_no_other_keys_does(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    key = tenant.yubikey(tenant.user("alice"))
    somebody_elses = tenant.yubikey(tenant.user("bob"))
    earlier, used = key.touch(), key.touch()
    page = visitor.page()
    page.goto(raw.authorize("alice"))
    Prompt(page).passcode(used)
    assert raw.read(raw.token(raw.landed(page)))["auth_context"]["factor"] == "yubikey_code"
    page.goto(raw.authorize("alice"))
    prompt = Prompt(page)
    visitor.allows("status of 422")
    other_id = replace(key, private_id=somebody_elses.private_id)
    for wrong, old in ((other_id.touch(), used), (somebody_elses.touch(), earlier)):
        prompt.passcode(wrong)
        prompt.says("said-wrong-passcode")
        prompt.passcode(old)
        prompt.says("said-used-passcode")
    # Unplugged and plugged in again it counts its touches from the start.
    key.plug_in()
    prompt.passcode(key.touch())
    assert raw.read(raw.token(raw.landed(page)))["preferred_username"] == "alice"


WRONG_ASSERTIONS = {
    "expired": {"exp": int(time.time()) - 600},
    "signed with another key": {"key": "x" * 40},
    "of another client": {"sub": "DIXXXXXXXXXXXXXXXXXX"},
    "for another server": {"aud": "https://elsewhere.test/oauth/v1/token"},
    "for another endpoint": {"aud": "https://elsewhere.test/oauth/v1/health_check"},
    "good for a day": {"exp": int(time.time()) + 86_400},
}


def test_an_assertion_that_is_not_right_redeems_nothing(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    code = _code(raw, visitor.page(), tenant)
    for what, wrong in WRONG_ASSERTIONS.items():
        answer = raw.token(code, **wrong)
        assert (answer.status, answer.json()["error"]) == (400, "invalid_client"), what
    # Nothing of this used the code up; an assertion does, for itself.
    once = {"jti": "b6a7dd4e-8f5b-4a52-a6a5-000000000001"}
    assert raw.read(raw.token(code, **once))["preferred_username"] == "alice"
    assert raw.token(code, **once).json()["error"] == "invalid_client"


WRONG_REQUESTS = {
    "expired": {"exp": int(time.time()) - 600},
    "signed with another key": {"key": "x" * 40},
    "another state outside": {"query": {"state": "another-state-than-the-signed-one"}},
    "another name outside": {"query": {"duo_uname": "mallory"}},
    "another redirect outside": {"query": {"redirect_uri": "https://evil.elsewhere.test/"}},
    "back to a script": {"redirect_uri": "javascript:alert(document.domain)"},
    "back by plain http": {"redirect_uri": "http://evil.elsewhere.test/"},
    "back to what looks like this machine": {"redirect_uri": "http://localhost@evil.elsewhere.test/"},
    "back to a relative address": {"redirect_uri": "//evil.elsewhere.test/"},
    "a state that is too short": {"state": "short"},
    "nobody's name": {"duo_uname": " "},
    "for another server": {"aud": "https://elsewhere.test"},
}


def test_a_request_that_is_not_right_opens_no_sign_in(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    visitor.allows("status of 400")
    page = visitor.page()
    for what, wrong in WRONG_REQUESTS.items():
        answer = page.goto(raw.authorize("alice", **wrong))
        assert answer.status == 400, what
        # And nobody is led anywhere.
        assert page.url.startswith(f"{tenant.origin}/oauth/v1/authorize"), what
        expect(page.get_by_role("heading")).to_be_visible()
    assert visitor.context.cookies() == []


def test_an_integration_with_a_list_of_addresses_is_held_to_it(tenant: Tenant, visitor: Visitor) -> None:
    listed = "https://wiki.elsewhere.test/back"
    raw = RawClient(tenant, tenant.integration("websdk", "alice", redirect_uris=[listed]), listed)
    page = visitor.page()
    page.goto(raw.authorize("alice"))
    Prompt(page)
    assert "/sign-in/" in page.url
    visitor.allows("status of 400")
    assert page.goto(raw.authorize("alice", redirect_uri=f"{listed}?next=https://evil.elsewhere.test")).status == 400


def test_a_tampered_assertion_of_a_passkey_is_refused(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    page = visitor.page()
    tenant.user("alice")
    passkeys = has_passkey(page, tenant, "alice", KEY)
    page.goto(raw.authorize("alice"))
    prompt = Prompt(page)
    visitor.allows("passkey: Failed to load resource: the server responded with a status of 403")
    with passkeys.tampering(isBogusSignature=True):
        prompt.passkey()
        prompt.says("passkey-refused")
    prompt.passkey()
    assert raw.read(raw.token(raw.landed(page)))["preferred_username"] == "alice"


def test_who_gives_up_goes_back_without_a_code(scene: Scene) -> None:
    scene.tenant.hotp(scene.user())
    prompt = scene.prompt()
    prompt.button("cancel").click()
    prompt.shows("cancelled-title")
    prompt.link("back-to").click()
    assert scene.app.error(scene.page).startswith("access_denied")
