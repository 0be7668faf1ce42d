"""Shared Signals: a receiver that is told by push and by poll, its tokens judged by PyJWT, and a client that ends everything of a person."""

import base64
import contextlib
import copy
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures.browser_house import Lobby
from fixtures.names import knowing
from fixtures.server import ROOT
from fixtures.sso import Connected, Organisation
from fixtures.waiting import end, free_port, wait_for
from jwt.algorithms import ECAlgorithm
from playwright.sync_api import expect

CAEP = "https://schemas.openid.net/secevent/caep/event-type"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
# The receiver of e2e/apps/ssf, which xtask builds.
FOREIGN = os.environ.get("COUNTERSIGN_SSF_RECEIVER", str(ROOT / "target/ssf-receiver/debug/ssf-receiver"))
# A receiver hears within so many seconds.
SOON = 5.0


class Receiver:
    """Takes events by push (RFC 8935) on loopback; the first `failing` of them it can't take."""

    def __init__(self, failing: int = 0) -> None:
        self.seen: list[tuple[dict, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.seen.append((headers, body))
                self.send_response(503 if len(receiver.seen) <= failing else 202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Client:
    """A client of the OAuth server that asks for itself."""

    def __init__(self, organisation: Organisation, scopes: str, name: str = "A receiver") -> None:
        self.organisation = organisation
        self.app: Connected = organisation.app(
            "oidc", name, "https://receiver.example",
            "--set", 'oidc.grant_types=["client_credentials"]', "--set", f"oidc.scopes={json.dumps(scopes.split())}",
            redirect="https://receiver.example/callback",
        )  # fmt: skip
        self.context = ssl.create_default_context(cafile=str(organisation.server.ca_file))
        basic = f"{urllib.parse.quote(self.app.key)}:{urllib.parse.quote(self.app.secret)}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(basic.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": scopes}).encode()
        status, body = self.send("POST", "/oidc/token", form, headers)
        assert status == 200, body
        self.token = body["access_token"]

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, dict]:
        tenant = self.organisation.tenant
        connection = http.client.HTTPSConnection("localhost", tenant.server.port, context=self.context, timeout=30)
        host = urllib.parse.urlsplit(self.organisation.issuer).netloc
        connection.request(method, path, body, headers | {"Host": host})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, json.loads(said or b"{}")

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.send(method, path, None if body is None else json.dumps(body).encode(), headers)

    def stream(self, delivery: dict, **more: object) -> dict:
        wanted = [f"{CAEP}/session-revoked", f"{CAEP}/credential-change", "https://example.org/unknown"]
        status, made = self.ask("POST", "/ssf/stream", {"delivery": delivery, "events_requested": wanted} | more)
        assert status == 201, made
        assert made["events_delivered"] == wanted[:2] and made["aud"] == self.app.key
        return made

    def verified(self, token: str) -> dict:
        """The claims, as a receiver takes them: by the keys that are published, RS256 and nothing else."""
        _, configuration = self.send("GET", "/.well-known/ssf-configuration", None, {})
        _, keys = self.send("GET", urllib.parse.urlsplit(configuration["jwks_uri"]).path, None, {})
        head = jwt.get_unverified_header(token)
        assert head["typ"] == "secevent+jwt" and head["alg"] == "RS256"
        key = jwt.PyJWKSet.from_dict(keys)[head["kid"]]
        claims = jwt.decode(
            token, key, algorithms=["RS256"], audience=self.app.key, issuer=configuration["issuer"],
            options={"require": ["iss", "jti", "iat", "aud"]},
        )  # fmt: skip
        assert "exp" not in claims and "sub" not in claims and len(claims["events"]) == 1
        return claims


@pytest.fixture
def organisation(lobby: Lobby) -> Organisation:
    return Organisation(lobby)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(failing=1)
    yield made
    made.close()


def _user(organisation: Organisation) -> dict:
    return {"format": "iss_sub", "iss": organisation.issuer, "sub": organisation.user}


