"""The installable authenticator in browsers: activated by a link, it approves by the digits of the sign-in, denies, reports,
shows passcodes without a network, moves, and goes."""

import re

import duo_client
import pytest
from fixtures import browser_axe
from fixtures.browser_passkeys import PLATFORM, Passkeys
from fixtures.tenant import Integration, Tenant
from fixtures.waiting import wait_for
from playwright.sync_api import Page, expect


class Person:
    """Somebody with an account and an application to sign in to."""

    def __init__(self, tenant: Tenant, username: str = "alice") -> None:
        self.tenant, self.username = tenant, username
        self.user = tenant.user(username)
        self.application: Integration = tenant.integration("authapi", username)
        self.phones = 0

    def link(self) -> str:
        """An activation link, as the organisation sends it."""
        self.phones += 1
        phone = self.tenant.admin.add_phone(name=f"phone {self.phones}", type="Mobile", platform="Generic Smartphone")
        self.tenant.admin.add_user_phone(self.user, phone["phone_id"])
        return self.tenant.admin.create_activation_url(phone["phone_id"], valid_secs=600)["activation_url"]

    def fragment(self) -> str:
        """The same, for the application itself."""
        tenant, code = self.link().rsplit("/", 2)[-2:]
        return f"#activate={tenant}.{code}"

    def client(self) -> duo_client.Auth:
        app = self.application
        return duo_client.Auth(app.ikey, app.skey, "localhost", ca_certs=str(app.ca_file), port=app.port)

    def push(self) -> tuple[str, str]:
        """Begins a push: its id, and the digits that the sign-in shows."""
        asked = {"pushinfo": "Place=Lyon&Reason=backup", "ipaddr": "192.0.2.7"}
        txid = self.client().auth("push", self.username, device="auto", async_txn=True, **asked)["txid"]
        shown = self.client().auth_status(txid)["status_msg"]
        return txid, "".join(character for character in shown if character.isdigit())

    def outcome(self, txid: str) -> dict:
        return self.client().auth_status(txid)


@pytest.fixture
def person(lobby):
    return Person(lobby.tenant())


@pytest.fixture
def app(lobby, person) -> Page:
    """The application, with the account in it."""
    return activated(lobby.visitor(person.tenant), person)


def activated(visitor, person: Person) -> Page:
    page = visitor.go(f"{person.tenant.origin}/authenticator/{person.fragment()}")
    heading(page, "Add an account")
    expect(page.get_by_text(f"This account is at {person.tenant.host}")).to_be_visible()
    page.get_by_role("button", name="Add this account").click()
    heading(page, "Authenticator")
    expect(page.get_by_text(person.username, exact=True)).to_be_visible()
    return page


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_a_request_is_shown_with_what_it_is_about_and_approved_by_its_digits(app, person):
    txid, code = person.push()
    heading(app, "Are you signing in?")
    for said in (person.application.username, person.tenant.name, "Lyon", "192.0.2.7", "backup"):
        expect(app.locator("#request").get_by_text(said, exact=True)).to_be_visible()
    app.get_by_label("Six digits").fill(f"{code[:3]} {code[3:]}")
    app.get_by_role("button", name="Approve").click()
    expect(app.get_by_role("status").get_by_text("Approved")).to_be_visible()
    heading(app, "Authenticator")
    assert person.outcome(txid)["success"] is True


def test_wrong_digits_approve_nothing(app, person):
    txid, code = person.push()
    heading(app, "Are you signing in?")
    app.get_by_role("button", name="Approve").click()
    expect(app.get_by_role("alert")).to_contain_text("six digits")
    app.get_by_label("Six digits").fill(f"{(int(code) + 1) % 1_000_000:06}")
    app.get_by_role("button", name="Approve").click()
    expect(app.get_by_role("status").get_by_text("Not approved")).to_be_visible()
    assert person.outcome(txid)["success"] is False


@pytest.mark.parametrize(("button", "said", "status"), [("Deny", "Denied", "deny"), ("It wasn’t me", "Reported", "fraud")])
def test_one_tap_refuses(app, person, button, said, status):
    txid, _ = person.push()
    app.get_by_role("button", name=button).click()
    expect(app.get_by_role("status").get_by_text(said)).to_be_visible()
    outcome = person.outcome(txid)
    assert (outcome["success"], outcome["status"]) == (False, status)


