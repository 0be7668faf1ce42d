"""Calls to real telephones: what people hear, what they press, and what comes of it. A trunk's part is played by the telephone itself.

The conversations of a module's tests go on at the same time; each test looks at one of them.
"""

import concurrent.futures
import contextlib
import http.server
import os
import re
import subprocess
import tempfile
import threading
import urllib.parse
from pathlib import Path

import pytest
from fixtures.house import SQLITE
from fixtures.program import Account
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.sip_peers import Telephone, babble, correlation, write_wav
from fixtures.speech import digits, record_digits, reference_digits, was_said
from fixtures.tenant import Tenant
from fixtures.unix import unix_user
from fixtures.waiting import wait_for
from twilio.request_validator import RequestValidator
from twilio.rest import Client

TALK = Path(os.environ.get("COUNTERSIGN_VOICE_TALK", Path(__file__).parents[1] / "target/debug/examples/talk"))
# Faster than people are spoken to: the tests don't listen that carefully.
WORDS = 250
CODE = "908172"

GREETINGS = {
    "en": "Type the code on the page that asks for it, and tell it to nobody.",
    "fr": "Saisissez le code sur la page qui le demande, et ne le donnez à personne.",
    "he": "Type the code on the page that asks for it, and tell it to nobody.",
}
LEADS = {"en": "Your code is:", "fr": "Votre code est :", "he": "Your code is:"}
VOICES = {"en": "en-us", "fr": "fr-fr", "he": "en-us"}
# What a program's document plays.
TUNE = babble(77, 2)
with tempfile.TemporaryDirectory() as _place:
    TONE = write_wav(Path(_place) / "tone.wav", TUNE).read_bytes()
# Nobody ever says this.
OTHER = "The quick brown fox jumps over the lazy dog, again and again, until the evening comes."


def is_up(telephone):
    return "established" in telephone.output.lower() or "Call answered" in telephone.output


def is_over(telephone):
    return "terminated" in telephone.output or "session closed" in telephone.output


class Talk:
    """One of the house's own conversations, with somebody who presses these keys when they have heard enough."""

    def __init__(self, language="en", code=None, keys="", recordings=None, words=()):
        arguments = ["--language", language, "--line", GREETINGS[language], "--words-a-minute", str(WORDS), *words]
        if code:
            arguments += ["--lead", LEADS[language]]
        if recordings:
            arguments += ["--recordings", str(recordings)]
        with Telephone() as telephone:
            command = [TALK, "--server", f"127.0.0.1:{telephone.port}", "--number", telephone.number, *arguments]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
                try:
                    process.stdin.write(code or "")
                    process.stdin.close()
                    if keys:
                        telephone.hears(1.5)
                        telephone.press(keys)
                    self.outcome = process.stdout.read().strip()
                    assert process.wait(30) == 0
                except BaseException:
                    process.kill()
                    raise
            wait_for("the call's end", lambda: is_over(telephone), 30)
            self.heard = telephone.heard()


# The same through the server: a sign-in by Duo's Auth API.

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)
PAIR = re.compile(r"press (\d\d) on it")
# Of different towns: many numbers of one block at once are refused.
NUMBERS = {
    "right": "+15035550142",
    "wrong": "+15035550143",
    "reported": "+15035550144",
    "silent": "+15035550145",
    "program": "+14155550146",
    "verify": "+12125550147",
    "left": "+13105550148",
}


class Program:
    """A program of an organisation's: its documents, and what it was asked and told."""

    def __init__(self):
        self.asked, self.events = [], []
        program = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True))
                path = self.path.split("?")[0]
                program.asked.append((program.base + self.path, form, self.headers.get("X-Twilio-Signature", "")))
                if path == "/status":
                    program.events.append(form["CallStatus"])
                self._answer(program.documents(form).get(path, ""), "text/xml")

            def do_GET(self):
                self._answer(TONE, "audio/wav")

            def _answer(self, body, kind):
                body = body if isinstance(body, bytes) else body.encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.listener.server_address[1]}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    @staticmethod
    def documents(form):
        return {
            "/start": "<Response><Gather numDigits='1' action='/keys'><Say>Welcome to the house of Acme. Press a key.</Say>"
            "<Pause length='5'/></Gather></Response>",
            "/keys": f"<Response><Say language='fr-FR'>Vous avez choisi le chiffre {form.get('Digits')}, merci.</Say><Play>/tone.wav</Play>"
            "<Hangup/></Response>",
        }

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


