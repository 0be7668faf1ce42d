"""Passkeys in a real browser: registered, used with and without a name, copied, tampered with, and not to be talked down from."""

import pytest
from fixtures.browser import Visitor
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import RawClient
from fixtures.browser_passkeys import KEY, PLATFORM, TOUCH, Passkeys
from fixtures.browser_people import enrolment_link, has_passkey, settings, telephone
from fixtures.browser_prompt import Prompt, Screen
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from playwright.sync_api import Page, expect


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    return lobby.tenant()


@pytest.fixture
def visitor(lobby: Lobby, tenant: Tenant) -> Visitor:
    visitor = lobby.visitor(tenant)
    # What a passkey is refused with.
    visitor.allows(r"/(passkey|options): Failed to load resource: the server responded with a status of 403")
    return visitor


@pytest.fixture
def raw(lobby: Lobby, tenant: Tenant) -> RawClient:
    return lobby.client(tenant)


def _arrives(page: Page, raw: RawClient, prompt: Prompt) -> None:
    """The passkey leads back to the application."""
    prompt.passkey()
    assert raw.landed(page)


def _account(page: Page, tenant: Tenant) -> None:
    """At the person's own pages."""
    page.goto(f"{tenant.origin}/account", wait_until="commit")
    Screen(page).shows("account-title")


def test_a_passkey_signs_in_without_a_name(tenant: Tenant, visitor: Visitor) -> None:
    """The field of the name offers it by itself (conditional mediation)."""
    tenant.user("alice")
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice")
    credential = passkeys.credential()
    assert credential["isResidentCredential"] and credential["rpId"] == tenant.host
    _account(page, tenant)
    expect(page.locator(".who bdi")).to_have_text("alice")
    listed = tenant.server.admin("--tenant", tenant.host, "user", "passkeys", "alice")
    assert len(listed.splitlines()) == 1


@pytest.mark.parametrize(("eligible", "state", "said"), [
    (False, False, "thing-passkey"),
    (True, False, "thing-passkey"),
    (True, True, "thing-passkey-synced"),
])  # fmt: skip
def test_the_backup_flags_are_kept_and_shown(
    tenant: Tenant, visitor: Visitor, eligible: bool, state: bool, said: str
) -> None:
    tenant.user("alice")
    page = visitor.page()
    has_passkey(page, tenant, "alice", defaultBackupEligibility=eligible, defaultBackupState=state)
    _account(page, tenant)
    expect(page.locator(".things").first).to_contain_text(Screen(page).text(said))


def test_a_passkey_that_changes_its_backup_eligibility_is_refused(
    tenant: Tenant, visitor: Visitor, raw: RawClient
) -> None:
    """It is fixed for life (WebAuthn L3 §6.1.3); the state is not."""
    tenant.user("alice")
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice", defaultBackupEligibility=True)
    passkeys.backed_up(eligible=True, state=True)
    page.goto(raw.authorize("alice"))
    _arrives(page, raw, Prompt(page))
    passkeys.backed_up(eligible=False, state=False)
    page.goto(raw.authorize("alice"))
    prompt = Prompt(page)
    prompt.passkey()
    prompt.says("passkey-refused")


def test_a_copy_whose_counter_went_back_is_suspended(
    lobby: Lobby, tenant: Tenant, visitor: Visitor, raw: RawClient
) -> None:
    """A thief has a copy; after its owner's next sign-in it is told by its counter. Nobody knows which is which, so both stop."""
    tenant.user("alice")
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice", KEY)
    copy = passkeys.credential()
    page.goto(raw.authorize("alice"))
    _arrives(page, raw, Prompt(page))
    thief = lobby.visitor(tenant)
    thief.allows("status of 403")
    stolen = thief.page()
    Passkeys(stolen, KEY).put(copy)
    stolen.goto(raw.authorize("alice"))
    prompt = Prompt(stolen)
    prompt.passkey()
    prompt.says("passkey-refused")
    assert "suspended" in tenant.server.admin("--tenant", tenant.host, "user", "passkeys", "alice")


@pytest.mark.parametrize("lie", ["isBogusSignature", "isBadUV", "isBadUP"])
def test_an_answer_that_is_not_right_opens_nothing(tenant: Tenant, visitor: Visitor, raw: RawClient, lie: str) -> None:
    tenant.user("alice")
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice")
    page.goto(raw.authorize("alice"))
    prompt = Prompt(page)
    with passkeys.tampering(**{lie: True}):
        prompt.passkey()
        prompt.says("passkey-refused")
    _arrives(page, raw, prompt)


def test_a_passkey_of_another_organisation_is_nobodys(lobby: Lobby, tenant: Tenant, visitor: Visitor) -> None:
    """The browser itself keeps it away, as it belongs to another host; and forged for this one, the server doesn't know it."""
    other = lobby.tenant()
    other.user("alice")
    tenant.user("alice")
    elsewhere = lobby.visitor(other).page()
    theirs = has_passkey(elsewhere, other, "alice").credential()
    page = visitor.page()
    has_passkey(page, tenant, "alice").remove()
    passkeys = Passkeys(page, PLATFORM)
    passkeys.put(theirs | {"rpId": tenant.host})
    page.goto(f"{tenant.origin}/account/sign-in", wait_until="commit")
    prompt = Prompt(page)
    prompt.says("passkey-unknown")
    assert "/sign-in/" in page.url
    # The browser was told that nobody has it, and doesn't offer it again (WebAuthn L3 §5.1.10).
    wait_for("it is forgotten", lambda: not passkeys.credentials())