def test_a_receiver_is_told_by_push_until_it_has_taken_it(organisation: Organisation, receiver: Receiver) -> None:
    client = Client(organisation, "ssf.manage")
    made = client.stream(
        {"method": PUSH, "endpoint_url": receiver.url, "authorization_header": "Bearer the receiver's own"}
    )
    assert "authorization_header" not in json.dumps(made)
    assert client.ask("POST", "/ssf/verify", {"stream_id": made["stream_id"], "state": "abc"})[0] == 204
    wait_for("the receiver takes it at the second try", lambda: len(receiver.seen) == 2, 15)
    (headers, first), (_, second) = receiver.seen
    assert headers["content-type"] == "application/secevent+jwt"
    assert headers["authorization"] == "Bearer the receiver's own"
    claims = client.verified(second)
    assert claims["events"][VERIFICATION] == {"state": "abc"}
    assert claims["jti"] == client.verified(first)["jti"], "the same event, so that the receiver knows it again"

    organisation.page.goto(f"{organisation.issuer}/account")
    expect(organisation.page.get_by_role("heading", name="Your account")).to_be_visible()
    organisation.revoke()
    wait_for("the receiver hears of the sessions' end", lambda: len(receiver.seen) == 3, SOON)
    claims = client.verified(receiver.seen[2][1])
    event = claims["events"][f"{CAEP}/session-revoked"]
    assert claims["sub_id"] == _user(organisation) and event["reason_admin"]["en"]


def test_a_receiver_polls_and_acknowledges(organisation: Organisation) -> None:
    client = Client(organisation, "ssf.manage")
    made = client.stream({"method": POLL}, format="email", description="A poller")
    path = urllib.parse.urlsplit(made["delivery"]["endpoint_url"]).path
    organisation.server.admin("--tenant", organisation.tenant.host, "user", "disable", "alice")
    _, answer = client.ask("POST", path, {"returnImmediately": True})
    kinds = set()
    for jti, token in answer["sets"].items():
        claims = client.verified(token)
        assert claims["jti"] == jti
        assert claims["sub_id"] == {"format": "email", "email": "alice@example.test"}
        kinds |= claims["events"].keys()
    # The account's end is another event, for which this stream didn't ask.
    assert kinds == {f"{CAEP}/session-revoked"}
    again = client.ask("POST", path, {"returnImmediately": True})[1]["sets"]
    assert again.keys() == answer["sets"].keys(), "what isn't acknowledged comes again"
    _, left = client.ask("POST", path, {"returnImmediately": True, "ack": list(answer["sets"])})
    assert left == {"sets": {}}
    # Paused, what happens waits; switched off, it is lost.
    status = {"stream_id": made["stream_id"], "status": "paused"}
    assert client.ask("POST", "/ssf/status", status) == (200, status)
    assert client.ask("POST", "/ssf/verify", {"stream_id": made["stream_id"]})[0] == 204
    assert client.ask("POST", path, {"returnImmediately": True})[1] == {"sets": {}}
    client.ask("POST", "/ssf/status", status | {"status": "enabled"})
    kinds = {
        kind
        for token in client.ask("POST", path, {"returnImmediately": True})[1]["sets"].values()
        for kind in client.verified(token)["events"]
    }
    assert VERIFICATION in kinds
    assert client.ask("DELETE", f"/ssf/stream?stream_id={made['stream_id']}")[0] == 204
    assert client.ask("POST", path, {})[0] == 404


def test_a_credential_that_is_added_or_taken_away_is_told(organisation: Organisation) -> None:
    client, admin = Client(organisation, "ssf.manage"), organisation.tenant.admin
    path = urllib.parse.urlsplit(client.stream({"method": POLL})["delivery"]["endpoint_url"]).path
    (passkey,) = admin.json_api_call("GET", f"/admin/v1/users/{organisation.user}/webauthncredentials", {})
    tenant = organisation.tenant.host
    organisation.server.admin("--tenant", tenant, "passkey", "suspend", passkey["webauthnkey"], "--reason", "lost on a train")
    bob = organisation.tenant.user("bob")
    # What they are given first isn't told: nobody could have signed in as them before.
    organisation.tenant.totp(bob)
    organisation.tenant.hotp(bob)
    _, answer = client.ask("POST", path, {"returnImmediately": True})
    changes = [
        (claims["sub_id"]["sub"], event["credential_type"], event["change_type"])
        for claims in map(client.verified, answer["sets"].values())
        for kind, event in claims["events"].items()
        if kind == f"{CAEP}/credential-change"
    ]
    assert sorted(changes) == sorted([(organisation.user, "fido2-platform", "revoke"), (bob, "otp", "create")])