class Calls:
    """A server whose trunk for each number is the telephone of that number."""

    def __init__(self, house, place, closing):
        self.telephones = {}
        gateway = []
        for name, number in NUMBERS.items():
            telephone = self.telephones[name] = closing.enter_context(Telephone(number=number))
            gateway.append(
                f'[carriers.{name}]\nkind = "sip"\nserver = "127.0.0.1:{telephone.port}"\nuser = "acme"\nfrom = "+15035550100"\n'
                f"words_a_minute = {WORDS}\n\n"
                f'[[routes]]\nkind = "voice"\nprefixes = ["{NUMBERS[name][1:]}"]\ncarriers = ["{name}"]\n'
            )
        file = place / "gateway.toml"
        file.write_text("\n".join(gateway))
        file.chmod(0o600)
        settings = {"messaging.file": str(file), "callbacks.networks": "127.0.0.0/8"}
        self.program = closing.enter_context(contextlib.closing(Program()))
        self.server = house.new_server(SQLITE, settings=settings)
        closing.callback(self.server.stop)
        self.server.start()
        self.tenant = Tenant(self.server)
        # Another organisation: a new one may call few numbers that never proved to be anybody.
        self.account = Account(Tenant(self.server))

    def login(self, name, keys):
        """Signs in by a call, and presses these keys, or what the sign-in shows."""
        telephone = self.telephones[name]
        username = f"{unix_user()}-{name}"
        user = self.tenant.user(username)
        phone = self.tenant.admin.add_phone(number=NUMBERS[name], type="Mobile", platform="Unknown")["phone_id"]
        self.tenant.admin.add_user_phone(user, phone)
        library = APPLICATION.library.open(self.tenant.integration("authapi", username))
        try:
            begun = library.call("auth", factor="phone", username=username, device="auto", ipaddr="203.0.113.9", async_txn=True)
            status = library.call("auth_status", txid=begun["txid"])
            shown = PAIR.search(status["status_msg"])[1]
            keys = keys(shown)
            if keys:
                telephone.hears(1.5)
                telephone.press(keys)
            while status["waiting"]:
                status = library.call("auth_status", txid=begun["txid"])
            wait_for("the call's end", lambda: is_over(telephone), 30)
            return status, telephone.heard()
        finally:
            library.close()

    def client(self):
        client = Client(self.account.sid, self.account.token)
        for domain in (client.api, client.verify):
            domain.base_url = self.server.base
        return client

    def described(self):
        """A call that a program describes, whose person presses 7."""
        client, telephone = self.client(), self.telephones["program"]
        placed = client.calls.create(
            to=NUMBERS["program"], from_="+15035550100", url=f"{self.program.base}/start?a=b&c=d", status_callback=f"{self.program.base}/status",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
        )  # fmt: skip
        telephone.hears(4)
        under_way = client.calls(placed.sid).fetch()
        telephone.press("7")
        wait_for("the call's end", lambda: is_over(telephone), 30)
        wait_for("the last event", lambda: self.program.events and self.program.events[-1] == "completed", 30)
        return placed, under_way, client.calls(placed.sid).fetch(), client.calls.list(), telephone.heard()

    def verified(self):
        """A code by a call, and whether it is right."""
        client, telephone = self.client(), self.telephones["verify"]
        service = client.verify.v2.services.create(friendly_name="Acme")
        client.verify.v2.services(service.sid).verifications.create(to=NUMBERS["verify"], channel="call")
        telephone.hears(1.5)
        telephone.press("1")
        wait_for("the call's end", lambda: is_over(telephone), 30)
        said = digits(telephone.heard(), reference_digits("en-us", WORDS))
        assert re.search(r"\d{4}", said), (said, telephone.output[-3000:])
        code = re.findall(r"\d{4,10}", said)[-1]
        return said, client.verify.v2.services(service.sid).verification_checks.create(to=NUMBERS["verify"], code=code).status

    def left(self):
        """A call that its program ends."""
        client, telephone = self.client(), self.telephones["left"]
        placed = client.calls.create(to=NUMBERS["left"], from_="+15035550100", twiml='<Response><Pause length="50"/></Response>')
        wait_for("an answer", lambda: is_up(telephone), 30)
        client.calls(placed.sid).update(status="completed")
        wait_for("the call's end", lambda: is_over(telephone), 30)
        return wait_for("its end is known", lambda: (call := client.calls(placed.sid).fetch()).status == "completed" and call)


class Held(dict):
    """What came of each conversation."""

    def __getitem__(self, name):
        found = super().__getitem__(name)
        return found.result() if isinstance(found, concurrent.futures.Future) else found


