"""What Duo's Unix programs do beside the cases: other settings, several prompts, wrong keys, a stranger's certificate."""

import pytest
from fixtures.person import Chooses, Person, Types
from fixtures.tenant import Tenant
from fixtures.unix import LoginDuo, PamDuo, unix_user

UNIX = {
    "login_duo": LoginDuo,
    "pam_duo sshd": lambda place, **settings: PamDuo(place, "sshd", **settings),
    "pam_duo sudo": lambda place, **settings: PamDuo(place, "sudo", **settings),
}


@pytest.fixture(params=UNIX, ids=list(UNIX))
def client(request):
    return UNIX[request.param]


def test_three_prompts_are_three_tries(client, tenant, place):
    user = tenant.user(unix_user())
    token = tenant.hotp(user)
    integration = tenant.integration("unix", unix_user())
    in_the_end = client(place, prompts=3).login(integration, Types(["no", "not-this", token.press()]))
    assert in_the_end.allowed, in_the_end
    never = client(place, prompts=3).login(integration, Types(["no", "not-this", "nor-that"]))
    assert not never.allowed, never
    assert tenant.admin.get_user_by_id(user)["status"] == "active"


def test_a_lock_out_between_two_prompts(client, tenant, place):
    tenant.admin.update_settings(lockout_threshold=1)
    token = tenant.hotp(tenant.user(unix_user()))
    result = client(place, prompts=3).login(tenant.integration("unix", unix_user()), Types(["no", token.press()]))
    assert not result.allowed and "locked out" in result.text, result


@pytest.mark.parametrize(("answer", "allowed"), [("approve", True), ("deny", False)])
def test_autopush(client, tenant, place, answer, allowed):
    """The client asks nobody and shows no code, so the administrator has let a tap do."""
    device = tenant.device(tenant.user(unix_user()))
    person = Rings(device, answer)
    integration = tenant.integration("unix", unix_user(), push_approval="tap")
    result = client(place, autopush="yes").login(integration, person)
    assert result.allowed is allowed, result


class Rings(Chooses):
    """Is not asked: the device rings by itself."""

    def __init__(self, device, answer):
        super().__init__(device, answer)
        self.rung = False

    def told(self, text):
        super().told(text)
        if not self.rung:
            self.rung = True
            super().asked(" 1. Push to")


def test_autopush_where_digits_are_asked_for_is_not_approved_by_a_tap(client, tenant, place):
    """The client shows no digits, so its user has none to type. The device rings all the same; a tap is not enough."""
    device = tenant.device(tenant.user(unix_user()))
    person = Taps(device)
    result = client(place, autopush="yes").login(tenant.integration("unix", unix_user()), person)
    assert not result.allowed and "incorrect" in result.text.lower(), result
    assert person.requests[0]["typed"] and person.accepted is False


class Taps(Rings):
    """Approves without typing anything."""

    def __init__(self, device):
        super().__init__(device, "approve")

    def _shown(self, request):
        return None


def test_a_wrong_secret_key_with_failmode_secure(client, tenant, place):
    tenant.user(unix_user(), status="bypass")
    integration = tenant.integration("unix", unix_user())
    integration.skey = "x" * 40
    result = client(place, failmode="secure").login(integration, Person())
    assert not result.allowed, result


def test_a_server_that_is_away_with_failmode_secure(client, house, place):
    server = house.new_server("SQLite").start()
    tenant = Tenant(server)
    tenant.user(unix_user(), status="bypass")
    integration = tenant.integration("unix", unix_user())
    server.kill9()
    result = client(place, failmode="secure").login(integration, Person())
    assert not result.allowed, result


def test_a_strangers_certificate_with_failmode_secure(client, tenant, house, place):
    """The client trusts another server's authority, so it does not even ask."""
    tenant.user(unix_user(), status="bypass")
    integration = tenant.integration("unix", unix_user())
    stranger = house.new_server("SQLite").start()
    stranger.stop()
    integration.ca_file = stranger.ca_file
    result = client(place, failmode="secure").login(integration, Person())
    assert not result.allowed, result


def test_a_name_with_an_escape_sequence_reaches_no_terminal(tenant, place):
    name = "al\x1b[31mice"
    result = LoginDuo(place).login(tenant.integration("unix", "alice"), Person(), username=name)
    assert not result.allowed and "\x1b" not in result.text, result


ODD = [
    *(bytes([byte]) for byte in range(1, 256)),
    *(b"al" + bytes([byte]) + b"ice" for byte in range(1, 256) if not chr(byte).isalnum()),
    "Ælfrēd".encode(), "李雷".encode(), "\U0001f600".encode(), "e\u0301".encode(), "\u202eecila".encode(), "\ufeffalice".encode(),
    b"%00", b"%", b"%%", b"%zz", b"a+b", b"a%2Bb", b"a%20b", b"a&user=root", b"a;b", b"a=b=c", b"~alice", b"a!*'()b", b"..", b"\xff\xfe",
    b"\xc0\xaf", b"\xed\xa0\x80", b"a" * 255, b"a" * 256, b"a" * 5000, b"a" * 60_000,
]  # fmt: skip


@pytest.mark.parametrize("part", range(8))
def test_no_name_or_host_however_odd_is_taken_for_a_reason_to_let_in(tenant, place, part):
    """A signature that the server reads otherwise than the client wrote it would be a 401, and so a way in."""
    integration = tenant.integration("unix", "alice")
    for odd in ODD[part::8]:
        for given in ({"username": odd}, {"username": "alice", "host": odd}):
            result = LoginDuo(place).login(integration, Person(), **given)
            assert not result.allowed, (given, result)


def test_a_code_in_the_environment(tenant, place, monkeypatch):
    token = tenant.hotp(tenant.user("grace"))
    integration = tenant.integration("unix", "grace")
    monkeypatch.setenv("DUO_PASSCODE", token.press())
    assert LoginDuo(place, accept_env_factor="yes").login(integration, Person()).allowed
    replayed = LoginDuo(place, accept_env_factor="yes").login(integration, Person())
    assert not replayed.allowed and "already been used" in replayed.text, replayed