class Bound:
    """A client of the FAPI profile: it signs who it is, and its token is bound to a key that signs each request (RFC 9449)."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation, self.key = organisation, ec.generate_private_key(ec.SECP256R1())
        self.jwk = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        settings = {
            "fapi": "true", "dpop_required": "true", "auth_method": "private_key_jwt", "id_token_alg": "ES256",
            "jwks": json.dumps({"keys": [self.jwk]}), "grant_types": '["client_credentials"]', "scopes": '["ssf.manage"]',
        }  # fmt: skip
        self.app = organisation.app(
            "oidc", "A bound receiver", "https://receiver.example",
            *[part for name, value in settings.items() for part in ("--set", f"oidc.{name}={value}")],
            redirect="https://receiver.example/callback",
        )  # fmt: skip
        self.context = ssl.create_default_context(cafile=str(organisation.server.ca_file))
        now = int(time.time())
        said = {"iss": self.app.key, "sub": self.app.key, "aud": organisation.issuer, "exp": now + 60, "jti": uuid.uuid4().hex}
        form = {
            "grant_type": "client_credentials", "scope": "ssf.manage",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }  # fmt: skip
        nonce = None
        for _ in range(2):
            said["jti"] = uuid.uuid4().hex
            form["client_assertion"] = jwt.encode(said, self.key, "ES256")
            headers = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": self.proof("POST", "/oidc/token", nonce=nonce)}
            status, body, nonce = self.send("POST", "/oidc/token", urllib.parse.urlencode(form).encode(), headers)
        assert (status, body["token_type"]) == (200, "DPoP"), body
        self.token = body["access_token"]

    def proof(self, method: str, path: str, **more: str | None) -> str:
        claims = {"jti": uuid.uuid4().hex, "htm": method, "htu": self.organisation.issuer + path, "iat": int(time.time())}
        claims |= {name: value for name, value in more.items() if value}
        return jwt.encode(claims, self.key, "ES256", headers={"typ": "dpop+jwt", "jwk": self.jwk})

    def for_token(self, method: str, path: str) -> str:
        digest = hashlib.sha256(self.token.encode()).digest()
        return self.proof(method, path, ath=base64.urlsafe_b64encode(digest).rstrip(b"=").decode())

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, dict, str | None]:
        tenant = self.organisation.tenant
        connection = http.client.HTTPSConnection("localhost", tenant.server.port, context=self.context, timeout=30)
        host = urllib.parse.urlsplit(self.organisation.issuer).netloc
        connection.request(method, path, body, headers | {"Host": host})
        answer = connection.getresponse()
        said = json.loads(answer.read() or b"{}")
        connection.close()
        return answer.status, said, answer.headers["DPoP-Nonce"]

    def ask(self, scheme: str, method: str, path: str, proof: str | None, body: object = None) -> tuple[int, dict]:
        headers = {"Authorization": f"{scheme} {self.token}"} | ({"DPoP": proof} if proof else {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.send(method, path, None if body is None else json.dumps(body).encode(), headers)[:2]


def test_a_client_of_the_fapi_profile_is_a_receiver_with_its_key_and_without_it_nobody(organisation: Organisation) -> None:
    client, path = Bound(organisation), "/ssf/stream"
    wanted = {"delivery": {"method": POLL}, "events_requested": [f"{CAEP}/session-revoked"]}
    used = client.for_token("POST", path)
    status, made = client.ask("DPoP", "POST", path, used, wanted)
    assert (status, made["aud"]) == (201, client.app.key)
    assert client.ask("DPoP", "GET", path, client.for_token("GET", path)) == (200, [made])
    poll = urllib.parse.urlsplit(made["delivery"]["endpoint_url"]).path
    answer = client.ask("DPoP", "POST", poll, client.for_token("POST", poll), {"returnImmediately": True})
    assert answer == (200, {"sets": {}})
    # As a bearer token, without a proof, with one that was used, for another address, or of another key.
    thief = copy.copy(client)
    thief.key = ec.generate_private_key(ec.SECP256R1())
    thief.jwk = json.loads(ECAlgorithm.to_jwk(thief.key.public_key()))
    for scheme, method, proof in [
        ("Bearer", "GET", None), ("Bearer", "GET", client.for_token("GET", path)), ("DPoP", "GET", None),
        ("DPoP", "POST", used), ("DPoP", "GET", client.for_token("POST", path)), ("DPoP", "GET", client.for_token("GET", poll)),
        ("DPoP", "GET", client.proof("GET", path)), ("DPoP", "GET", thief.for_token("GET", path)),
    ]:  # fmt: skip
        status, said = client.ask(scheme, method, path, proof, wanted if method == "POST" else None)
        assert (status, said["error"]) == (401, "invalid_token"), (scheme, proof)


def test_a_stream_is_its_clients_and_asks_for_the_right_token(organisation: Organisation) -> None:
    owner = Client(organisation, "ssf.manage")
    reader = Client(organisation, "ssf.read", "A reader")
    made = owner.stream({"method": POLL})
    name = f"/ssf/stream?stream_id={made['stream_id']}"
    assert owner.ask("GET", name) == (200, made)
    assert reader.ask("GET", name)[0] == 404, "another client's"
    assert reader.ask("GET", "/ssf/stream") == (200, [])
    for method, path, body in [
        ("POST", "/ssf/stream", {}), ("DELETE", name, None), ("POST", "/ssf/verify", {"stream_id": made["stream_id"]}),
        ("POST", "/global-token-revocation", {"sub_id": _user(organisation)}),
    ]:  # fmt: skip
        assert reader.ask(method, path, body)[0] == 403, path
        assert owner.ask(method, path, body, token=owner.token[:-1])[0] == 401, path
        assert owner.send(method, path, b"{}", {"Content-Type": "application/json"})[0] == 401, path
    other = Organisation(organisation.lobby, "bob")
    stranger = Client(other, "ssf.manage")
    assert stranger.ask("GET", name)[0] == 404, "another tenant's"
    assert stranger.ask("GET", name, token=owner.token)[0] == 401
    for wrong in [
        {"delivery": {"method": "carrier pigeon"}},
        {"delivery": {"method": PUSH}},
        {"delivery": {"method": PUSH, "endpoint_url": "http://receiver.example/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "http://8.8.8.8/events"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://169.254.169.254/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://user:word@receiver.example/"}},
        {"delivery": {"method": PUSH, "endpoint_url": "https://receiver.example/", "authorization_header": "a\r\nb"}},
        {"description": "x" * 257},
        {"format": "phone_number"},
        {"events_requested": ["x"] * 51},
        [],
    ]:
        status, said = owner.ask("POST", "/ssf/stream", wrong)
        assert status == 400 and said["error"] == "invalid_request", wrong
    assert owner.ask("POST", "/ssf/stream", {"description": "x" * 20_000})[0] in (400, 413)
    assert len([owner.stream({"method": POLL}) for _ in range(4)]) == 4
    assert owner.ask("POST", "/ssf/stream", {})[0] == 409


def test_one_call_from_outside_ends_everything_of_a_person(organisation: Organisation) -> None:
    client = Client(organisation, "global_token_revocation", "A detector")
    page = organisation.page
    page.goto(f"{organisation.issuer}/account")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    for nobody in [
        {"format": "email", "email": "nobody@example.test"},
        {"format": "iss_sub", "iss": "https://other.example", "sub": organisation.user},
        {"format": "opaque", "id": "DUAAAAAAAAAAAAAAAAAA"},
    ]:
        assert client.ask("POST", "/global-token-revocation", {"sub_id": nobody})[0] == 404, nobody
    assert client.ask("POST", "/global-token-revocation", {"sub_id": "alice"})[0] == 400
    named = {"format": "email", "email": "alice@example.test"}
    assert client.ask("POST", "/global-token-revocation", {"sub_id": named})[0] == 204
    page.goto(f"{organisation.issuer}/account")
    page.wait_for_url("**/sign-in/**")


class Foreign:
    """An application with a receiver that others wrote (e2e/apps/ssf): it makes its stream itself, by its own client credentials."""

    def __init__(self, organisation: Organisation, place: Path, **receiver: object) -> None:
        app = organisation.app(
            "oidc", "A foreign receiver", "https://receiver.example",
            "--set", 'oidc.grant_types=["client_credentials"]', "--set", 'oidc.scopes=["ssf.manage"]',
            redirect="https://receiver.example/callback",
        )  # fmt: skip
        oauth = {
            "token-uri": f"{organisation.issuer}/oidc/token",
            "client-id": app.key,
            "client-secret": app.secret,
            "scopes": ["ssf.manage"],
        }
        config = {
            "transmitter-issuer": organisation.issuer, "oauth2": oauth, "stream": {"management": "receiver"},
        } | receiver  # fmt: skip
        self.process = subprocess.Popen(
            [*knowing([organisation.tenant.host], place), FOREIGN, json.dumps(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"SSL_CERT_FILE": str(organisation.server.ca_file)} | self.environment(receiver),
        )  # fmt: skip
        assert self.line() == "ready"

    @staticmethod
    def environment(receiver: dict) -> dict[str, str]:
        url = receiver.get("push", {}).get("delivery-endpoint-url")
        return {"PORT": str(urllib.parse.urlsplit(url).port)} if url else {}

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.line()

    def events(self, *kinds: str) -> dict[str, dict]:
        """The claims of the next events of these kinds; others are of no interest."""
        found: dict[str, dict] = {}
        while len(found) < len(kinds):
            line = self.line()
            assert line.startswith("{"), f"the receiver said: {line!r}"
            claims = json.loads(line)["claims"]
            found |= {kind: claims for kind in kinds if kind in claims["events"]}
        return found

    def close(self) -> None:
        end(self.process)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.mark.parametrize("way", ["push", "poll"])
def test_a_receiver_that_others_wrote_is_told(organisation: Organisation, place: Path, way: str) -> None:
    """It finds the transmitter's metadata and keys, makes its stream, has it verified, and takes what is told, by its own rules."""
    url = f"http://127.0.0.1:{free_port()}/ssf/push"
    push = {"push": {"delivery-endpoint-url": url, "expected-auth-header": "Bearer the receiver's own"}}
    poll = {"delivery-method": "poll", "poll": {"interval": "100ms", "initial-delay": "1ms"}}
    with contextlib.closing(Foreign(organisation, place, **(push if way == "push" else poll))) as foreign:
        wait_for("its stream is there", lambda: foreign.ask("health") == "healthy", 20)
        # The library has verified the stream's name and the state by itself, before it hands the event over.
        asked = foreign.ask("verify")
        assert asked.startswith("asked "), asked
        (verified,) = foreign.events(VERIFICATION).values()
        assert verified["events"][VERIFICATION] == {"state": asked.removeprefix("asked ")}
        organisation.page.goto(f"{organisation.issuer}/account")
        expect(organisation.page.get_by_role("heading", name="Your account")).to_be_visible()
        admin = ("--tenant", organisation.tenant.host)
        (passkey,) = re.findall(r"\bWA\w+", organisation.server.admin(*admin, "user", "passkeys", "alice"))
        organisation.server.admin(*admin, "passkey", "suspend", passkey)
        revoked, changed = f"{CAEP}/session-revoked", f"{CAEP}/credential-change"
        told = foreign.events(revoked, changed)
        assert all(claims["sub_id"] == _user(organisation) for claims in told.values()), told
        assert told[changed]["events"][changed]["change_type"] == "revoke"
