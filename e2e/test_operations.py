"""Backup, restore, rotation and the doctor, beside a server that people sign in to through `duo_client`."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import duo_client
import pytest

from fixtures.house import POSTGRES, SQLITE, House
from fixtures.server import BINARY, Server
from fixtures.tenant import Integration, Tenant
from fixtures.waiting import wait_for


def command(server: Server, *arguments: str) -> subprocess.CompletedProcess:
    """Runs the program with a server's configuration."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    return subprocess.run(
        [BINARY, "--config", server.config, *arguments], capture_output=True, text=True, timeout=120, env=environment
    )


def done(server: Server, *arguments: str) -> str:
    ran = command(server, *arguments)
    assert ran.returncode == 0, f"{arguments}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def client(server: Server, integration: Integration) -> duo_client.Auth:
    ca = str(server.ca_file)
    return duo_client.Auth(integration.ikey, integration.skey, "localhost", ca_certs=ca, port=server.port)


class Crowd:
    """People with HOTP tokens who sign in one after the other, without a pause."""

    def __init__(self, server: Server, people: int = 4) -> None:
        self.server = server
        tenant = Tenant(server)
        self.integration = tenant.integration("authapi", "crowd")
        self.tokens = {f"p{n}": tenant.hotp(tenant.user(f"p{n}")) for n in range(people)}
        # Codes are made beforehand: a process of oathtool each would be most of the work.
        self.codes = {name: [token.code(ahead) for ahead in range(300)] for name, token in self.tokens.items()}
        self.used = dict.fromkeys(self.tokens, 0)
        self.refused: list[str] = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._sign_in, args=(name,)) for name in self.tokens]

    def _sign_in(self, name: str) -> None:
        auth = client(self.server, self.integration)
        for place, code in enumerate(self.codes[name]):
            if self.stopped.is_set():
                return
            said = auth.auth(factor="passcode", username=name, passcode=code)
            if said["result"] != "allow":
                self.refused.append(f"{name}, code {place}: {said}")
            self.used[name] = place + 1

    def wait_for(self, logins: int) -> None:
        """Until everybody has signed in so often from now on."""
        enough = min(self.used.values()) + logins
        wait_for("the crowd signs in", lambda: min(self.used.values()) >= enough or self.refused)

    def __enter__(self) -> "Crowd":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        assert not self.refused, self.refused


@pytest.fixture(params=[SQLITE, POSTGRES])
def server(request: pytest.FixtureRequest, house: House) -> Iterator[Server]:
    made = house.new_server(request.param).start()
    yield made
    made.end()


def elsewhere(house: House, server: Server) -> Server:
    """Another server, not started, of the same kind and with a copy of the root key."""
    store = house.postgres("lasting").database() if server.store else None
    other = Server(house.place(), store)
    other.data.mkdir()
    shutil.copy(server.data / "root.key", other.data)
    return other


def test_a_backup_under_load_holds_every_login_that_was_answered_before(
    house: House, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    with Crowd(server) as crowd:
        crowd.wait_for(10)
        # A small database is written in a moment: the crowd is in the middle of its logins, whether one ends in that moment or not.
        before = dict(crowd.used)
        done(server, "backup", str(file))
    server.stop()

    other = elsewhere(house, server)
    said = done(other, "restore", str(file))
    assert "restored 1 tenants" in said and "MISSING" not in said, said
    other.start()
    auth = client(other, crowd.integration)
    for name, count in before.items():
        codes = crowd.codes[name]
        # The last code that was answered before is used up in what was restored; some later one opens. On a slow machine many were used
        # while the backup was written, and a token looks ten codes ahead.
        assert auth.auth(factor="passcode", username=name, passcode=codes[count - 1])["result"] == "deny"
        later = codes[count : crowd.used[name] + 9 : 9]
        assert any(auth.auth(factor="passcode", username=name, passcode=code)["result"] == "allow" for code in later)
    assert other.stop() == 0

    ran = command(other, "restore", str(file))
    assert ran.returncode == 1 and "--force" in ran.stderr, ran
    done(other, "restore", str(file), "--force")
    other.start()
    assert client(other, crowd.integration).preauth(username="p0")["result"] == "auth"
    other.end()


def test_keys_are_rotated_while_people_sign_in(server: Server) -> None:
    with Crowd(server) as crowd:
        crowd.wait_for(5)
        done(server, "keys", "add-root")
        assert "1 tenant keys are wrapped by" in done(server, "keys", "rewrap")
        done(server, "keys", "rotate-tenant", "all")
        said = done(server, "keys", "reseal", "all")
        assert "values sealed anew, 0 were current" in said, said
        crowd.wait_for(20)
    status = done(server, "keys", "status")
    assert "1, 1 of them with more than one version of their key" in status, status
    server.restart()
    name, codes = next(iter(crowd.codes.items()))
    auth = client(server, crowd.integration)
    assert auth.auth(factor="passcode", username=name, passcode=codes[crowd.used[name]])["result"] == "allow"
    # The old root key wraps nothing any more.
    old = next(line.split()[0] for line in status.splitlines() if "remove-root" in line)
    done(server, "keys", "remove-root", old)
    server.restart()
    assert auth.auth(factor="passcode", username=name, passcode=codes[crowd.used[name] + 1])["result"] == "allow"


def test_the_doctor_finds_a_working_server_well(server: Server) -> None:
    said = done(server, "doctor")
    for what in ("configuration", "data directory", "root key", "database", "certificate"):
        assert any(line.startswith("ok") and what in line for line in said.splitlines()), said
    assert any(line.startswith("warn") and "port" in line for line in said.splitlines()), said
    assert command(server, "doctor").stdout.count("FAIL") == 0


MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


def test_the_root_key_moves_from_its_file_into_a_token(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = next(path for path in MODULES if Path(path).exists())
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    make = ["softhsm2-util", "--init-token", "--free", "--label", "house", "--pin", "4321", "--so-pin", "8765"]
    subprocess.run(make, check=True, capture_output=True)
    server = house.new_server(SQLITE).start()
    tenant = Tenant(server)
    integration, token = tenant.integration("authapi", "anna"), tenant.hotp(tenant.user("anna"))
    auth = client(server, integration)

    def signs_in() -> bool:
        return auth.auth(factor="passcode", username="anna", passcode=token.press())["result"] == "allow"

    assert signs_in()
    file, config = server.data / "root.key", server.config.read_text()
    roots = f'[keys]\nroot = "pkcs11:"\nolder_roots = ["file:{file}"]\n'
    place = f'[keys.pkcs11]\nmodule = "{module}"\ntoken_label = "house"\npin = "4321"\n'
    server.config.write_text(config + roots + place)
    server.restart()
    assert signs_in(), "what the file has wrapped is opened by the older root"
    said = done(server, "keys", "rewrap")
    assert "wrapped by pkcs11:" in said, said
    assert done(server, "keys", "add-root").startswith("pkcs11:")
    server.config.write_text(config + '[keys]\nroot = "pkcs11:"\n' + place)
    file.rename(tmp_path / "root.key")
    server.restart()
    assert signs_in(), "nothing needs the file any more"
    assert "1 tenant keys are wrapped by pkcs11:" in done(server, "keys", "rewrap")
    assert signs_in()
    assert "on the token, and it works" in done(server, "doctor")
    refused = command(server, "backup", str(tmp_path / "b.tar"), "--with-root-key")
    assert refused.returncode == 1 and "can't leave it" in refused.stderr, refused
    assert not file.exists()
    assert server.stop() == 0
