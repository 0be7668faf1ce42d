"""Calls to real telephones: what people hear, what they press, and what comes of it. A trunk's part is played by the telephone itself.

The conversations of a module's tests go on at the same time; each test looks at one of them.
"""

import concurrent.futures
import re
import subprocess
import time
from pathlib import Path

import pytest
from fixtures.house import SQLITE
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.sip_peers import Telephone
from fixtures.speech import digits, record_digits, reference_digits, was_said
from fixtures.tenant import Tenant
from fixtures.unix import unix_user
from fixtures.waiting import wait_for

TALK = Path(__file__).parents[1] / "target/debug/examples/talk"
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
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            process.stdin.write(code or "")
            process.stdin.close()
            if keys:
                wait_for("an answer", lambda: is_up(telephone), 30)
                time.sleep(1.5)
                telephone.press(keys)
            self.outcome = process.stdout.read().strip()
            process.stdout.close()
            assert process.wait(30) == 0
            wait_for("the call's end", lambda: is_over(telephone), 30)
            self.heard = telephone.heard()


# The same through the server: a sign-in by Duo's Auth API.

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)
PAIR = re.compile(r"press (\d\d) on it")
NUMBERS = {"right": "+15035550142", "wrong": "+15035550143", "reported": "+15035550144", "silent": "+15035550145"}


class Calls:
    """A server whose trunk for each number is the telephone of that number."""

    def __init__(self, house, place):
        self.telephones = {name: Telephone(number=number) for name, number in NUMBERS.items()}
        gateway = []
        for name, telephone in self.telephones.items():
            telephone.__enter__()
            gateway.append(
                f'[carriers.{name}]\nkind = "sip"\nserver = "127.0.0.1:{telephone.port}"\nuser = "acme"\nfrom = "+15035550100"\n'
                f"words_a_minute = {WORDS}\n\n"
                f'[[routes]]\nkind = "voice"\nprefixes = ["{NUMBERS[name][1:]}"]\ncarriers = ["{name}"]\n'
            )
        file = place / "gateway.toml"
        file.write_text("\n".join(gateway))
        file.chmod(0o600)
        self.server = house.new_server(SQLITE, settings={"messaging.file": str(file)}).start()
        self.tenant = Tenant(self.server)

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
                wait_for("an answer", lambda: is_up(telephone), 30)
                time.sleep(1.5)
                telephone.press(keys)
            while status["waiting"]:
                status = library.call("auth_status", txid=begun["txid"])
            wait_for("the call's end", lambda: is_over(telephone), 30)
            return status, telephone.heard()
        finally:
            library.close()

    def close(self):
        self.server.stop()
        for telephone in self.telephones.values():
            telephone.__exit__()


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
    calls = Calls(house, tmp_path_factory.mktemp("gateway"))
    try:
        with concurrent.futures.ThreadPoolExecutor(len(talks) + len(pressed)) as pool:
            under_way = {name: pool.submit(calls.login, name, keys) for name, keys in pressed.items()}
            under_way |= {name: pool.submit(Talk, **how) for name, how in talks.items()}
            ended = {name: call.result(120) for name, call in under_way.items()}
        yield ended | {"recorded": recorded, "log": calls.server.log()}
    finally:
        calls.close()


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


def test_no_log_names_a_number(held):
    for number in NUMBERS.values():
        assert number not in held["log"] and number[1:] not in held["log"]
