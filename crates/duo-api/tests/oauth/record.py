"""Prints, as JSON, the requests that Duo's web libraries make: `duo_universal` of PyPI in this process, `@duosecurity/duo_universal`
of npm by record.js beside it, and the form that PHP's library sends, which hands curl a list of texts, by curl itself.

    NODE_PATH=target/npm/node_modules target/venv/bin/python crates/duo-api/tests/oauth/record.py > crates/duo-api/tests/oauth/recorded.json

The libraries are unmodified; their last step is replaced by one that records, and the clock stands still.
"""

import http.server
import importlib.metadata
import json
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import jwt
import requests
from duo_universal.client import Client

KEY = "DIXYZV6YM8IFYVWBINCA"
SECRET = "yWHSMhWucAcp7qvuH3HWTaSaKABs8Gaddiv1NIRo"
NOW = 1795280601.805099
USERNAME = "Alfa.Person"
REDIRECT = "https://wiki.example.test/duo-callback?from=login"
STATE = "qD8fW2mKpZr5tYvNcXbGhJkLsA4e7u9iO3R6"
NONCE = "n0nceForAlfaPersonAtTheWiki"
CODE = "CODE"
RECORDED: list[dict] = []


def keep(client: str, name: str, method: str, url: str, headers: dict, body: str) -> None:
    parts = urllib.parse.urlsplit(url)
    kinds = [value for header, value in headers.items() if header.lower() == "content-type"]
    RECORDED.append(
        {
            "client": client,
            "name": name,
            "method": method,
            "target": parts.path + (f"?{parts.query}" if parts.query else ""),
            "host": parts.netloc,
            "content_type": kinds[0] if kinds else "",
            "body": body,
        }
    )


class Kept(Exception):
    pass


def python(host: str) -> None:
    name = f"duo_universal {importlib.metadata.version('duo_universal')}"
    step = ""

    def send(_session: requests.Session, request: requests.PreparedRequest, **_further: object) -> None:
        body = request.body or ""
        keep(name, step, request.method, request.url, dict(request.headers), body if isinstance(body, str) else body.decode())
        raise Kept

    requests.Session.send = send
    for code_attribute in (True, False):
        client = Client(KEY, SECRET, host, REDIRECT, use_duo_code_attribute=code_attribute)
        keep(name, "authorize", "GET", client.create_auth_url(USERNAME, STATE), {}, "")
        keep(name, "authorize with nonce", "GET", client.create_auth_url(USERNAME, STATE, nonce=NONCE), {}, "")
        for step, call in (
            ("health_check", client.health_check),
            ("token", lambda client=client: client.exchange_authorization_code_for_2fa_result(CODE, USERNAME)),
        ):
            try:
                call()
            except Exception as error:  # noqa: BLE001: the library wraps what it raises
                assert "Kept" in repr(error) or isinstance(error.args[0], Kept), error


def node(host: str) -> None:
    arguments = [KEY, SECRET, host, REDIRECT, USERNAME, STATE, CODE, str(NOW)]
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("record.js")), *arguments], check=True, capture_output=True, text=True
    )
    for line in done.stdout.splitlines():
        keep(**json.loads(line))


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        url = f"https://{self.headers['Host']}{self.path}"
        keep("curl, as duo_universal_php", self.path.rsplit("/", 1)[1], "POST", url, dict(self.headers), body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def curl(host: str) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for path, further in (
        ("/oauth/v1/health_check", {}),
        (
            "/oauth/v1/token",
            {
                "grant_type": "authorization_code",
                "code": CODE,
                "redirect_uri": REDIRECT,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            },
        ),
    ):
        claims = {
            "iss": KEY,
            "sub": KEY,
            "aud": f"https://{host}{path}",
            "jti": f"{path[10:]}-{host:x<36}"[:36],
            "iat": int(NOW),
            "exp": int(NOW) + 300,
        }
        form = {"client_id": KEY, "client_assertion": jwt.encode(claims, SECRET, algorithm="HS512")} | further
        texts = [argument for name, value in form.items() for argument in ("--form-string", f"{name}={value}")]
        url = f"http://127.0.0.1:{server.server_port}{path}"
        subprocess.run(["curl", "--silent", "--fail", "-H", f"Host: {host}", *texts, url], check=True)
    server.shutdown()


def main() -> None:
    time.time = lambda: NOW
    for host in ("api-alfa.example.test", "api-alfa.example.test:8443"):
        python(host)
        node(host)
        curl(host)
    print(json.dumps({"key": KEY, "secret": SECRET, "username": USERNAME, "redirect_uri": REDIRECT, "state": STATE,
                      "nonce": NONCE, "code": CODE, "requests": RECORDED}, indent=1))


if __name__ == "__main__":
    main()