def test_the_passcode_signs_in_once_and_needs_no_network(app, person, lobby):
    wait_for("the page works without a network", lambda: app.evaluate("caches.keys().then(names => names.length)"))
    app.evaluate("navigator.serviceWorker.ready.then(() => true)")
    with lobby.visitors[-1].expects("ERR_INTERNET_DISCONNECTED"):
        app.context.set_offline(True)
        app.reload()
        heading(app, "Authenticator")
        shown = app.locator(".passcode")
        expect(shown).to_have_text(re.compile(r"^\d{3} \d{3}$"))
        passcode = shown.inner_text().replace(" ", "")
        expect(app.get_by_text("No connection")).to_be_visible()
        app.context.set_offline(False)
    assert person.client().auth("passcode", person.username, passcode=passcode)["result"] == "allow"
    again = person.client().auth("passcode", person.username, passcode=passcode, ipaddr="192.0.2.8")
    assert again["result"] == "deny"


def test_a_push_shows_a_notice_that_tells_nothing_and_the_page_looks_at_once(app, person):
    app.context.grant_permissions(["notifications"], origin=person.tenant.origin)
    app.evaluate("navigator.serviceWorker.ready.then(() => true)")
    session = app.context.new_cdp_session(app)
    registrations: list[dict] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    shell = wait_for(
        "the service worker is known",
        lambda: app.wait_for_timeout(50) or [one for one in registrations if one["scopeURL"].endswith("/authenticator/")],
    )[0]
    for data, said in (('{"look":"019ab3c0"}', "Is that you?"), ('{"notice":"added"}', "Something about your account"), ("?", "Some")):
        session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": person.tenant.origin, "registrationId": shell["registrationId"], "data": data},
        )
        shown = """said => navigator.serviceWorker.ready.then(ready => ready.getNotifications())
            .then(all => all.map(one => `${one.title}: ${one.body}`).find(text => text.includes(said)))"""
        notice = wait_for(f"the notice {said!r}", lambda said=said: app.evaluate(shown, said))
        for secret in (person.username, person.tenant.name, person.application.username, "019ab3c0"):
            assert secret not in notice


MODULES = """async names => {
    const base = document.querySelector("script[src*='/authenticator/app.js']").src;
    const [bytes, totp, links] = await Promise.all(["bytes", "totp", "links"].map(name => import(new URL(`${name}.js`, base))));
"""


def test_what_the_browser_works_out_is_as_the_standards_say(app):
    codes = app.evaluate(
        MODULES
        + """
            const key = await crypto.subtle.importKey("raw", bytes.fromBase32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
                { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
            return Promise.all([59, 1111111109, 2000000000, 20000000000].map(at => totp.passcode(key, at * 1000, 30, 8)));
        }"""
    )
    assert codes == ["94287082", "07081804", "69279037", "65353130"]  # RFC 6238, appendix B.
    der = MODULES + "return names.map(raw => bytes.toHex(bytes.toDer(Uint8Array.fromHex(raw).buffer)));}"
    ones, small, high = "01" * 32, "00" * 31 + "7f", "80" + "00" * 31
    assert app.evaluate(der, [ones + small, high + "00" * 32]) == [
        "3025" + "0220" + ones + "02017f",
        "3026" + "022100" + high + "020100",
    ]


def test_only_what_activates_or_approves_is_taken(app, person):
    tenant, code = person.link().rsplit("/", 2)[-2:]
    host = person.tenant.origin
    bad = [
        "", "x", f"http://{person.tenant.host}/activate/{tenant}/{code}", f"https://a:b@h.test/activate/{tenant}/{code}",
        f"javascript:alert(1)//activate/{tenant}/{code}", f"{host}/activate/{tenant}", f"{host}/activate/{tenant}/x",
        f"{host}/activate/{code}/{tenant}", f"{host}/other/#activate={tenant}.{code}", f"#activate={tenant}",
        f"countersign:approve?tenant={tenant}&attempt=x&code=123456", "countersign:approve?", "data:text/html,x",
    ]  # fmt: skip
    take = MODULES + "return names.map(text => [links.activation(text, location.origin), links.approval(text)]);}"
    assert app.evaluate(take, bad) == [[None, None]] * len(bad)
    found = {"base": host, "tenant": tenant, "code": code}
    good = [f"{host}/activate/{tenant}/{code}", f" https://{person.tenant.host}/activate/{tenant}/{code}/ ", f"#activate={tenant}.{code}"]
    assert [activation for activation, _ in app.evaluate(take, good)] == [found] * len(good)


