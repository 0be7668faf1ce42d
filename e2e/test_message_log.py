"""The message log, read with the organisation's key: in a browser, on the host, and through the Admin API. The key goes nowhere."""

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from fixtures import browser_axe
from fixtures.browser_house import Lobby
from fixtures.browser_people import has_passkey
from fixtures.browser_prompt import Prompt, Screen
from fixtures.house import SQLITE, House
from fixtures.server import BINARY
from fixtures.tenant import Tenant
from playwright.sync_api import Request, expect
from test_operations import command, done


@pytest.fixture
def tenant(lobby: Lobby) -> Tenant:
    return lobby.tenant()


@pytest.fixture
def key(tenant: Tenant, tmp_path: Path) -> Path:
    """A private key whose public half the tenant's log is sealed to, with a second one as for a safe."""
    file = tmp_path / "log.key"
    public = subprocess.run([BINARY, "log", "keygen", "--out", file], capture_output=True, text=True, check=True).stdout
    assert file.stat().st_mode & 0o777 == 0o600
    safe = subprocess.run([BINARY, "log", "keygen"], capture_output=True, text=True, check=True).stdout.split()
    assert safe[0].startswith("cssec1") and safe[1].startswith("cspub1")
    here = ("--tenant", tenant.host, "tenant")
    tenant.server.admin(*here, "log-key", "set", public.strip(), safe[1])
    tenant.server.admin(*here, "set", "log_readers=alice")
    (tmp_path / "safe.key").write_text(safe[0])
    return file


def test_a_reader_opens_the_log_in_the_browser_and_the_key_stays_there(
    lobby: Lobby, tenant: Tenant, key: Path, tmp_path: Path
) -> None:
    address = f"alice@{tenant.host}"
    tenant.user("alice", email=address)
    visitor = lobby.visitor(tenant)
    page = visitor.page()
    has_passkey(page, tenant, "alice")
    lobby.mailbox.wait(address, "")
    sent: list[str] = []

    def keep(request: Request) -> None:
        sent.append(f"{request.url} {request.headers} {request.post_data or ''}")

    page.on("request", keep)
    # The session of the enrolment is for that only; the passkey signs in by itself.
    page.goto(f"{tenant.origin}/account", wait_until="commit")
    Screen(page).shows("account-title")
    page.goto(f"{tenant.origin}/account/messages")
    Screen(page).shows("messages-title")
    page.locator("form[action='/account/step-up'] button").click()
    Prompt(page).passkey()
    page.wait_for_url("**/account/messages*")
    form = page.locator("[data-messages-form]")
    page.locator("#messages-key").set_input_files(key)
    form.locator("button").click()
    expect(page.locator("table.log tbody tr").filter(has_text=address).first).to_be_visible()
    row = page.locator("table.log tbody tr").filter(has_text=address).first.locator("td").all_inner_texts()
    assert row[5] == "email" and row[8] == "alice", row
    # Only hers, where only hers are wanted; and the key for the safe opens them too.
    page.locator("#messages-user").fill("alice")
    page.locator("#messages-key").set_input_files(tmp_path / "safe.key")
    form.locator("button").click()
    expect(page.locator("table.log tbody tr").filter(has_text=address).first).to_be_visible()

    # A key made here: downloaded, and shown by its public half only.
    page.locator("details summary").click()
    with page.expect_download() as download:
        page.locator("[data-messages-make]").click()
    made = Path(download.value.path()).read_text().strip()
    assert re.fullmatch(r"cssec1[a-z0-9]{59}", made)
    public = page.locator("[data-messages-public]")
    expect(public).to_have_text(re.compile("^cspub1[a-z0-9]{59}$"))
    page.locator("#messages-key").set_input_files([{"name": "k", "mimeType": "text/plain", "buffer": made.encode()}])
    form.locator("button").click()
    expect(page.locator("table.log tbody tr").first).to_contain_text("another key")

    # How the carriers do is a page beside it, for everybody who can read, in each language.
    for language, outcome in {"fr": "Pris par l’opérateur", "en": "Taken by the carrier"}.items():
        page.goto(f"{tenant.origin}/account/routes?lang={language}")
        expect(page.locator("[data-state='routes-ready']").first).to_be_visible()
        row = page.locator("[data-outcomes] tbody tr").filter(has_text=outcome).first
        expect(row).to_contain_text("smtp")
        assert not browser_axe.violations(page)

    assert any("/account/messages/rows" in one for one in sent)
    secrets = [key.read_text().strip(), (tmp_path / "safe.key").read_text().strip(), made]
    for one in sent:
        for secret in secrets:
            assert "cssec1" not in one and secret[6:40] not in one, one
    noted = tenant.admin.get_activity_logs(mintime=0, maxtime=9_999_999_999_999)["items"]
    assert sum(item["action"]["name"] == "message_log_read" for item in noted) >= 2, noted