def test_a_key_that_asks_for_a_touch_only_is_not_enough(tenant: Tenant, visitor: Visitor) -> None:
    """It stands for a password, too, so it must know its owner."""
    tenant.user("alice")
    page = visitor.page()
    Passkeys(page, TOUCH)
    page.goto(enrolment_link(tenant, "alice"))
    screen = Screen(page)
    screen.button("register-do").click()
    screen.says("register-cancelled")
    assert tenant.server.admin("--tenant", tenant.host, "user", "passkeys", "alice").strip() == ""


def test_who_isnt_recognised_can_try_again(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    tenant.user("alice")
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice")
    passkeys.verifies(False)
    page.goto(raw.authorize("alice"))
    prompt = Prompt(page)
    prompt.passkey()
    prompt.says("passkey-cancelled")
    passkeys.verifies(True)
    _arrives(page, raw, prompt)


AGENTS = [
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; rv:52.0) Gecko/20100101 Firefox/52.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0.2623.112 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/66.0.3359.181 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/46.0.2486.0 Safari/537.36 Edge/13.10586",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_6) AppleWebKit/601.7.7 (KHTML, like Gecko) Version/9.1.2 Safari/601.7.7",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3 like Mac OS X) AppleWebKit/603.1.30 (KHTML, like Gecko) Version/10.0 Mobile/14E5239e Safari/602.1",
    "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/92.0.4515.90 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    "Mozilla/5.0 (Linux; Android 5.1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/43.0.2357.65 Mobile Safari/537.36",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
    "Mozilla/5.0 (X11; CrOS armv7l 6946.63.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.134 Safari/537.36",
    "Mozilla/5.0 (Nintendo 3DS; U; ; en) Version/1.7498.US",
    "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.5",
    "w3m/0.5.3+git20190105",
    "curl/8.14.1",
    "-",
]


@pytest.mark.parametrize("agent", AGENTS, ids=range(len(AGENTS)))
def test_no_browser_however_old_it_says_it_is_gets_a_weaker_factor(lobby: Lobby, agent: str, downgraded) -> None:
    """A phishing proxy claims a browser that can't use passkeys, so that the person is asked for something it can relay."""
    tenant, raw, token = downgraded
    visitor = lobby.visitor(tenant, user_agent=agent)
    visitor.allows("status of 4")
    page = visitor.go(raw.authorize("alice"))
    prompt = Prompt(page)
    prompt.shows("passkey-title")
    prompt.lacks("passcode-way-detail", "push-way-detail", "sms-way-detail", "call-way-detail", "recovery-way-detail")
    # And what isn't offered isn't taken, when it is sent all the same.
    base = page.url
    secret = page.locator("input[name=token]").first.get_attribute("value")
    for way, fields in (("passcode", {"code": token.press()}), ("push", {"device": ""}), ("sms", {"device": ""}), ("call", {"device": ""})):
        page.evaluate(
            """([address, fields]) => {
                const form = document.createElement("form");
                form.method = "post"; form.action = address;
                for (const [name, value] of Object.entries(fields)) {
                    const input = document.createElement("input");
                    input.name = name; input.value = value; form.append(input);
                }
                document.body.append(form); form.submit();
            }""",
            [f"{base}/{way}", fields | {"token": secret}],
        )
        prompt.says("hidden-passkey")
        assert page.url.startswith(base), way


@pytest.fixture(scope="module")
def downgraded(shared_lobby: Lobby):
    """Somebody with a passkey and everything weaker."""
    tenant = shared_lobby.tenant()
    settings(tenant, push_in_new_browsers=True)
    user = tenant.user("alice")
    token = tenant.hotp(user)
    tenant.device(user)
    telephone(tenant, user)
    visitor = Visitor(shared_lobby.chromium, {tenant.host})
    has_passkey(visitor.page(), tenant, "alice")
    visitor.close()
    return tenant, shared_lobby.client(tenant), token


def test_a_passkey_that_was_taken_away_goes_from_the_browser_too(tenant: Tenant, visitor: Visitor) -> None:
    """By the signal API, when it is next offered (WebAuthn L3 §5.1.10)."""
    tenant.totp(tenant.user("alice"))
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice")
    (listed,) = tenant.server.admin("--tenant", tenant.host, "user", "passkeys", "alice").splitlines()
    # The last one: that takes two administrators.
    here = ("--tenant", tenant.host)
    tenant.server.admin(*here, "user", "ask-addition", "alice", operator="ana")
    asked_by = ("--asked-by", "command line (ana)")
    tenant.server.admin(*here, "user", "allow-addition", "alice", *asked_by, operator="ben")
    tenant.server.admin(*here, "passkey", "delete", listed.split()[0], operator="ana")
    page.goto(f"{tenant.origin}/account/sign-in", wait_until="commit")
    Prompt(page).says("passkey-unknown")
    wait_for("it is forgotten", lambda: not passkeys.credentials())
