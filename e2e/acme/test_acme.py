"""Certificates from a real ACME authority, by TLS-ALPN-01, on the port that is served."""

import re
import stat

from acme_harness import free_port, stop, wait_for

NAMES = ["api-1a2b.example.test", "mfa.example.test"]


def test_a_certificate_is_issued_for_every_name_and_kept_over_a_restart(start_pebble, start_countersign, tmp_path):
    pebble = start_pebble(seconds=86_400)
    server = start_countersign(tmp_path, pebble, NAMES)
    assert server.ready() in ("not ready: certificate\n", "ready\n")
    wait_for("a certificate", lambda: server.ready() == "ready\n", seconds=60)
    root = pebble.root()
    first = server.serial(root, NAMES[0])
    assert server.serial(root, NAMES[1]) == first
    with server.connect(root, NAMES[0]) as connection:
        names = {name for _, name in connection.getpeercert()["subjectAltName"]}
    assert names == set(NAMES)

    kept = sorted((tmp_path / "data/acme").iterdir())
    assert [path.suffix for path in kept] == [".json", ".pem"], kept
    for path in kept:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    key = re.search(r"BEGIN PRIVATE KEY-----\n(\S{20})", kept[1].read_text()).group(1)
    assert key not in server.log()

    assert stop(server.process) == 0
    again = start_countersign(tmp_path, pebble, NAMES)
    assert again.ready() == "ready\n", "the kept certificate serves from the first moment"
    assert again.serial(root, NAMES[0]) == first


def test_a_certificate_is_renewed_while_a_connection_stays_open(start_pebble, start_countersign, tmp_path):
    pebble = start_pebble(seconds=24)
    server = start_countersign(tmp_path, pebble, NAMES[:1])
    wait_for("a certificate", lambda: server.ready() == "ready\n", seconds=60)
    root = pebble.root()
    first = server.serial(root, NAMES[0])
    with server.connect(root, NAMES[0]) as open_all_along:
        request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
        open_all_along.sendall(request)
        assert open_all_along.recv(4096).startswith(b"HTTP/1.1 200 OK")
        wait_for("a renewal", lambda: server.serial(root, NAMES[0]) != first, seconds=40, every=0.5)
        open_all_along.sendall(request)
        assert open_all_along.recv(4096).startswith(b"HTTP/1.1 200 OK")
    assert server.log().count("a new certificate from the ACME authority is in use") >= 2


def test_a_name_that_the_authority_refuses_is_logged_with_its_reason(start_pebble, start_countersign, tmp_path):
    pebble = start_pebble(seconds=86_400)
    server = start_countersign(tmp_path, pebble, ["blocked.example.test"])
    wait_for("the reason", lambda: "no certificate from the ACME authority" in server.log())
    assert "blocked.example.test" in server.log() and "retry_seconds=30" in server.log()
    assert server.ready() == "not ready: certificate\n"
    assert server.process.poll() is None
    assert stop(server.process) == 0


def test_a_directory_that_is_not_trusted_gets_no_account(start_pebble, start_countersign, tmp_path):
    pebble = start_pebble(seconds=86_400)
    other = start_pebble(seconds=86_400)
    server = start_countersign(tmp_path, pebble, NAMES, ca_file=other.ca_file)
    wait_for("the reason", lambda: "no certificate from the ACME authority" in server.log())
    assert "certificate" in server.log().split("no certificate from the ACME authority", 1)[1]
    assert not list((tmp_path / "data/acme").iterdir())


def test_a_challenge_that_cannot_be_answered_is_logged_with_the_authoritys_reason(start_pebble, start_countersign, tmp_path):
    pebble = start_pebble(seconds=86_400)
    # The authority will look for the name at the port of the challenge, and this server serves another.
    server = start_countersign(tmp_path, pebble, NAMES[:1], port=free_port())
    wait_for("the reason", lambda: "no certificate from the ACME authority" in server.log(), seconds=60)
    assert f"Failed to connect to 127.0.0.1:{pebble.tls_port} for the tls-alpn-01 challenge" in server.log(), server.log()


def test_an_account_that_the_authority_has_forgotten_is_made_anew(start_pebble, start_countersign, tmp_path):
    pebble = start_pebble(seconds=86_400)
    server = start_countersign(tmp_path, pebble, NAMES)
    wait_for("a certificate", lambda: server.ready() == "ready\n", seconds=60)
    assert stop(server.process) == 0
    for certificate in (tmp_path / "data/acme").glob("*.pem"):
        certificate.unlink()
    pebble.forget_everything()
    server = start_countersign(tmp_path, pebble, NAMES)
    # Well before the first retry.
    wait_for("a certificate", lambda: server.ready() == "ready\n", seconds=25)
    assert "has forgotten this server's account" in server.log()
    assert server.serial(pebble.root(), NAMES[0])