def test_the_key_cannot_be_taken_out_of_the_browser(app):
    taken = app.evaluate(
        """async () => {
            const database = await new Promise(done => {
                const asked = indexedDB.open("countersign-authenticator");
                asked.onsuccess = () => done(asked.result);
            });
            const [account] = await new Promise(done => {
                const asked = database.transaction("accounts").objectStore("accounts").getAll();
                asked.onsuccess = () => done(asked.result);
            });
            const tries = [];
            for (const [key, formats] of [[account.key, ["pkcs8", "jwk"]], [account.passcodes.key, ["raw", "jwk"]]])
                for (const format of formats)
                    tries.push(await crypto.subtle.exportKey(format, key).then(() => "taken", error => error.name));
            return [tries, JSON.stringify(account)];
        }"""
    )
    assert taken[0] == ["InvalidAccessError"] * 4


def test_rename_and_remove(app, person, lobby):
    visitor = lobby.visitors[-1]
    other = activated(lobby.visitor(person.tenant), person)
    app.get_by_role("button", name="Manage").click()
    app.get_by_role("textbox", name="Name of this device").fill("The <b>old</b> one")
    app.get_by_role("button", name="Rename").click()
    expect(app.get_by_role("status").get_by_text("Renamed")).to_be_visible()
    names = [phone["name"] for phone in person.tenant.admin.get_user_phones(person.user)]
    assert "The <b>old</b> one" in names
    app.get_by_role("button", name="Remove from this device").click()
    app.get_by_role("button", name="Yes, remove it").click()
    expect(app.get_by_role("status").get_by_text("Removed")).to_be_visible()
    expect(app.get_by_text("There is no account")).to_be_visible()
    assert len(person.tenant.admin.get_user_phones(person.user)) == 1
    # The last one stays.
    with lobby.visitors[-1].expects("400"):
        other.get_by_role("button", name="Manage").click()
        other.get_by_role("button", name="Remove from this device").click()
        other.get_by_role("button", name="Yes, remove it").click()
        expect(other.get_by_role("alert")).to_contain_text("only way to sign in")
    visitor.check()


def test_moving_to_another_phone_ends_the_old_one(app, person, lobby):
    app.get_by_role("button", name="Manage").click()
    app.get_by_role("button", name="Move to a new phone").click()
    heading(app, "Move to a new phone")
    expect(app.get_by_role("img", name="QR code")).to_be_visible()
    link = app.locator("#move-link").inner_text()
    new = lobby.visitor(person.tenant).go(f"{person.tenant.origin}/authenticator/")
    new.get_by_role("button", name="Add an account").click()
    new.get_by_label("Link").fill(link)
    new.get_by_role("button", name="Add this account").click()
    expect(new.get_by_text(person.username, exact=True)).to_be_visible()
    with lobby.visitors[0].expects("401"):
        app.get_by_role("button", name="Done").click()
        expect(app.get_by_text("Not active any more")).to_be_visible()
    txid, code = person.push()
    new.get_by_label("Six digits").fill(code)
    new.get_by_role("button", name="Approve").click()
    expect(new.get_by_role("status").get_by_text("Approved")).to_be_visible()
    assert person.outcome(txid)["success"] is True
    assert len(person.tenant.admin.get_user_phones(person.user)) == 1


def test_accounts_of_two_organisations_at_two_hosts(lobby, person):
    other = Person(lobby.tenant(), "bob")
    visitor = lobby.visitor(person.tenant, other.tenant.host)
    app = activated(visitor, person)
    app.get_by_role("button", name="Add an account").click()
    app.get_by_label("Link").fill(other.link())
    expect(app.get_by_text(f"This account is at {other.tenant.host}")).to_be_visible()
    app.get_by_role("button", name="Add this account").click()
    expect(app.get_by_text("bob", exact=True)).to_be_visible()
    for somebody in (other, person):
        txid, code = somebody.push()
        expect(app.locator("#request").get_by_text(somebody.tenant.name)).to_be_visible()
        app.get_by_label("Six digits").fill(code)
        app.get_by_role("button", name="Approve").click()
        expect(app.get_by_role("status").get_by_text("Approved")).to_be_visible()
        assert somebody.outcome(txid)["success"] is True
    assert not app.context.cookies(other.tenant.origin)


def test_a_link_that_was_used_is_refused(app, person, lobby):
    fragment = person.fragment()
    for said in ("Authenticator", "Add an account"):
        page = lobby.visitor(person.tenant).go(f"{person.tenant.origin}/authenticator/{fragment}")
        heading(page, "Add an account")
        # The code stays in no history.
        assert "activate" not in page.url
        lobby.visitors[-1].allows("400")
        page.get_by_role("button", name="Add this account").click()
        heading(page, said)
    expect(page.get_by_role("alert")).to_contain_text("A link works once")


