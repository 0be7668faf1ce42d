"""A person's own pages: enrolled by a link, looked after, and of no use to whoever steals the session."""

import re
from dataclasses import dataclass

import pytest
from fixtures.browser import Visitor
from fixtures.browser_house import Lobby
from fixtures.browser_passkeys import KEY, PLATFORM, Passkeys
from fixtures.browser_people import access_pass, enrolment_link, has_passkey
from fixtures.browser_prompt import Prompt, Screen
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from playwright.sync_api import Page, expect

UNDO = re.compile(r"https://[^/\s]+(/undo/\S+)")


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    return lobby.tenant()


@pytest.fixture
def visitor(lobby: Lobby, tenant: Tenant) -> Visitor:
    return lobby.visitor(tenant)


@dataclass
class Owner:
    """Somebody who is signed in to their own pages with a passkey, and has a token beside it."""

    tenant: Tenant
    lobby: Lobby
    visitor: Visitor
    user: str
    page: Page
    passkeys: Passkeys

    @property
    def address(self) -> str:
        return f"alice@{self.tenant.host}"

    def open(self, path: str, page: Page | None = None) -> Screen:
        page = page or self.page
        # A passkey that offers itself by the field of the name may be faster than the rest of the page.
        page.goto(f"{self.tenant.origin}{path}", wait_until="commit")
        return Screen(page)

    def step_up(self) -> None:
        """Confirms with the passkey, and is back."""
        self.page.locator("form[action='/account/step-up'] button").click()
        Prompt(self.page).passkey()
        self.page.wait_for_url(re.compile("/account/"))

    def things(self) -> list[str]:
        self.open("/account").shows("account-title")
        return self.page.locator(".things").first.locator("strong").all_inner_texts()

    def mail(self, holding: str = "") -> str:
        return self.lobby.mailbox.wait(self.address, holding)


@pytest.fixture
def owner(lobby: Lobby, tenant: Tenant, visitor: Visitor) -> Owner:
    user = tenant.user("alice", email=f"alice@{tenant.host}")
    tenant.totp(user)
    page = visitor.page()
    passkeys = has_passkey(page, tenant, "alice")
    owner = Owner(tenant, lobby, visitor, user, page, passkeys)
    owner.open("/account").shows("account-title")
    return owner


def test_a_link_enrols_with_a_passkey_and_then_asks_for_a_second_way(
    lobby: Lobby, tenant: Tenant, visitor: Visitor
) -> None:
    tenant.user("bob", email=f"bob@{tenant.host}")
    page = visitor.page()
    passkeys = Passkeys(page, PLATFORM)
    link = enrolment_link(tenant, "bob")
    page.goto(link)
    screen = Screen(page)
    screen.shows("activate-title")
    screen.button("register-do").click()
    screen.shows("add-title")
    # The second way: an authenticator, which reads the code of the page.
    screen.page.locator("a[href='/account/add/authenticator']").click()
    screen.button("add-authenticator-show").click()
    device = tenant.new_device().activate(page.locator("code").text_content())
    assert device.requests() == []
    screen.link("activate-ready").click()
    # The link served once.
    visitor.allows("status of 410")
    page.goto(link)
    screen.shows("trouble-link-over-title")
    visitor.context.clear_cookies()
    page.goto(f"{tenant.origin}/account", wait_until="commit")
    screen.shows("account-title")
    assert page.locator(".things").first.locator("strong").count() == 2
    assert passkeys.credential()["signCount"] > 1


def test_a_page_goes_on_when_another_device_has_read_its_code(tenant: Tenant, visitor: Visitor) -> None:
    tenant.user("bob")
    page = visitor.page()
    link = enrolment_link(tenant, "bob")
    page.goto(link)
    tenant.new_device().activate(link)
    Screen(page).shows("add-title")


def test_an_addition_takes_a_fresh_sign_in_is_announced_and_can_be_undone(owner: Owner) -> None:
    screen = owner.open("/account/add/passkey")
    expect(screen.button("register-do")).to_have_count(0)
    owner.step_up()
    owner.passkeys.remove()
    added = Passkeys(owner.page, KEY)
    screen.button("register-do").click()
    screen.says("account-done-added")
    assert len(owner.things()) == 3
    # Leave was given for one addition.
    expect(owner.open("/account/add/passkey").button("register-do")).to_have_count(0)
    undo = UNDO.findall(owner.mail("/undo/"))[-1]
    page = owner.lobby.visitor(owner.tenant).page()
    found = owner.open(undo, page)
    found.shows("undo-title")
    found.button("undo-do").click()
    found.shows("undo-undone-title")
    # Once: the link says so from then on.
    owner.open(undo, page).shows("undo-undone-title")
    # Who added it is signed out, and can't come in with it.
    owner.visitor.allows("status of 403")
    owner.open("/account").shows("name-title")
    prompt = Prompt(owner.page)
    prompt.passkey()
    prompt.says("passkey-unknown")
    wait_for("the browser forgets it", lambda: not added.credentials())


