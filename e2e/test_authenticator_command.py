"""`countersign authenticator`: a person's authenticator at a terminal."""

import re
import subprocess

import duo_client
import pytest
from fixtures.server import BINARY


class Terminal:
    """Somebody at a terminal, with one account."""

    def __init__(self, server, place, link: str) -> None:
        self.file = place / "authenticator.json"
        self.run("activate", link, "--server", server.base, "--ca", str(server.ca_file))

    def run(self, *arguments: str, status: int = 0) -> str:
        command = [BINARY, "authenticator", "--key", str(self.file), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert run.returncode == status, f"{arguments}: {run.returncode}\n{run.stdout}{run.stderr}"
        return run.stdout + run.stderr


@pytest.fixture
def user(tenant):
    return tenant.user("alice")


@pytest.fixture
def link(tenant, user):
    phone = tenant.admin.add_phone(name="terminal", type="Mobile", platform="Generic Smartphone")
    tenant.admin.add_user_phone(user, phone["phone_id"])
    return tenant.admin.create_activation_url(phone["phone_id"], valid_secs=600)["activation_url"]


@pytest.fixture
def client(tenant):
    app = tenant.integration("authapi", "alice")
    return duo_client.Auth(app.ikey, app.skey, "localhost", ca_certs=str(app.ca_file), port=app.port)


def begin(client) -> tuple[str, str]:
    txid = client.auth("push", username="alice", device="auto", async_txn=True)["txid"]
    return txid, "".join(filter(str.isdigit, client.auth_status(txid)["status_msg"]))


def test_passcodes_need_no_network_and_count_once(server, place, link, client):
    terminal = Terminal(server, place, link)
    code = re.match(r"(\d{6})  \(for \d+ s\)\n", terminal.run("code"))[1]
    assert client.auth("passcode", username="alice", passcode=code)["result"] == "allow"
    assert client.auth("passcode", username="alice", passcode=code, ipaddr="192.0.2.1")["result"] == "deny"


def test_what_a_qr_code_says_approves_its_request(server, place, link, client):
    terminal = Terminal(server, place, link)
    txid, code = begin(client)
    assert "authapi for alice as alice" in terminal.run("wait")
    terminal.run("approve", f"countersign:approve?tenant=DA&attempt={txid}&code={code}")
    assert client.auth_status(txid)["success"] is True


def test_it_takes_a_name_and_goes(server, tenant, place, link, user):
    terminal = Terminal(server, place, link)
    terminal.run("rename", "the workstation")
    assert [phone["name"] for phone in tenant.admin.get_user_phones(user)] == ["the workstation"]
    assert "last one" in terminal.run("remove", status=1)
    assert terminal.file.exists()
    tenant.device(user)
    terminal.run("remove")
    assert not terminal.file.exists()
    assert [phone["name"] for phone in tenant.admin.get_user_phones(user)] == ["a phone"]