KEPT = """() => new Promise(done => {
    indexedDB.open("countersign-authenticator").onsuccess = opened => {
        const accounts = opened.target.result.transaction("accounts").objectStore("accounts").getAll();
        accounts.onsuccess = () => {
            const [{ key, passcodes, sealed }] = accounts.result;
            done({ key: key !== null, passcode: passcodes.key !== null, sealed: sealed !== null });
        };
    };
})"""


@pytest.mark.parametrize("prf", [False, True], ids=["without a secret", "with a secret"])
def test_the_lock_opens_with_the_passkey_only(lobby, person, prf):
    visitor = lobby.visitor(person.tenant)
    app = visitor.go(f"{person.tenant.origin}/authenticator/")
    passkeys = Passkeys(app, PLATFORM, hasPrf=prf)
    app.get_by_role("button", name="Settings").click()
    app.get_by_role("button", name="Lock with a new passkey").click()
    said = "encrypted" if prf else "keys are not encrypted"
    expect(app.get_by_role("status").get_by_text(said)).to_be_visible()
    app.goto(f"{person.tenant.origin}/authenticator/?{person.fragment()}")
    heading(app, "Locked")
    if not prf:
        # With a secret, Chromium asks for the finger again and again by itself, until the authenticator blocks it.
        passkeys.verifies(False)
        app.get_by_role("button", name="Unlock").click()
        expect(app.get_by_role("alert")).to_be_visible()
        heading(app, "Locked")
        passkeys.verifies(True)
    app.get_by_role("button", name="Unlock").click()
    app.get_by_role("button", name="Add this account").click()
    expect(app.get_by_text(person.username, exact=True)).to_be_visible()
    app.reload()
    heading(app, "Locked")
    expect(app.get_by_text(person.username, exact=True)).to_be_hidden()
    app.get_by_role("button", name="Unlock").click()
    txid, code = person.push()
    app.get_by_label("Six digits").fill(code)
    app.get_by_role("button", name="Approve").click()
    expect(app.get_by_role("status").get_by_text("Approved")).to_be_visible()
    assert person.outcome(txid)["success"] is True
    # What is kept of the keys: themselves, or with a secret only what it opens.
    kept = app.evaluate(KEPT)
    assert kept == {"key": not prf, "passcode": not prf, "sealed": prf}
    app.get_by_role("button", name="Settings").click()
    app.get_by_role("button", name="Turn off the lock").click()
    expect(app.get_by_role("status").get_by_text("off")).to_be_visible()
    assert app.evaluate(KEPT) == {"key": True, "passcode": True, "sealed": False}


def test_hostile_names_are_text(lobby):
    hostile = '<img src=x onerror="document.title=1">{account}'
    tenant = lobby.tenant(f"Acme {hostile} {id(lobby)}")
    person = Person(tenant, "mallory")
    app = activated(lobby.visitor(tenant), person)
    expect(app.get_by_text(hostile).first).to_be_visible()
    person.push()
    expect(app.locator("#request").get_by_text(hostile)).to_be_visible()
    assert app.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_every_view(lobby, person, language, scheme):
    visitor = lobby.visitor(person.tenant, locale=language, color_scheme=scheme)
    page = visitor.go(f"{person.tenant.origin}/authenticator/{person.fragment()}")
    page.locator("#add button").click()
    expect(page.locator(".passcode")).to_be_visible()
    found = []
    for view in ("home", "request", "add", "account", "move", "settings", "locked", "scan"):
        page.evaluate(
            """view => {
                for (const section of document.querySelectorAll('[data-view]')) section.hidden = section.dataset.view !== view;
            }""",
            view,
        )
        found += [f"{view}: {line}" for line in browser_axe.violations(page)]
    assert not found, "\n".join(found)


def test_in_firefox_too(lobby, person):
    firefox = lobby.firefox
    firefox.hosts.add(person.tenant.host)
    try:
        firefox.go(f"{person.tenant.origin}/authenticator/{person.fragment()}")
        firefox.click("button", "Add this account")
        firefox.wait("a passcode", "/^\\d{3} \\d{3}$/.test(document.querySelector('.passcode')?.textContent)")
        passcode = firefox.evaluate("document.querySelector('.passcode').textContent").replace(" ", "")
        assert person.client().auth("passcode", person.username, passcode=passcode)["result"] == "allow"
        txid, code = person.push()
        firefox.wait("the request", "document.getElementById('digits').offsetParent !== null")
        firefox.evaluate("document.getElementById('digits').focus()")
        firefox.type(code)
        firefox.click("button", "Approve")
        firefox.wait("the approval", "document.getElementById('note').textContent.startsWith('Approved')")
        assert person.outcome(txid)["success"] is True
        firefox.check()
    finally:
        firefox.forget()