def test_the_command_line_reads_on_the_host_and_through_the_admin_api(
    lobby: Lobby, tenant: Tenant, key: Path, tmp_path: Path
) -> None:
    address = f"alice@{tenant.host}"
    tenant.user("alice", email=address)
    has_passkey(lobby.visitor(tenant).page(), tenant, "alice")
    lobby.mailbox.wait(address, "")
    server = tenant.server
    read = ("--key", str(key), "--tenant", tenant.host)
    shown = done(server, "log", "read", *read)
    assert address in shown and "email" in shown, shown
    assert address in done(server, "log", "read", *read, "--user", "alice")
    file = tmp_path / "log.csv"
    done(server, "log", "export", *read, "--out", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert any(row["to"] == address and row["user"] == "alice" and row["time"] for row in rows), rows
    assert file.stat().st_mode & 0o777 == 0o600

    skey = tmp_path / "skey"
    integration = tenant.admin
    skey.write_text(integration.skey)
    here = next(line.split()[0] for line in server.admin("tenant", "list").splitlines() if tenant.host in line)
    api = ("--api", f"localhost:{server.port}", "--tenant", here, "--ikey", integration.ikey)
    api += ("--skey-file", str(skey), "--ca", str(server.ca_file))
    lines = done(server, "log", "export", "--key", str(key), *api, "--format", "jsonl").splitlines()
    assert any(json.loads(line)["to"] == address for line in lines), lines

    other = tmp_path / "other.key"
    done(server, "log", "keygen", "--out", str(other))
    assert "log_read_without_key" not in server.admin("--tenant", tenant.host, "alerts")
    assert "sealed to another key" in done(server, "log", "read", "--key", str(other), "--tenant", tenant.host)
    # Whoever reads on the host stands in the organisation's log, and without its key that is an alarm.
    alarm = next(line for line in server.admin("--tenant", tenant.host, "alerts").splitlines() if "without_key" in line)
    assert "command line" in alarm, alarm
    noted = [item for item in integration.get_administrator_log() if item["action"] == "message_log_read"]
    assert sum(item["username"].startswith("command line") for item in noted) >= 4, noted
    assert command(server, "log", "read", "--key", str(skey), "--tenant", tenant.host).returncode != 0
    assert address not in server.log()


def test_a_server_without_the_houses_day_keys_says_so_and_does_not_start(house: House) -> None:
    server = house.new_server(SQLITE).start()
    assert server.stop() == 0
    days = server.data / "log-days.key"
    assert days.stat().st_mode & 0o777 == 0o600
    ours = days.read_bytes()
    days.unlink()
    for what, left in {"is missing": None, "other day keys": "another"}.items():
        if left:
            done(server, "log", "forget-days")
            server.start().stop()
            other = days.read_bytes()
            days.write_bytes(ours)
        ran = command(server, "serve")
        assert ran.returncode != 0 and what in ran.stderr, ran.stderr
    days.write_bytes(other)
    assert server.start().stop() == 0
