"""`countersign demo`: its logins go as they should, and what it prints works when it is typed as it stands."""

import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fixtures import browser_axe
from fixtures.browser import Chromium, Visitor
from fixtures.browser_passkeys import Passkeys
from fixtures.browser_prompt import Prompt
from fixtures.person import Person, Types
from fixtures.server import BINARY
from fixtures.unix import on_terminal
from fixtures.waiting import end, is_root, wait_for


@dataclass
class Demo:
    process: subprocess.Popen
    output: Path
    directory: Path

    def text(self) -> str:
        return self.output.read_text()

    def command(self, beginning: str) -> list[str]:
        """The printed command that begins so, as a shell would split it."""
        return re.search(rf"^    ({re.escape(beginning)}.*)$", self.text(), re.MULTILINE)[1].split()

    def login_duo(self, person: Person) -> tuple[bool, str]:
        command = self.command("login_duo -c")
        if is_root():
            command[0] = "/usr/sbin/login_duo"
        else:
            # Setuid, it takes no configuration from anybody else than root; a copy without the bit does.
            command[0] = shutil.copy("/usr/sbin/login_duo", self.directory / "login_duo")
        result = on_terminal(command, "\nin", person)
        return result.allowed, result.text

    def authenticator(self, *answer: str) -> subprocess.CompletedProcess:
        program = re.search(r"^    (\S+) authenticator --key (\S+) wait", self.text(), re.MULTILINE)
        command = [program[1], "authenticator", "--key", program[2], *answer]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def address(self, beginning: str) -> str:
        """The printed address behind these words."""
        return re.search(rf"^ +{re.escape(beginning)}.*?(http://localhost:\S+)$", self.text(), re.MULTILINE)[1]

    def sent_code(self) -> str:
        """The newest passcode that was shown as a text message."""
        return re.findall(r"SMS to (?:.*\n)+?.*passcodes: (\d+)", self.text())[-1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    directory = tmp_path_factory.mktemp("demo")
    output = directory / "output"
    with output.open("w") as sink:
        process = subprocess.Popen(
            [BINARY, "demo", "--directory", directory / "work"], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    demo = Demo(process, output, directory)
    wait_for("the end of the show", lambda: "\nServing." in demo.text() or process.poll() is not None, 60)
    assert process.poll() is None, demo.text()
    yield demo
    assert end(process) == 0


def test_every_login_of_the_show_is_answered_as_it_should_be(demo: Demo) -> None:
    assert "✗" not in demo.text()
    shown, all_of_them = re.search(r"^(\d+) of (\d+) logins", demo.text(), re.MULTILINE).groups()
    assert shown == all_of_them == str(demo.text().count("✓"))


def test_the_printed_login_duo_lets_in_by_the_printed_oathtool(demo: Demo) -> None:
    code = subprocess.run(demo.command("oathtool"), capture_output=True, text=True, check=True).stdout.strip()
    allowed, text = demo.login_duo(Types(code))
    assert allowed, text
    assert not demo.login_duo(Types(code))[0], "a code was accepted twice"


def test_the_printed_snippet_lets_in_by_a_passcode_that_was_sent(demo: Demo) -> None:
    class AsksForMessage(Person):
        """Chooses the text message, and then gives up."""

        def asked(self, text: str) -> str:
            if hasattr(self, "option"):
                return "0"
            self.option = re.search(r"(\d)\. SMS passcodes", text)[1]
            return self.option

    assert not demo.login_duo(AsksForMessage())[0]
    snippet = textwrap.dedent(re.search(r"^    import duo_client\n(?:    .*\n)+", demo.text(), re.MULTILINE)[0])
    script = demo.directory / "snippet.py"
    script.write_text(snippet)
    command = [sys.executable, script]
    ran = subprocess.run(command, input=demo.sent_code() + "\n", capture_output=True, text=True, timeout=60)
    assert "'result': 'allow'" in ran.stdout, ran.stdout + ran.stderr
    assert demo.command("python3")[1] == str(demo.directory / "work" / "login.py")
    assert (demo.directory / "work" / "login.py").read_text() == snippet


def test_a_push_is_answered_by_the_printed_authenticator(demo: Demo) -> None:
    class Pushes(Person):
        def asked(self, text: str) -> str:
            if hasattr(self, "code"):
                return "0"
            option, self.code = re.search(r"(\d)\. Push to .*type (\d{6}) there", text).groups()
            return option

        def told(self, text: str) -> None:
            super().told(text)
            if "Pushed" in text:
                self.waited = demo.authenticator("wait")
                self.approved = demo.authenticator("approve", self.code)

    person = Pushes()
    allowed, text = demo.login_duo(person)
    assert "Demo host (SSH) as you" in person.waited.stdout, person.waited
    assert person.approved.returncode == 0 and allowed, text
    again = demo.authenticator("approve", person.code)
    assert again.returncode == 1 and "no login request waits" in again.stderr, again


def test_the_directory_is_for_its_owner_only(demo: Demo) -> None:
    for name in ("login_duo.conf", "login.py", "authenticator.json", "data/root.key"):
        assert (demo.directory / "work" / name).stat().st_mode & 0o077 == 0, name


@pytest.fixture(scope="module")
def chromium(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("home"), demo.directory / "work" / "data" / "tls" / "ca.pem")
    yield chromium
    chromium.close()


@pytest.fixture
def visitor(chromium: Chromium) -> Iterator[Visitor]:
    visitor = Visitor(chromium, [])
    yield visitor
    visitor.close()
    visitor.check()


def test_a_person_sets_up_a_passkey_on_the_printed_page_and_signs_in_with_it(demo: Demo, visitor: Visitor) -> None:
    opening = demo.address("")
    page = visitor.page()
    passkey = Passkeys(page)
    page.goto(opening)
    page.get_by_role("link", name="Set up a passkey as “robin”").click()
    assert page.url == demo.address("Set up a passkey as")
    Prompt(page).button("register-do").click()
    page.wait_for_url("**/account/**")
    assert passkey.credential()["rpId"] == "localhost"
    notice = re.compile(r"Mail to robin@example\.test\n(?:.*\n)*?.*http://localhost:\d+/undo/")
    wait_for("the mail about the passkey", lambda: notice.search(demo.text()))
    for _ in range(2):
        page.goto(opening)
        expect(page.get_by_label("Name")).to_have_value("robin")
        page.get_by_role("button", name="Sign in").click()
        Prompt(page).passkey()
        expect(page.locator("#signed-in")).to_have_text("robin")
        assert page.url.startswith(opening) and page.locator("#factor").inner_text() == "webauthn_credential"
    page.goto(demo.address("robin's own page"))
    # A second way to sign in is asked for first.
    Prompt(page).shows("add-title")
    # The same passkey, by OpenID Connect; and out of there, out of everything.
    wiki = demo.address("A wiki, by OpenID Connect")
    page.goto(wiki)
    assert demo.command("countersign app add oidc")[4:6] == ['"Demo', 'wiki"']
    expect(page.locator("#signed-out")).to_be_visible()
    everybody_can_use(page)
    # Who asks is not known there, so the passkey offers itself.
    page.get_by_role("link", name="Sign in").click()
    expect(page.locator("#signed-in")).to_have_text("robin")
    assert page.url == wiki and page.locator("#acr").inner_text() == "phr"
    everybody_can_use(page)
    page.goto(demo.address("robin's applications"))
    page.get_by_role("link", name="Demo wiki").click()
    expect(page.locator("#signed-in")).to_have_text("robin")
    page.locator("#out").click()
    Prompt(page).button("sign-out").click()
    page.wait_for_url(wiki)
    expect(page.locator("#signed-out")).to_be_visible()


def test_a_token_signs_in_on_the_page_too(demo: Demo, visitor: Visitor) -> None:
    # The code that comes next: of the others, one may have been used already.
    command = [*demo.command("oathtool"), "--now", f"@{int(time.time()) + 30}"]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    page = visitor.go(demo.address(""))
    page.get_by_label("Name").fill("you")
    page.get_by_role("button", name="Sign in").click()
    Prompt(page).passcode(code)
    expect(page.locator("#signed-in")).to_have_text("you")
    page.locator("details > summary").click()
    everybody_can_use(page)


def test_everybody_can_use_the_applications_pages(demo: Demo, visitor: Visitor) -> None:
    """The first one, and the one that says what went wrong; the one in between is where somebody signs in."""
    front = demo.address("")
    page = visitor.go(front)
    expect(page.get_by_label("Name")).to_be_visible()
    everybody_can_use(page)
    page.goto(f"{front.rstrip('/')}/callback?state=x&duo_code=y")
    expect(page.locator("#error")).to_be_visible()
    everybody_can_use(page)


def everybody_can_use(page: Page) -> None:
    # The page names no colours: where axe takes the ground for white, browsers have the scheme's own.
    page.evaluate("document.documentElement.style.background = 'Canvas'")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert not browser_axe.violations(page), scheme
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, "it scrolls sideways on a small phone"
