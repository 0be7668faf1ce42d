"""Applications behind a reverse proxy that asks: nginx, Caddy and Traefik, with the configurations of the documentation."""

import http.client
import re
import socket
import ssl
from collections.abc import Iterator

import pytest
from fixtures.browser_house import Lobby
from fixtures.browser_oauth import ask
from fixtures.browser_prompt import Screen
from fixtures.proxies import Caddy, Nginx, Proxy, Traefik, Wiki
from fixtures.sso import Organisation
from fixtures.waiting import wait_for
from playwright.sync_api import expect

PASS = "__Host-countersign-pass"
STOPPED = "<!doctype html><html lang=en><title>x</title><link rel=icon href='data:,'><p id=stopped>Stopped."


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    wiki = Wiki()
    yield wiki
    wiki.close()


class Behind:
    """The wiki behind one of the proxies, connected, and somebody who may open it."""

    def __init__(self, lobby: Lobby, kind: type[Proxy], wiki: Wiki) -> None:
        self.wiki = wiki
        name = f"wiki-{kind.__name__.lower()}.elsewhere.test"
        self.org = Organisation(lobby, hosts=[name], realname="Zoë, 100%")
        group = self.org.tenant.admin.create_group("wiki, all")["group_id"]
        self.org.tenant.admin.add_user_group(self.org.user, group)
        self.proxy = kind(self.org.tenant, wiki, name).start()
        self.app = self.org.app("forward-auth", "Wiki", self.proxy.origin, public="/health,/static/*")

    def get(self, path: str, source: str = "127.0.0.1", **headers: str) -> tuple[int, dict[str, str], str]:
        """One request from an address of this machine, as a program sends it."""
        context = ssl.create_default_context(cafile=str(self.org.server.ca_file))
        plain = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=30, source_address=(source, 0))
        connection = http.client.HTTPSConnection(self.proxy.name, self.proxy.port)
        connection.sock = context.wrap_socket(plain, server_hostname=self.proxy.name)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(params=[Nginx, Caddy, Traefik])
def behind(request: pytest.FixtureRequest, lobby: Lobby, wiki: Wiki) -> Iterator[Behind]:
    behind = Behind(lobby, request.param, wiki)
    yield behind
    behind.proxy.close()


def test_people_are_let_through_and_nobody_else(behind: Behind) -> None:
    org, page, wiki = behind.org, behind.org.page, behind.wiki
    org.visitor.allows("status of 40[13]")
    page.goto(f"{behind.proxy.origin}/page?x=1", wait_until="commit")
    org.sign_in()
    expect(page.locator("#Remote-User")).to_have_text("alice")
    assert page.url == f"{behind.proxy.origin}/page?x=1"
    expect(page.locator("#Remote-Email")).to_have_text("alice@example.test")
    expect(page.locator("#Remote-Name")).to_have_text("Zo%C3%AB, 100%25")
    expect(page.locator("#Remote-Groups")).to_have_text("wiki%2C all")
    cookies = org.visitor.context.cookies(behind.proxy.origin)
    (kept,) = (cookie for cookie in cookies if cookie["name"] == PASS)
    assert kept["secure"] and kept["httpOnly"] and kept["path"] == "/" and kept["domain"] == behind.proxy.name
    # A second page needs nothing more.
    page.goto(f"{behind.proxy.origin}/other")
    expect(page.locator("#Remote-User")).to_have_text("alice")
    agent = page.evaluate("navigator.userAgent")
    right = {"Cookie": f"{PASS}={kept['value']}", "User_Agent": agent}

    # What a browser says of itself reaches the application in no case.
    forged = {"Remote_User": "root", "Remote_Groups": "admins", "Remote_Email": "root@x", "Remote_Name": "Root"}
    assert behind.get("/script", **right, **forged)[0] == 200
    assert wiki.heard[-1][1]["Remote-User"] == ["alice"] and wiki.heard[-1][1]["Remote-Groups"] == ["wiki%2C all"]
    before = len(wiki.heard)
    assert behind.get("/health", **forged)[0] == 200
    told = wiki.heard[before][1]
    assert all(values in ([], [""]) for values in told.values()), told

    # Nothing that isn't wholly right is let through.
    before = len(wiki.heard)
    value = kept["value"]
    wrong = [
        {}, {"Cookie": ""}, {"Cookie": PASS}, {"Cookie": f"{PASS}="}, {"Cookie": f"{PASS}=x"}, {"Cookie": f"{PASS}={value}x"},
        {"Cookie": f"{PASS}={value[:-1]}"}, {"Cookie": f"{PASS}={value}; {PASS}={value}"}, {"Cookie": f"{PASS}=\x7f"},
        {"Cookie": f"countersign-pass={value}"}, {"Cookie": f"{PASS}={value.split('.')[0]}.{'A' * 75}"},
        {"Cookie": f"{PASS}={'A' * 4000}"},
    ]  # fmt: skip
    for headers in wrong:
        status, given, _ = behind.get("/script", **({"User_Agent": agent} | headers))
        # What no header can hold is refused by whoever reads it first.
        odd = "\x7f" in headers.get("Cookie", "")
        assert status == 401 or (odd and status in (400, 500)), (headers, status)
        if odd:
            continue
        status, given, _ = behind.get("/page", **({"User_Agent": agent, "Accept": "text/html"} | headers))
        assert status == 302 and given["Location"].startswith(f"{behind.proxy.origin}/.countersign/begin?to=%2Fpage"), headers
    # The copy of a jar: another browser, another address.
    assert behind.get("/script", Cookie=right["Cookie"], User_Agent="curl/8")[0] == 401
    assert behind.get("/script", source="127.0.0.2", **right)[0] == 401
    for path in ("/static/../admin", "/static/%2e%2e/admin", "/healthy", "/admin?/static/"):
        assert behind.get(path, User_Agent=agent)[0] in (400, 401), path
    assert len(wiki.heard) == before
    # Either it is refused, or the proxy tidies it up for both, and the application gets what was asked about.
    if behind.get("/static//x", User_Agent=agent)[0] not in (400, 401):
        assert [path for path, _ in wiki.heard[before:]] == ["/static/x"]
    # The session's own cookie isn't sent there, and the pass opens nothing here.
    assert not any("session" in cookie["name"] for cookie in cookies)
    assert ask(org.tenant, "GET", "/account", Cookie=right["Cookie"]).headers["Location"] == "/account/sign-in"

    # With the session everything ends.
    assert behind.get("/script", **right)[0] == 200
    org.server.admin("--tenant", org.tenant.host, "user", "revoke", "alice")
    wait_for("the application is shut", lambda: behind.get("/script", **right)[0] == 401, seconds=5)


