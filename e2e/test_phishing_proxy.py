"""Somebody passes the sign-in pages on under a foreign name, as phishing kits do, and reads what is typed.

The canary detects: whoever runs the kit can take its beacons out and answer for them. A passkey prevents. See
`docs/threat-model.md`.
"""

import itertools
from collections.abc import Iterator

import pytest
from fixtures.browser import Visitor
from fixtures.browser_house import HOSTS, Lobby
from fixtures.browser_oauth import RawClient
from fixtures.browser_passkeys import PLATFORM
from fixtures.browser_people import has_passkey, settings
from fixtures.browser_prompt import Prompt
from fixtures.browser_site import Site
from fixtures.house import SQLITE, House
from fixtures.kit import Kit, Victims
from fixtures.mailbox import Mailbox
from fixtures.server import Server
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from playwright.sync_api import expect

BEACONS = "beacon.mfa.test"
NUMBERS = itertools.count(1)
# Browsers say on the console what they don't give to a foreign page.
BLOCKED = r"blocked by CORS policy|net::ERR_FAILED|status of 4\d\d|permissions policy"


class Sea:
    """A server whose pages have beacons, the kit in front of it, and the browsers of those whom it catches."""

    def __init__(self, house: House, lobby: Lobby) -> None:
        self.mailbox, self.visitors = Mailbox(), []
        self.server: Server = house.new_server(
            SQLITE,
            settings={"server.api_hosts": HOSTS, "server.beacon_host": BEACONS} | self.mailbox.settings,
        ).start()
        # The application to which people go back.
        self.site = Site(house.place(), self.server.ca_file, "app.elsewhere.test")
        self.site.pages["/back"] = self.site.pages["/"]
        self.kit = Kit(house.place(), self.server)
        self.chromium = Victims(house.place(), lobby.chromium, self.server.ca_file, self.kit)

    def close(self) -> None:
        self.chromium.close()
        self.kit.close()
        self.site.close()
        self.server.stop()
        self.mailbox.close()


@pytest.fixture(scope="module")
def shared_sea(house: House, shared_lobby: Lobby) -> Iterator[Sea]:
    sea = Sea(house, shared_lobby)
    yield sea
    sea.close()


@pytest.fixture
def sea(shared_sea: Sea) -> Iterator[Sea]:
    shared_sea.kit.forget()
    yield shared_sea
    leaving, shared_sea.visitors = shared_sea.visitors, []
    for visitor in leaving:
        visitor.close()
    for visitor in leaving:
        visitor.check()


class Scene:
    """An organisation, its application, and somebody with a token who is on the way to it."""

    def __init__(self, sea: Sea, mode: str) -> None:
        self.sea, self.kit = sea, sea.kit
        self.tenant = Tenant(sea.server, host=f"t{next(NUMBERS):03}.mfa.test")
        self.security = f"security@{self.tenant.host}"
        settings(self.tenant, canary=mode, fraud_email=self.security, fraud_email_enabled=True)
        self.client = RawClient(self.tenant, self.tenant.integration("websdk", "alice"), f"{sea.site.origin}/back")
        self.user = self.tenant.user("alice")
        self.token = self.tenant.hotp(self.user)

    def visitor(self, *hosts: str) -> Visitor:
        visitor = Visitor(self.sea.chromium, {self.tenant.host, self.sea.site.name, BEACONS, *hosts})
        self.sea.visitors.append(visitor)
        return visitor

    def lured(self, kind: str) -> Prompt:
        """The victim is on the foreign page."""
        self.foreign = f"{self.kit.host(kind, self.tenant)}:{self.kit.port}"
        visitor = self.visitor(self.foreign.split(":")[0])
        visitor.allows(BLOCKED)
        page = visitor.go(self.kit.instead(kind, self.tenant, self.client.authorize("alice")))
        assert page.url.startswith(f"https://{self.foreign}/sign-in/"), page.url
        return Prompt(page)

    def alerts(self) -> list[dict]:
        """As scripts of the organisation's read them."""
        log = self.tenant.admin.get_administrator_log(mintime=1)
        return [line for line in log if line["username"] == "canary"]

    def alert(self, action: str, host: str) -> None:
        """Waits for the alert, in the log, on the command line and in the mail; there is no other."""
        named = f'"host":"{host}"'
        wait_for("the alert", lambda: [alert for alert in self.alerts() if named in alert["description"]])
        alerts = self.alerts()
        assert all((alert["action"], alert["object"]) == (action, self.user) for alert in alerts), alerts
        # A request that names nobody may have come before the one that does.
        unnamed = [alert for alert in alerts if named not in alert["description"]]
        assert len(alerts) - len(unnamed) == 1 and len(unnamed) <= 1, alerts
        assert all('"host":"unknown"' in alert["description"] for alert in unnamed), alerts
        listed = self.sea.server.admin("--tenant", self.tenant.host, "alerts")
        assert f"{action} {self.user}" in listed and host in listed
        assert "alice" in self.sea.mailbox.wait(self.security, "" if host == "unknown" else host)

    def outcomes(self) -> list[tuple[str, str]]:
        """What the sign-ins to the application came to; setting a passkey up is another thing."""
        log = self.tenant.admin.get_authentication_log(api_version=1, mintime=1)
        return [(line["result"], line["factor"]) for line in log if line["integration"] == "websdk for alice"]

    def gone_on(self, prompt: Prompt) -> None:
        """The sign-in was accepted: the browser was sent back to the application."""
        assert self.client.landed(prompt.page)