def test_a_stolen_session_adds_nothing(owner: Owner) -> None:
    """Its cookies, all of them, in another browser, with a grant among them: nothing is shown, and nothing is taken."""
    screen = owner.open("/account/add/passkey")
    owner.step_up()
    expect(screen.button("register-do")).to_be_visible()
    stolen = owner.visitor.context.cookies()
    thief = owner.lobby.visitor(owner.tenant)
    thief.allows("status of 4")
    thief.context.add_cookies(stolen)
    page = thief.page()
    Passkeys(page, KEY)
    for path in ("/account/add/passkey", "/account/add/authenticator", "/account/recovery-codes", "/account"):
        found = owner.open(path, page)
        found.says("moment-failed")
        found.lacks("register-do", "codes-make", "add-authenticator-show")
    # What the pages don't offer isn't taken either, with the only token that the thief is shown.
    token = page.locator("[data-token]").first.get_attribute("data-token")
    statuses = page.evaluate(
        """async token => Promise.all([
            ["/account/add/passkey/options", {}], ["/account/add/authenticator", {}], ["/account/recovery-codes", {}],
        ].map(([path, body]) => fetch(path, {
            method: "POST", body: new URLSearchParams({token, ...body}), redirect: "manual",
        }).then(async answer => [answer.status, answer.type, await answer.text()])))""",
        token,
    )
    for status, kind, text in statuses:
        assert status >= 400 or kind == "opaqueredirect" or "step-up" in text, (status, text[:300])
        assert "challenge" not in text and not UNDO.search(text)
    assert len(owner.things()) == 2


def test_a_name_is_changed_and_a_way_is_removed(owner: Owner) -> None:
    owner.visitor.allows("remove: Failed to load resource: the server responded with a status of 403")
    owner.open("/account")
    page = owner.page
    page.locator("summary").filter(has_text="Rename").first.click()
    page.get_by_label("New name").first.fill("My <b>blue</b> laptop")
    page.get_by_role("button", name="Save").first.click()
    screen = Screen(page)
    screen.says("account-done-renamed")
    assert "My <b>blue</b> laptop" in owner.things()
    page.get_by_role("link", name="Remove").last.click()
    owner.step_up()
    screen.button("remove-surely").click()
    screen.says("account-done-removed")
    assert owner.things() == ["My <b>blue</b> laptop"]
    # The last one stays.
    page.get_by_role("link", name="Remove").click()
    last = page.get_by_text(screen.text("remove-last"))
    confirm = page.locator("form[action='/account/step-up']")
    expect(last.or_(confirm).first).to_be_visible()
    if confirm.count():
        owner.step_up()
        screen.button("remove-surely").click()
    expect(page.get_by_text(screen.text("remove-last"))).to_be_visible()
    assert owner.things() == ["My <b>blue</b> laptop"]


def test_recovery_codes_open_the_way_to_a_new_start_once_each(owner: Owner) -> None:
    screen = owner.open("/account/recovery-codes")
    owner.step_up()
    screen.button("codes-make").click()
    screen.shows("codes-made-title")
    codes = owner.page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    assert not [code for code in codes if code in owner.mail()], "the codes are in the mail"
    stranger = owner.lobby.visitor(owner.tenant)
    stranger.allows("status of 4")
    page = stranger.go(f"{owner.tenant.origin}/account/sign-in")
    prompt = Prompt(page)
    prompt.name("alice")
    prompt.recover(codes[0])
    prompt.shows("account-title")
    Passkeys(page, KEY)
    owner.open("/account/add/passkey", page).button("register-do").click()
    prompt.says("account-done-added")
    stranger.context.clear_cookies()
    page = stranger.go(f"{owner.tenant.origin}/account/sign-in")
    prompt = Prompt(page)
    prompt.name("alice")
    prompt.recover(codes[0])
    expect(page.get_by_role("alert")).to_be_visible()


def test_an_access_pass_registers_a_passkey_and_nothing_else(tenant: Tenant, visitor: Visitor) -> None:
    tenant.totp(tenant.user("bob"))
    code = access_pass(tenant, "bob")
    page = visitor.go(f"{tenant.origin}/account/sign-in")
    prompt = Prompt(page)
    prompt.name("bob")
    prompt.recover(code)
    prompt.shows("add-title")
    expect(page.locator("a[href='/account/add/authenticator']")).to_have_count(0)
    for path in ("/account", "/account/sessions", "/account/recovery-codes"):
        page.goto(f"{tenant.origin}{path}")
        prompt.shows("add-title")
    Passkeys(page, PLATFORM)
    page.locator("a[href='/account/add/passkey']").click()
    prompt.button("register-do").click()
    page.wait_for_url(re.compile("/account(/sign-in)?|/sign-in/"))
    assert len(tenant.server.admin("--tenant", tenant.host, "user", "passkeys", "bob").splitlines()) == 1