@pytest.mark.parametrize("behind", [Nginx], indirect=True)
def test_who_signs_out_here_is_out_behind_the_proxy(behind: Behind) -> None:
    """The proxy keeps no session and no answer: it asks about each request, and hears of the end with the next one."""
    org, page, wiki = behind.org, behind.org.page, behind.wiki
    page.goto(f"{behind.proxy.origin}/page", wait_until="commit")
    org.sign_in()
    expect(page.locator("#Remote-User")).to_have_text("alice")
    (kept,) = (cookie for cookie in org.visitor.context.cookies(behind.proxy.origin) if cookie["name"] == PASS)
    right = {"Cookie": f"{PASS}={kept['value']}", "User_Agent": page.evaluate("navigator.userAgent")}
    page.goto(f"{org.issuer}/account")
    sign_out = Screen(page).button("sign-out")
    expect(sign_out).to_be_visible()
    assert behind.get("/script", **right)[0] == 200
    assert wiki.heard[-1][1]["Remote-User"] == ["alice"]
    sign_out.click()
    wait_for("the application is shut", lambda: behind.get("/script", **right)[0] == 401, seconds=5)
    before = len(wiki.heard)
    assert behind.get("/script", **right)[0] == 401
    status, given, _ = behind.get("/page", **right, Accept="text/html")
    assert status == 302 and given["Location"].startswith(f"{behind.proxy.origin}/.countersign/begin?to="), given
    assert len(wiki.heard) == before