NAMED = ["stock", "quiet", "plain", "evilginx"]


@pytest.mark.parametrize("kind", NAMED)
def test_observed_an_alert_names_the_host_before_the_code_is_typed(sea: Sea, kind: str) -> None:
    scene = Scene(sea, "observe")
    prompt = scene.lured(kind)
    scene.alert("aitm_detected", scene.foreign)
    assert scene.outcomes() == []
    # Nobody is stopped: the code works, and it is the attacker's now.
    prompt.passcode(scene.token.press())
    scene.gone_on(prompt)
    assert len(scene.kit.codes()) == 1


@pytest.mark.parametrize("kind", [*NAMED, "stripped"])
def test_enforced_the_code_is_refused(sea: Sea, kind: str) -> None:
    scene = Scene(sea, "enforce")
    prompt = scene.lured(kind)
    if kind != "stripped":
        scene.alert("aitm_detected", scene.foreign)
    prompt.passcode(scene.token.press())
    expect(prompt.page.get_by_text(prompt.text("said-canary"))).to_be_visible()
    if kind == "stripped":
        scene.alert("beacon_missing", "unknown")
    assert scene.kit.codes() == []
    assert all(result == "FAILURE" for result, _ in scene.outcomes())


def test_observed_a_beacon_that_was_taken_out_is_missed_before_a_code_is_accepted(sea: Sea) -> None:
    scene = Scene(sea, "observe")
    prompt = scene.lured("stripped")
    prompt.passcode("000000")
    prompt.says("said-wrong-passcode")
    scene.alert("beacon_missing", "unknown")
    assert scene.kit.codes() == []
    prompt.passcode(scene.token.press())
    scene.gone_on(prompt)
    assert len(scene.kit.codes()) == 1


@pytest.mark.parametrize("kind", ["stock", "stripped"])
def test_a_passkey_signs_nobody_in_behind_a_kit(sea: Sea, kind: str) -> None:
    scene = Scene(sea, "off")
    visitor = scene.visitor(scene.kit.host(kind, scene.tenant))
    visitor.allows(BLOCKED)
    page = visitor.page()
    passkeys = has_passkey(page, scene.tenant, "alice", PLATFORM)
    page.goto(scene.kit.instead(kind, scene.tenant, scene.client.authorize("alice")))
    prompt = Prompt(page)
    # Whatever the browser says it can do, a token is no way around the passkey.
    prompt.shows("passkey-title")
    prompt.lacks("passcode-way", "passcode-label")
    # The kit asks for a passkey of its own name, as it rewrites the question. Nobody has one, unless a browser could be talked into it.
    foreign = {"rpId": scene.kit.host(kind, scene.tenant)}
    passkeys.put({**passkeys.credential(), **foreign})
    prompt.passkey()
    prompt.says("passkey-refused")
    assert scene.kit.codes() == []
    assert all(result == "FAILURE" for result, _ in scene.outcomes())
    # On the genuine page it works.
    passkeys.put({**passkeys.credential(), "rpId": scene.tenant.host})
    page.goto(scene.client.authorize("alice"))
    prompt.passkey()
    scene.gone_on(prompt)
    assert scene.kit.codes() == []


def test_a_browser_gives_no_passkey_to_a_foreign_page(sea: Sea) -> None:
    """A kit that leaves the name in the question as it is gets no answer at all."""
    scene = Scene(sea, "off")
    visitor = scene.visitor(scene.kit.host("stock", scene.tenant))
    visitor.allows(BLOCKED)
    page = visitor.page()
    has_passkey(page, scene.tenant, "alice", PLATFORM)
    page.goto(scene.kit.instead("stock", scene.tenant, scene.client.authorize("alice")))
    prompt = Prompt(page)
    page.add_script_tag(
        content=f"""
        const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = asked => {{ asked.publicKey.rpId = "{scene.tenant.host}"; return get(asked); }};
        """
    )
    prompt.passkey()
    prompt.says("passkey-wrong-address")
    assert scene.kit.codes() == []
    assert not [typed for typed in scene.kit.loot("typed") if "clientDataJSON" in typed]


def test_the_genuine_page_is_no_alert_and_takes_codes_when_enforced(sea: Sea) -> None:
    scene = Scene(sea, "enforce")
    for _ in range(2):
        visitor = scene.visitor()
        prompt = Prompt(visitor.go(scene.client.authorize("alice")))
        prompt.passcode(scene.token.press())
        scene.gone_on(prompt)
    assert scene.alerts() == []
    assert [result for result, _ in scene.outcomes()] == ["SUCCESS", "SUCCESS"]
