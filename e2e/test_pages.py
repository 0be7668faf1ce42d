"""What must be true of every page: everybody can use it, in both colour schemes and both languages, on the smallest phone, and
nothing on it comes from or goes anywhere else. And what attackers try with pages."""

import re
from collections.abc import Iterator

import pytest
from fixtures import browser_axe
from fixtures.browser import Visitor
from fixtures.browser_catalogue import SCENES, Tour
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import RawClient, ask
from fixtures.browser_people import has_passkey, settings
from fixtures.browser_prompt import Prompt, Screen
from fixtures.tenant import Tenant
from playwright.sync_api import Page, expect

# Bytes over the wire for the first page that somebody sees, headers included.
FIRST_PAGE = 50_000
SMALLEST = {"width": 320, "height": 640}
# What a text would be that no catalogue has: its key.
KEY = re.compile(r"^[a-z]+(-[a-z]+)+$")


@pytest.fixture(scope="module")
def tours(shared_lobby: Lobby) -> Iterator[dict[str, Tour]]:
    tours: dict[str, Tour] = {}
    yield tours
    for tour in tours.values():
        tour.leave()


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    return lobby.tenant()


@pytest.fixture
def visitor(lobby: Lobby, tenant: Tenant) -> Visitor:
    return lobby.visitor(tenant)


@pytest.fixture
def raw(lobby: Lobby, tenant: Tenant) -> RawClient:
    return lobby.client(tenant)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize("name", SCENES)
def test_everybody_can_use_each_page(shared_lobby: Lobby, tours: dict[str, Tour], name: str, language: str) -> None:
    if language not in tours:
        tours[language] = Tour(shared_lobby, language)
    tour = tours[language]
    tour.visitor.problems.clear()
    page = SCENES[name](tour)
    # Colours don't depend on the direction.
    _is_accessible(page, name, ("light",) if language == "ar" else ("light", "dark"))
    page.set_viewport_size(SMALLEST)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"], "it scrolls sideways on a small phone"
    if name == "sign-in-refused-request":
        language = "en"  # It is for whoever writes the application.
    document = page.locator("html")
    direction = page.evaluate("getComputedStyle(document.documentElement).direction")
    assert direction == ("rtl" if language == "ar" else "ltr")
    expect(document).to_have_attribute("lang", language)
    words = page.locator("body").inner_text().splitlines()
    assert not [line for line in words if KEY.match(line.strip())], words
    page.close()
    tour.visitor.check()


def _is_accessible(page: Page, name: str, schemes: tuple[str, ...]) -> None:
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found = browser_axe.violations(page)
        assert not found, f"{name}, {scheme}:\n" + "\n".join(found)


@pytest.mark.parametrize("name", ["sign-in-passkey", "sign-in-push", "sign-in-passcode", "name", "activate"])
def test_a_first_page_is_light(lobby: Lobby, name: str) -> None:
    """Everything that comes over the wire until the page is still, in a browser that has seen nothing."""
    tour = Tour(lobby)
    page = SCENES[name](tour)
    if name.startswith("sign-in"):
        address = tour.raw.authorize(page.locator(".who bdi").inner_text())
    else:
        address = f"{tour.tenant.origin}/account/sign-in" if name == "name" else page.url
    tour.leave()
    page = lobby.visitor(tour.tenant).page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    expect(page.get_by_role("heading").first).to_be_visible()
    total = sum(map(int, sizes))
    assert 2_000 < total <= FIRST_PAGE, f"{total} bytes in {len(sizes)} answers"


def test_the_keyboard_is_enough(tenant: Tenant, visitor: Visitor, raw: RawClient) -> None:
    user = tenant.user("alice")
    token = tenant.hotp(user)
    page = visitor.go(raw.authorize("alice"))
    Prompt(page).shows("passcode-title")
    visited = []
    for _ in range(12):
        focused = page.evaluate("(e => e.id || e.textContent.trim())(document.activeElement)")
        if focused == "code":
            break
        visited.append(focused)
        page.keyboard.press("Tab")
        # Who can't see where the focus is can't use the keyboard.
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"no outline after {visited}"
    else:
        raise AssertionError(f"the field was never reached: {visited}")
    page.keyboard.type(token.press())
    page.keyboard.press("Enter")
    assert raw.landed(page)


def test_a_passcode_works_without_script(lobby: Lobby, tenant: Tenant, raw: RawClient) -> None:
    token = tenant.hotp(tenant.user("alice"))
    visitor = lobby.visitor(tenant, java_script_enabled=False)
    visitor.allows("status of 422")
    page = visitor.go(raw.authorize("alice"))
    prompt = Prompt(page)
    prompt.passcode("000000")
    prompt.says("said-wrong-passcode")
    prompt.passcode(token.press())
    assert raw.landed(page)


def test_a_push_works_without_script(lobby: Lobby, tenant: Tenant, raw: RawClient) -> None:
    """The page looks again by itself."""
    settings(tenant, push_in_new_browsers=True)
    device = tenant.device(tenant.user("alice"))
    page = lobby.visitor(tenant, java_script_enabled=False).go(raw.authorize("alice"))
    Prompt(page).approve(device)
    assert raw.landed(page)


