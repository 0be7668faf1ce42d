"""OAuth's programs against the running server: a client that shows a certificate, and keys that are turned over while it works."""

import http.client
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fixtures.house import SQLITE, House
from fixtures.server import Server
from fixtures.tenant import Tenant
from fixtures.waiting import free_port, wait_for

AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")])


class Certificates:
    """An authority, and what it signs."""

    def __init__(self, place: Path) -> None:
        self.place, self.key = place, ec.generate_private_key(ec.SECP256R1())
        self.pem = self._signed(AUTHORITY, self.key, [x509.BasicConstraints(ca=True, path_length=None)])

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: list) -> str:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder().subject_name(name).issuer_name(AUTHORITY).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        )  # fmt: skip
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def client(self, name: str) -> Path:
        """A file with a client's certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = self._signed(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A client")]), key,
            [x509.SubjectAlternativeName([x509.DNSName(name)]), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])],
        )  # fmt: skip
        pem += key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        path = self.place / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text(pem)
        return path


@pytest.fixture
def asking(house: House) -> Iterator[tuple[Server, int]]:
    """A server with a listener that asks for certificates, and its port."""
    port = free_port()
    server = house.new_server(SQLITE, settings={"server.mtls_listen": f"127.0.0.1:{port}"}).start()
    yield server, port
    server.end()


def _ask(server: Server, port: int, path: str, form: dict | None = None, certificate: Path | None = None) -> tuple[int, dict]:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    if certificate:
        context.load_cert_chain(str(certificate))
    connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=context)
    if form is None:
        connection.request("GET", path)
    else:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text.startswith(b"{") else {}


def test_a_client_shows_its_certificate_and_its_tokens_are_bound_to_it(
    asking: tuple[Server, int], place: Path
) -> None:
    server, port = asking
    tenant = Tenant(server, host="localhost")
    certificates = Certificates(place)
    settings = {
        "auth_method": "tls_client_auth",
        "tls.authorities": certificates.pem,
        "tls.san_dns": "client.example",
        "grant_types": '["client_credentials"]',
        "scopes": '["reports"]',
        "certificate_bound": "true",
        "access_token_format": "jwt",
        "id_token_alg": "ES256",
    }
    wishes = [part for name, value in settings.items() for part in ("--set", f"oidc.{name}={value}")]
    server.command(
        "app", "--tenant", "localhost", "add", "oidc", "A program", "--key", "program", "--url", "https://program.example",
        "-o", "redirect=https://program.example/cb", *wishes,
    )  # fmt: skip
    said = _ask(server, server.port, "/.well-known/openid-configuration")[1]
    aliases = said["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"https://localhost:{port}/oidc/token"
    assert "tls_client_auth" in said["token_endpoint_auth_methods_supported"]

    form = {"grant_type": "client_credentials", "client_id": "program"}
    right, other = certificates.client("client.example"), certificates.client("other.example")
    (place / "foreign").mkdir()
    foreign = Certificates(place / "foreign").client("client.example")
    status, tokens = _ask(server, port, "/oidc/token", form, right)
    assert status == 200, tokens
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["cnf"].keys() == {"x5t#S256"} and claims["scope"] == "reports"
    for wrong in (None, other, foreign):
        status, refused = _ask(server, port, "/oidc/token", form, wrong)
        assert (status, refused["error"]) == (401, "invalid_client")
    # The other listener asks for none, and this one serves no page.
    assert _ask(server, server.port, "/oidc/token", form, right)[0] == 401
    assert _ask(server, port, "/account", None, right)[0] == 404

    # Whoever verifies by the published keys can, before a key is turned over and after.
    def verified(token: str) -> str:
        keys = jwt.PyJWKSet.from_dict(_ask(server, server.port, "/oidc/jwks")[1])
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(key for key in keys.keys if key.key_id == kid)
        jwt.decode(token, key, algorithms=["ES256"], audience=said["issuer"], issuer=said["issuer"])
        return kid

    first = verified(tokens["access_token"])
    server.command("app", "--tenant", "localhost", "keys", "rotate", "--key", "es256")
    assert "pending" in server.command("app", "--tenant", "localhost", "keys", "list")
    assert verified(_ask(server, port, "/oidc/token", form, right)[1]["access_token"]) == first
    # In a thief's hands: gone within a moment, on the server that runs beside the command.
    server.command("app", "--tenant", "localhost", "keys", "rotate", "--key", "es256", "--now")

    def under_another() -> str | None:
        token = _ask(server, port, "/oidc/token", form, right)[1]["access_token"]
        return token if jwt.get_unverified_header(token)["kid"] != first else None

    last = wait_for("a token under another key", under_another, seconds=5)
    verified(last)

    # An administrator ends what the program was granted, also what is signed and stands in no row: by a script, and at the command line.
    def good(token: str) -> bool:
        status, said = _ask(server, port, "/oidc/introspect", {"client_id": "program", "token": token}, right)
        assert status == 200, said
        return said["active"]

    assert good(last)
    applications = tenant.admin.json_api_call("GET", "/admin/v1/applications", {})
    [ikey] = [one["integration_key"] for one in applications if one["name"] == "A program"]
    tenant.admin.json_api_call("POST", f"/admin/v1/applications/{ikey}/revoke", {})
    assert not good(last)
    time.sleep(1.1)  # Tokens say when they were made in whole seconds.
    new = _ask(server, port, "/oidc/token", form, right)[1]["access_token"]
    assert good(new)
    assert "Ended" in server.command("app", "--tenant", "localhost", "revoke", "A program")
    assert not good(new)