@pytest.fixture(scope="module")
def held(house, tmp_path_factory):
    """All conversations, by name, and what the server wrote meanwhile."""
    recordings = tmp_path_factory.mktemp("recordings")
    recorded = record_digits(recordings, "he")
    talks = {
        "en": {"code": CODE, "keys": "5"},
        "fr": {"language": "fr", "code": CODE, "keys": "#"},
        "he": {"language": "he", "code": CODE, "keys": "1", "recordings": recordings},
        "voice mail": {"code": CODE},
        "pair": {"keys": "42", "words": ["--keys", "2", "--fraud", "9"]},
        "fraud": {"keys": "9", "words": ["--keys", "2", "--fraud", "9"]},
    }
    pressed = {
        "right": lambda shown: shown,
        "wrong": lambda shown: "07" if shown != "07" else "70",
        "reported": lambda shown: "*",
        "silent": lambda shown: "",
    }
    with contextlib.ExitStack() as closing:
        calls = Calls(house, tmp_path_factory.mktemp("gateway"), closing)
        # Twilio's library asks the environment whom to trust.
        with pytest.MonkeyPatch.context() as patch, concurrent.futures.ThreadPoolExecutor(16) as pool:
            patch.setenv("REQUESTS_CA_BUNDLE", str(calls.server.ca_file))
            under_way = {name: pool.submit(calls.login, name, keys) for name, keys in pressed.items()}
            under_way |= {name: pool.submit(getattr(calls, name)) for name in ("described", "verified", "left")}
            under_way |= {name: pool.submit(Talk, **how) for name, how in talks.items()}
        # All have ended; whoever looks at one is told if it failed.
        yield Held(
            under_way, recorded=recorded, log=calls.server.log(), program=calls.program, token=calls.account.token
        )


@pytest.mark.parametrize("language", ["en", "fr", "he"])
def test_a_code_is_heard_digit_by_digit_after_a_key(held, language):
    talk = held[language]
    assert talk.outcome == "told"
    # Six digits, twice, behind what stands before them.
    references = held["recorded"] if language == "he" else reference_digits(VOICES[language], WORDS)
    said = digits(talk.heard, references)
    assert said.endswith(CODE) and said.count(CODE) == 2, said
    lead = was_said(talk.heard, LEADS[language], VOICES[language], WORDS)
    other = was_said(talk.heard, OTHER, VOICES[language], WORDS)
    assert lead >= 0.9 and other < 0.7, (lead, other)


def test_a_voice_mail_hears_the_greeting_and_no_code(held):
    talk = held["voice mail"]
    assert talk.outcome == "silence"
    greeting, lead = (was_said(talk.heard, text, "en-us", WORDS) for text in (GREETINGS["en"], LEADS["en"]))
    assert greeting >= 0.9 and lead < 0.85, (greeting, lead)
    said = digits(talk.heard, reference_digits("en-us", WORDS))
    assert not re.search(r"\d\d", said), said


def test_keys_cut_the_greeting_off(held):
    assert held["pair"].outcome == "keys 42"
    assert held["fraud"].outcome == "fraud"
    assert len(held["pair"].heard) < len(held["voice mail"].heard)


def test_the_digits_on_the_screen_approve(held):
    status, _ = held["right"]
    assert status["success"] is True, status


def test_other_digits_deny(held):
    status, _ = held["wrong"]
    assert status["success"] is False and status["status"] == "deny", status


def test_the_fraud_key_reports(held):
    status, _ = held["reported"]
    assert status["success"] is False and status["status"] == "fraud", status


def test_nobody_who_presses_nothing_is_let_in(held):
    status, heard = held["silent"]
    assert status["success"] is False, status
    for asked in (
        "If it is you, press the two digits that the sign-in page shows.",
        "If it is not you, press the star key and then wait.",
    ):
        assert was_said(heard, asked, "en-us", WORDS) >= 0.9, asked
    assert was_said(heard, OTHER, "en-us", WORDS) < 0.7


def test_a_call_that_a_program_describes(held):
    placed, under_way, after, listed, heard = held["described"]
    program = held["program"]
    assert (placed.status, placed.to, placed.direction) == ("queued", NUMBERS["program"], "outbound-api")
    assert (under_way.status, after.status) == ("in-progress", "completed")
    assert after.duration is not None and int(after.duration) >= 1
    assert placed.sid in {call.sid for call in listed}
    assert program.events == ["initiated", "ringing", "in-progress", "completed"]
    validator = RequestValidator(held["token"])
    paths = []
    for url, form, signature in program.asked:
        assert validator.validate(url, form, signature), url
        assert (form["CallSid"], form["To"]) == (placed.sid, NUMBERS["program"])
        paths.append(urllib.parse.urlsplit(url).path)
    assert [path for path in paths if path != "/status"] == ["/start", "/keys"]
    assert was_said(heard, "Welcome to the house of Acme. Press a key.", "en-us", WORDS) >= 0.9
    assert was_said(heard, "Vous avez choisi le chiffre 7, merci.", "fr-fr", WORDS) >= 0.9
    assert correlation(heard, TUNE) >= 0.9


def test_a_verification_by_a_call(held):
    said, status = held["verified"]
    assert status == "approved", said


def test_a_call_that_its_program_ends(held):
    assert held["left"].status == "completed"


def test_no_log_names_a_number(held):
    for number in NUMBERS.values():
        assert number not in held["log"] and number[1:] not in held["log"]