def test_a_sign_in_that_an_attacker_began_is_nobody_elses(lobby: Lobby, tenant: Tenant, raw: RawClient) -> None:
    """Session fixation: the attacker's browser begins, and the victim is to finish it."""
    tenant.hotp(tenant.user("alice"))
    attacker = lobby.visitor(tenant).go(raw.authorize("alice"))
    Prompt(attacker).shows("passcode-title")
    victim = lobby.visitor(tenant)
    victim.allows("status of 403")
    page = victim.go(attacker.url)
    Screen(page).shows("trouble-other-browser-title")
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_nobody_plants_a_session(lobby: Lobby, tenant: Tenant) -> None:
    """The cookies of a session have a prefix that only this very host can set; a made-up one opens nothing; and a sign-in gives a new one."""
    tenant.user("alice")
    visitor = lobby.visitor(tenant)
    page = visitor.page()
    has_passkey(page, tenant, "alice")
    planted = {"name": "__Host-countersign-session", "value": "cs_planted", "url": tenant.origin, "secure": True}
    visitor.context.add_cookies([planted])
    page.goto(f"{tenant.origin}/account", wait_until="commit")
    Screen(page).shows("account-title")
    cookies = {cookie["name"]: cookie for cookie in visitor.context.cookies()}
    assert all(name.startswith("__Host-") or name == "countersign-lang" for name in cookies), cookies
    assert "cs_planted" not in [cookie["value"] for cookie in cookies.values()]
    for cookie in cookies.values():
        assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] in ("Lax", "Strict"), cookie


def test_another_site_can_send_nothing(lobby: Lobby, tenant: Tenant, place) -> None:
    """Cross-site requests with the victim's cookies: by a form, by a script, from another host of the same domain."""
    tenant.user("alice")
    site = lobby.site("evil.elsewhere.test", place)
    neighbour = lobby.site("evil.mfa.test", place)
    visitor = lobby.visitor(tenant, site.name, neighbour.name)
    visitor.allows("status of 40|evil|CORS|Failed to fetch")
    page = visitor.page()
    has_passkey(page, tenant, "alice")
    page.goto(f"{tenant.origin}/account", wait_until="commit")
    Screen(page).shows("account-title")
    token = page.locator("form[action='/account/sign-out'] input[name=token]").get_attribute("value")
    form = f"""<!doctype html><html lang=en><title>evil</title><form id=f method=post action="{tenant.origin}/account/sign-out">
        <input name=token value="{token}"></form><button onclick="f.submit()">win a prize</button>"""
    for attacker in (site, neighbour):
        attacker.pages["/"] = form
        page.goto(attacker.origin)
        with page.expect_navigation():
            page.get_by_role("button").click()
        answer = page.evaluate(
            """async ([url, token]) => {
                const body = new URLSearchParams({token});
                return fetch(url, {method: "POST", mode: "no-cors", credentials: "include", body}).then(r => r.type, String);
            }""",
            [f"{tenant.origin}/account/sign-out", token],
        )
        assert answer in ("opaque", "basic") or "Failed" in answer
        page.goto(f"{tenant.origin}/account")
        Screen(page).shows("account-title")
    site.close()
    neighbour.close()


def test_no_page_can_be_put_into_a_frame(lobby: Lobby, tenant: Tenant, raw: RawClient, place) -> None:
    tenant.hotp(tenant.user("alice"))
    site = lobby.site("evil.elsewhere.test", place)
    visitor = lobby.visitor(tenant, site.name)
    visitor.allows("frame|status of 403")
    for address in (raw.authorize("alice"), f"{tenant.origin}/account/sign-in", f"{tenant.origin}/authenticator/"):
        site.pages["/"] = f"<!doctype html><html lang=en><title>evil</title><iframe id=f src='{address}'></iframe>"
        page = visitor.page()
        with page.expect_console_message(lambda message: "frame" in message.text.lower()):
            page.goto(site.origin)
        assert not page.frames[1].url.startswith(tenant.origin), f"{address} is shown in a frame"
    site.close()


HOSTILE = [
    "<script>document.title='taken'</script>",
    "\"><img src=x onerror=\"document.title='taken'\">",
    "'-alert(1)-'",
    "{{7*7}}{%raw%}${7*7}",
    "javascript:alert(1)//",
    "\u202ednim evil\u2066",
    "a" * 200,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_texts(lobby: Lobby, tenant: Tenant, visitor: Visitor, hostile: str) -> None:
    """In a name, in an application's name, in what is typed, in the address."""
    visitor.allows("status of 4")
    app = lobby.client(tenant, name=hostile[:64].replace("\u202e", "").replace("\u2066", ""))
    page = visitor.page()
    page.goto(app.authorize(f"alice {hostile}"))
    _is_harmless(page)
    page.goto(f"{tenant.origin}/account/sign-in")
    Prompt(page).name(hostile)
    expect(page.get_by_role("heading").first).to_be_visible()
    _is_harmless(page)
    for path in ("/account/sign-in?lang=", "/account?done=", "/undo/", "/nowhere/"):
        page.goto(tenant.origin + path + "".join(f"%{byte:02x}" for byte in hostile.encode()))
        _is_harmless(page)


def _is_harmless(page: Page) -> None:
    assert page.evaluate("document.title !== 'taken'")
    # No element was made of it: pages have no inline script, and no picture that isn't ours.
    assert page.locator("script:not([src]), img[onerror], img[src=x]").count() == 0


@pytest.mark.parametrize("path", [
    "/account/sign-in?next=https://evil.elsewhere.test/",
    "/account/sign-in?return_to=//evil.elsewhere.test/",
    "//evil.elsewhere.test/",
    "/\\evil.elsewhere.test/",
    "/account/..//evil.elsewhere.test/",
    "/sign-in/https://evil.elsewhere.test/",
    "/.well-known/change-password?to=https://evil.elsewhere.test/",
])  # fmt: skip
def test_no_address_leads_elsewhere(tenant: Tenant, path: str) -> None:
    answer = ask(tenant, "GET", path)
    location = answer.headers.get("Location", "/")
    assert location.startswith("/") and not location.startswith(("//", "/\\")), location
    assert "evil" not in location
