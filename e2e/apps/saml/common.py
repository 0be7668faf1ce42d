"""What the Python service providers of this directory share: arguments, pages, what the browser is known by. See README.md."""

import argparse
import json
import logging
import secrets
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, make_response, render_template_string, request
from werkzeug.serving import make_server

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><link rel="icon" href="data:,"></head>
<body><h1>{{ title }}</h1>
{% if error %}<p id="error">{{ error }}</p>
{% elif name %}<p>Signed in as <b id="signed-in">{{ name }}</b></p><pre id="claims">{{ claims }}</pre>
<p><a href="/logout">Log out</a></p>
{% else %}<p id="nobody">Nobody is signed in.</p><p><a href="/login">Log in</a></p>
{% endif %}</body></html>
"""


def arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--idp", type=Path, required=True, help="the provider's metadata")
    parser.add_argument("--key", type=Path, required=True, help="this application's key, PEM")
    parser.add_argument("--certificate", type=Path, required=True, help="and its certificate, PEM")
    parser.add_argument("--signed", choices=["response", "assertion", "both"], default="assertion")
    parser.add_argument("--encrypted", action="store_true")
    parser.add_argument("--binding", choices=["redirect", "post"], default="redirect")
    parser.add_argument("--context", default="")
    parser.add_argument("--format", default="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
    parser.add_argument("--port", default="0")
    return parser.parse_args()


def cookie() -> str:
    """Its name: a browser has one jar for all ports of a host, where several of these may listen."""
    return f"saml-app-{request.host.rpartition(':')[2]}"


class Browsers:
    """What this server knows of each browser; the browser has the key only."""

    def __init__(self) -> None:
        self.known: dict[str, dict] = {}

    def here(self) -> dict:
        return self.known.get(request.cookies.get(cookie(), ""), {})

    def sign_in(self, answer: Response, who: dict) -> Response:
        key = secrets.token_urlsafe(24)
        self.known[key] = who
        answer.set_cookie(cookie(), key, httponly=True)
        return answer

    def sign_out(self) -> None:
        self.known.pop(request.cookies.get(cookie(), ""), None)

    def of(self, name: str, sessions: list[str]) -> dict[str, dict]:
        """What is known as a logout names it: one person's sessions, or all of theirs where none is named."""
        return {
            key: who for key, who in self.known.items() if who["name"] == name and (not sessions or who["session"] in sessions)
        }

    def end(self, name: str, sessions: list[str]) -> None:
        """Signs out whom a logout names, whoever brought it: the provider itself may have."""
        for key in self.of(name, sessions):
            self.known.pop(key, None)


def show(status: int = 200, **given: object) -> Response:
    title = "Not signed in" if "error" in given else "A service provider"
    return make_response(render_template_string(PAGE, title=title, **given), status)


def home(who: dict) -> Response:
    return show(name=who["name"], claims=json.dumps(who, indent=2, sort_keys=True)) if who else show()


def serve(port: str, application: Callable[[str], Flask]) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", int(port), Flask(__name__), threaded=True)
    origin = f"http://localhost:{server.server_port}"
    app = application(origin)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        return show(500, error=f"{type(error).__name__}: {error}")

    server.app = app

    def stop(*_arguments: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"ready {origin}", flush=True)
    server.serve_forever()
