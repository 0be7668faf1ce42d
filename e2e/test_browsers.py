"""The browsers of the tests are browsers, and what goes wrong on a page doesn't pass unseen."""

import pytest
from fixtures import browser_axe
from fixtures.browser_passkeys import KEY, PLATFORM, TOUCH, Passkeys
from fixtures.house import SQLITE
from playwright.sync_api import Error

OPTIONS = """{
    challenge: new Uint8Array(32), rp: {name: "somebody"},
    user: {id: new Uint8Array(16), name: "alice", displayName: "Alice"},
    pubKeyCredParams: [{type: "public-key", alg: -7}, {type: "public-key", alg: -257}],
}"""
CREATE = f"async () => (await navigator.credentials.create({{publicKey: {OPTIONS}}})).toJSON()"
GET = """async id => {
    const allowCredentials = [{type: "public-key", id: Uint8Array.fromBase64(id, {alphabet: "base64url"})}];
    return (await navigator.credentials.get({publicKey: {challenge: new Uint8Array(32), allowCredentials}})).toJSON();
}"""


@pytest.fixture
def site(lobby, place):
    site = lobby.site("somebody.elsewhere.test", place)
    yield site
    site.close()


@pytest.fixture
def visitor(lobby, site):
    return lobby.visitor(lobby.tenant(), site.name)


@pytest.mark.parametrize("kind", [PLATFORM, KEY, TOUCH], ids=["platform", "key", "touch"])
def test_a_passkey_is_made_and_used(site, visitor, kind):
    page = visitor.go(site.origin)
    passkeys = Passkeys(page, kind)
    made = page.evaluate(CREATE)
    assert made["authenticatorAttachment"] == ("platform" if kind is PLATFORM else "cross-platform")
    assert page.evaluate(GET, made["id"])["id"] == made["id"]
    assert passkeys.credential()["signCount"] > 0


def test_every_problem_on_a_page_is_seen(site, visitor, lobby):
    site.pages["/"] = """<!doctype html><html lang=en><title>site</title>
        <meta http-equiv=Content-Security-Policy content="img-src 'none'">
        <img src=/picture><script>console.error("a word"); fetch("https://nowhere.test/"); setTimeout(() => nothing.at.all)
        </script>"""
    with visitor.expects(
        "error.*a word", "img-src .none.", "request to nowhere.test", "exception: .*nothing", "exception: Failed to fetch"
    ):
        page = visitor.go(site.origin)
        page.wait_for_load_state("networkidle")
    # That it couldn't be had is on the console, too.
    with pytest.raises(AssertionError, match="nowhere.test"):
        visitor.check()
    visitor.allows("nowhere.test")


def test_a_certificate_of_nobody_is_refused(house, visitor):
    stranger = house.new_server(SQLITE).start()
    try:
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            visitor.go(stranger.base)
    finally:
        stranger.stop()


def test_the_servers_own_certificate_is_for_each_tenants_host(lobby):
    tenant = lobby.tenant()
    visitor = lobby.visitor(tenant)
    visitor.allows("status of 404")
    assert visitor.page().goto(f"{tenant.origin}/no-such-page").security_details()["protocol"] == "TLS 1.3"


def test_axe_finds_what_is_wrong(site, visitor):
    site.pages["/"] = """<!doctype html><html lang=en><title>site</title><main><h1>Site</h1>
        <p style="color: #999; background: white">faint</p><input></main>"""
    found = browser_axe.violations(visitor.go(site.origin))
    assert {line.split(":")[0] for line in found} == {"color-contrast", "label"}, found


def test_firefox_verifies_certificates_and_shows_its_problems(lobby, site):
    firefox = lobby.firefox
    firefox.forget()
    firefox.hosts.add(site.name)
    site.pages["/"] = """<!doctype html><html lang=en><title>site</title><button>Press</button>
        <script src=/button.js></script>"""
    site.pages["/button.js"] = """
        document.querySelector("button").onclick = () => { document.title = "pressed"; console.error("a word"); }"""
    firefox.go(site.origin)
    firefox.check()
    firefox.click("button", "Press")
    assert firefox.wait("the click", "document.title === 'pressed'")
    with pytest.raises(AssertionError, match="a word"):
        firefox.check()
