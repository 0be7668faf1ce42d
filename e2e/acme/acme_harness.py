"""A real ACME authority on loopback: Pebble, with the DNS server that comes with it.

Both are built from the Go module proxy when they are not at hand (PEBBLE_BIN_DIR, PATH, or the target directory), which
needs Go 1.24 or newer. Without them the tests are skipped, and say so.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

VERSION = "v2.10.1"
MODULE = "github.com/letsencrypt/pebble/v2/cmd/"
PROGRAMS = ("pebble", "pebble-challtestsrv")
ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("COUNTERSIGN_BIN", ROOT / "target/debug/countersign"))


def _program(name: str) -> str | None:
    tools = BINARY.parent.parent / "tools" / "go"
    for place in (os.environ.get("PEBBLE_BIN_DIR"), str(tools), None):
        if found := shutil.which(name, path=place):
            return found
    if not shutil.which("go"):
        return None
    environment = os.environ | {"GOBIN": str(tools), "GOFLAGS": "-mod=mod"}
    built = subprocess.run(["go", "install", f"{MODULE}{name}@{VERSION}"], env=environment, capture_output=True, text=True)
    if built.returncode:
        print(built.stderr)
    return shutil.which(name, path=str(tools))


@pytest.fixture(scope="session")
def programs() -> dict[str, str]:
    found = {name: _program(name) for name in PROGRAMS}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not found, and no Go to build it from {MODULE}...@{VERSION}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: str, condition, seconds: float = 30.0, every: float = 0.1):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(every)
    raise AssertionError(f"{what}: not within {seconds} s")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(process: subprocess.Popen) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@dataclass
class Pebble:
    """A running authority, which looks for the names it is asked for at `tls_port` of this machine."""

    directory: str
    ca_file: Path
    tls_port: int
    management: int
    process: subprocess.Popen
    begin: Callable[[], subprocess.Popen]

    def forget_everything(self) -> None:
        """A restart: Pebble keeps accounts, orders and its root in memory."""
        stop(self.process)
        self.process = self.begin()

    def root(self) -> str:
        """The root that signs what it issues; a new one for each run."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(f"https://127.0.0.1:{self.management}/roots/0", context=context) as answer:
            return answer.read().decode()


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="session")
def start_pebble(programs, tmp_path_factory):
    """Starts an authority whose certificates last for so many seconds."""
    running = []

    def start(seconds: int) -> Pebble:
        place = tmp_path_factory.mktemp("pebble")
        ca, ca_key = place / "ca.pem", place / "ca.key"
        request, cert, key = place / "request.pem", place / "cert.pem", place / "key.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        _openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=directory ca", "-keyout", str(ca_key), "-out", str(ca))
        _openssl("req", *curve, "-subj", "/CN=directory", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", str(key), "-out", str(request))
        _openssl("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key), "-days", "2",
                 "-copy_extensions", "copyall", "-out", str(cert))
        dns, challtest, listen, management, tls_port = (free_port() for _ in range(5))
        config = place / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{listen}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(cert), "privateKey": str(key),
            "httpPort": free_port(), "tlsPort": tls_port,
            "domainBlocklist": ["blocked.example.test"],
            "keyAlgorithm": "ecdsa",
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {"default": {"description": "of the test", "validityPeriod": seconds}},
        }}))
        log = (place / "log").open("w")
        names = subprocess.Popen(
            [programs["pebble-challtestsrv"], "-dnsserver", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{challtest}",
             "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""],
            stdout=log, stderr=log)
        running.append(names)

        def begin() -> subprocess.Popen:
            authority = subprocess.Popen(
                [programs["pebble"], "-config", str(config), "-dnsserver", f"127.0.0.1:{dns}", "-strict"],
                stdout=log, stderr=log, env=os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5"})
            running.append(authority)
            wait_for("Pebble", lambda: listens(listen) and listens(management))
            return authority

        return Pebble(f"https://127.0.0.1:{listen}/dir", ca, tls_port, management, begin(), begin)

    yield start
    for process in running:
        stop(process)


@dataclass
class Countersign:
    process: subprocess.Popen
    port: int
    metrics: int
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text()

    def ready(self) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/readyz", timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.read().decode()
        except OSError as error:
            return str(error)

    def connect(self, root: str, name: str) -> ssl.SSLSocket:
        """A connection that trusts the authority's root only, and wants a certificate for `name`."""
        context = ssl.create_default_context(cadata=root)
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=10), server_hostname=name)

    def serial(self, root: str, name: str) -> str:
        with self.connect(root, name) as connection:
            return connection.getpeercert()["serialNumber"]


@pytest.fixture
def start_countersign():
    running = []

    def start(data: Path, pebble: Pebble, domains: list[str], ca_file: Path | None = None,
              port: int | None = None) -> Countersign:
        metrics, port = free_port(), port or pebble.tls_port
        config = data / "countersign.toml"
        config.write_text(f"""
[server]
listen = "127.0.0.1:{port}"
api_hosts = {json.dumps(domains)}
[data]
dir = {json.dumps(str(data / "data"))}
[tls]
mode = "acme"
[tls.acme]
directory_url = "{pebble.directory}"
directory_ca_file = {json.dumps(str(ca_file or pebble.ca_file))}
contact = ["mailto:ops@example.test"]
[metrics]
listen = "127.0.0.1:{metrics}"
""")
        log_file = data / "log"
        with log_file.open("a") as log:
            process = subprocess.Popen([str(BINARY), "--config", str(config), "serve"], stderr=log)
        running.append(process)
        wait_for("countersign", lambda: listens(metrics))
        return Countersign(process, port, metrics, log_file)

    yield start
    for process in running:
        stop(process)