def test_a_copied_jar_opens_nothing(behind: Behind) -> None:
    """All cookies, of ours and of the application, in somebody else's browser."""
    org, page, wiki = behind.org, behind.org.page, behind.wiki
    page.goto(f"{behind.proxy.origin}/page", wait_until="commit")
    org.sign_in()
    expect(page.locator("#Remote-User")).to_have_text("alice")
    jar = org.visitor.context.cookies()
    kept = {cookie["name"]: cookie["value"] for cookie in jar}
    assert PASS in kept and "__Host-countersign-session" in kept
    # A program with the jar: no code is given for it, neither is the application opened.
    whole = "; ".join(f"{name}={value}" for name, value in kept.items())
    agent = page.evaluate("navigator.userAgent")
    start = f"/forward-auth/start?to={behind.proxy.origin}/page&state={'A' * 43}"
    for more in ({}, {"User_Agent": agent}, {"User_Agent": agent, "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Site": "none"}):
        answer = ask(org.tenant, "GET", start, Cookie=whole, **more)
        assert answer.status == 303 and answer.headers["Location"].startswith("/session/prove?"), answer.headers
    before = len(wiki.heard)
    assert behind.get("/script", Cookie=whole, User_Agent="curl/8")[0] == 401
    assert behind.get("/script", source="127.0.0.2", Cookie=whole, User_Agent=agent)[0] == 401
    # A browser with the jar, that calls itself otherwise: it is led to a proof, and can't give it.
    thief = org.lobby.visitor(org.tenant, behind.proxy.name, user_agent=f"{agent} Thief/1")
    thief.allows("status of 4")
    thief.context.add_cookies(jar)
    other = thief.page()
    for address in (f"{behind.proxy.origin}/page", f"{org.issuer}{start}"):
        other.goto(address)
        Screen(other).says("moment-failed")
    assert len(wiki.heard) == before
    # Its owner goes on.
    page.goto(f"{behind.proxy.origin}/other")
    expect(page.locator("#Remote-User")).to_have_text("alice")


def test_nobody_is_signed_in_as_somebody_else(behind: Behind) -> None:
    """A code is good in the browser that began, once."""
    org, page = behind.org, behind.org.page
    codes = []

    def stop(route) -> None:  # noqa: ANN001
        kept = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in org.visitor.context.cookies(org.issuer))
        path = route.request.url.removeprefix(org.issuer)
        codes.append(ask(org.tenant, "GET", path, Cookie=kept).headers["Location"])
        route.fulfill(content_type="text/html", body=STOPPED)

    proved = re.compile(r"/forward-auth/start\?.*proof=")
    page.route(proved, stop)
    page.goto(f"{behind.proxy.origin}/page", wait_until="commit")
    org.sign_in(until=page.locator("#stopped"))
    page.unroute(proved)
    path = codes[0].removeprefix(behind.proxy.origin)
    victim = org.lobby.visitor(org.tenant, behind.proxy.name)
    victim.allows("status of 4")
    other = victim.page()
    other.goto(codes[0])
    expect(other.get_by_text(Screen(other).text("trouble-other-browser"))).to_be_visible()
    assert not [cookie for cookie in victim.context.cookies() if cookie["name"] == PASS]
    assert behind.get(path)[0] in (403, 410)
    page.goto(codes[0])
    expect(page.locator("#Remote-User")).to_have_text("alice")
    org.visitor.allows("status of 4")
    page.goto(codes[0])
    expect(page.locator("#Remote-User")).to_have_count(0)


def test_what_a_proxy_sends_is_believed_from_it_only(lobby: Lobby) -> None:
    org = Organisation(lobby)
    name = "wiki.elsewhere.test"
    app = org.app("forward-auth", "Wiki", f"https://{name}")
    right = {
        "X_Forwarded_Method": "GET", "X_Forwarded_Proto": "https", "X_Forwarded_Host": name, "X_Forwarded_Uri": "/page?x=1",
        "X_Forwarded_For": "127.0.0.1", "Accept": "text/html", "User_Agent": "Mozilla/5.0",
    }  # fmt: skip
    led = ask(org.tenant, "GET", "/forward-auth", **right)
    assert (led.status, led.headers["Location"]) == (302, f"https://{name}/.countersign/begin?to=%2Fpage%3Fx%3D1")
    script = right | {"Accept": "application/json"}
    assert ask(org.tenant, "GET", "/forward-auth", **script).status == 401
    # Each header, mutated: never a way in, never an error of ours.
    for header in ("X_Forwarded_Proto", "X_Forwarded_Host", "X_Forwarded_Uri", "X_Forwarded_For"):
        for garbage in ("", " ", "x" * 9000, "\x7f", "..", "http://evil.example/", f"{name}.evil.example", "127.0.0.1.5"):
            answer = ask(org.tenant, "GET", "/forward-auth", **(right | {header: garbage}))
            assert answer.status in (400, 403), (header, garbage[:20], answer.status)
        without = {key: value for key, value in right.items() if key != header}
        assert ask(org.tenant, "GET", "/forward-auth", **without).status == 403, header
    app.change("--set", 'forward.proxies=["192.0.2.0/24"]')
    wait_for(
        "the change is known", lambda: ask(org.tenant, "GET", "/forward-auth", **right).status == 403, seconds=15
    )