def test_a_stolen_key_or_session_of_an_operator_adds_nothing(owner: Owner) -> None:
    """Where there is a passkey: not by any call of the Admin API, and not from the command line."""
    tenant, admin, user = owner.tenant, owner.tenant.admin, owner.user
    before = owner.things()
    token = admin.add_totp6_token("stolen-1", "3132333435363738393031323334353637383930")["token_id"]
    phone = admin.add_phone(number="+12025550143", type="mobile")["phone_id"]
    for name, attempt in {
        "token": lambda: admin.add_user_token(user, token),
        "phone": lambda: admin.add_user_phone(user, phone),
        "bypass codes": lambda: admin.add_user_bypass_codes(user, count=1),
        "link to enrol by": lambda: admin.enroll_user("alice", "thief@example.com"),
        "no second factor": lambda: admin.update_user(user, status="bypass"),
    }.items():
        with pytest.raises(RuntimeError, match="another administrator") as refused:
            attempt()
        assert refused.value.status == 403, name
    here = ("--tenant", tenant.host, "user")
    for command in ("pass", "enrollment-link"):
        with pytest.raises(AssertionError, match="another administrator"):
            tenant.server.admin(*here, command, "alice", operator="thief")
    assert owner.things() == before

    # The thief asks; the owner hears of it and stops it.
    tenant.server.admin(*here, "ask-addition", "alice", operator="thief")
    notice = owner.mail("asks to add something")
    with pytest.raises(AssertionError, match="another administrator"):
        tenant.server.admin(*here, "allow-addition", "alice", "--asked-by", "command line (thief)", operator="thief")
    owner.open(UNDO.search(notice)[1]).button("undo-do").click()
    with pytest.raises(AssertionError, match="no such request"):
        tenant.server.admin(*here, "allow-addition", "alice", "--asked-by", "command line (thief)", operator="eve")


def test_two_operators_help_somebody_who_has_lost_a_passkey(owner: Owner) -> None:
    here = ("--tenant", owner.tenant.host, "user")
    owner.tenant.server.admin(*here, "ask-addition", "alice", operator="ana")
    owner.tenant.server.admin(*here, "allow-addition", "alice", "--asked-by", "command line (ana)", operator="ben")
    owner.tenant.server.admin(*here, "pass", "alice", operator="ana")
    with pytest.raises(AssertionError, match="another administrator"):
        owner.tenant.server.admin(*here, "pass", "alice", operator="cleo")
    assert "made an access pass" in owner.mail("access pass")


def test_sessions_are_listed_and_ended(owner: Owner) -> None:
    other = owner.lobby.visitor(owner.tenant)
    page = other.page()
    Passkeys(page, PLATFORM).put(*owner.passkeys.credentials())
    owner.open("/account", page).shows("account-title")
    screen = owner.open("/account/sessions")
    screen.shows("sessions-title")
    expect(owner.page.locator(".things li")).to_have_count(3 if _enrolment_is_listed(owner) else 2)
    screen.button("sessions-end-others").click()
    owner.open("/account/sessions").shows("sessions-title")
    expect(owner.page.locator(".things li")).to_have_count(1)
    other.context.clear_cookies(name=re.compile("-kb$"))
    other.allows("status of 403")
    page.goto(f"{owner.tenant.origin}/account/sessions")
    page.wait_for_url("**/sign-in/**")


def _enrolment_is_listed(owner: Owner) -> bool:
    return owner.page.get_by_text(Screen(owner.page).text("strength-enrollment")).count() > 0


def test_who_signs_out_is_out(owner: Owner) -> None:
    cookies = owner.visitor.context.cookies()
    owner.open("/account").button("sign-out").click()
    owner.page.wait_for_load_state()
    thief = owner.lobby.visitor(owner.tenant)
    thief.context.add_cookies(cookies)
    owner.open("/account", thief.page()).shows("name-title")


def test_a_report_ends_the_other_sessions_and_is_told(owner: Owner) -> None:
    owner.tenant.admin.update_settings(fraud_email=f"soc@{owner.tenant.host}", fraud_email_enabled=True)
    screen = owner.open("/account/report")
    screen.button("report-surely").click()
    screen.says("account-done-reported")
    assert "alice" in owner.lobby.mailbox.wait(f"soc@{owner.tenant.host}")


def test_who_types_a_name_learns_nothing_of_the_account(owner: Owner) -> None:
    """A browser that isn't known sees the same for a real name and for one that nobody has."""
    stranger = owner.lobby.visitor(owner.tenant)
    seen = []
    for name in ("alice", "nobody"):
        page = stranger.go(f"{owner.tenant.origin}/account/sign-in")
        Prompt(page).name(name)
        expect(page.locator(".who bdi")).to_have_text(name)
        seen.append(page.locator("main").inner_text().replace(name, "NAME"))
    assert seen[0] == seen[1]
