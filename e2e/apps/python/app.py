"""A web application that asks for a second factor with `duo_universal`. See ../README.md."""

import argparse
import json
import logging
import os
import secrets
import signal
import threading

from duo_universal.client import Client, DuoException
from flask import Flask, Response, make_response, redirect, render_template_string, request
from werkzeug.serving import make_server

COOKIE = "app-session"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head><body><h1>{{ title }}</h1>
{% if error %}<p id="error">{{ error }}</p>
{% elif username %}<p>Signed in as <b id="signed-in">{{ username }}</b></p><pre id="claims">{{ claims }}</pre>
{% else %}<form method="post" action="/login">
<label>Name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button id="log-in">Log in</button></form>
{% endif %}</body></html>
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)

    def add(name: str, variable: str, default: str | None = None) -> None:
        given = os.environ.get(variable, default)
        parser.add_argument(name, default=given, required=given is None)

    add("--client-id", "DUO_CLIENT_ID")
    add("--api-host", "DUO_API_HOST")
    add("--ca", "DUO_CA_FILE")
    add("--port", "PORT", "0")
    add("--host", "APP_HOST", "localhost")
    add("--password", "APP_PASSWORD", "password")
    add("--failmode", "DUO_FAILMODE", "closed")
    add("--code-name", "DUO_CODE_NAME", "duo_code")
    add("--redirect-uri", "DUO_REDIRECT_URI", "")
    add("--redeem-as", "DUO_REDEEM_AS", "")
    parser.add_argument("--nonce", action="store_true")
    return parser.parse_args()


def failure(status: int, error: object) -> Response:
    return make_response(render_template_string(PAGE, title="Not signed in", error=str(error)), status)


def signed_in(username: str, claims: dict) -> Response:
    shown = json.dumps(claims, indent=2, sort_keys=True)
    return make_response(render_template_string(PAGE, title="Signed in", username=username, claims=shown))


def application(options: argparse.Namespace, port: int) -> Flask:
    app = Flask(__name__)
    # What this server knows of each browser; the browser has the key only.
    sessions: dict[str, dict[str, str | None]] = {}
    duo = Client(
        client_id=options.client_id,
        client_secret=os.environ["DUO_CLIENT_SECRET"],
        host=options.api_host,
        redirect_uri=options.redirect_uri or f"http://{options.host}:{port}/duo-callback",
        duo_certs=options.ca,
        use_duo_code_attribute=options.code_name == "duo_code",
    )

    @app.get("/")
    def form() -> Response:
        return make_response(render_template_string(PAGE, title="Log in"))

    @app.post("/login")
    def login() -> Response:
        username = request.form.get("username", "")
        if not secrets.compare_digest(request.form.get("password", "").encode(), options.password.encode()):
            return failure(401, "wrong name or password")
        try:
            duo.health_check()
        except DuoException as error:
            if options.failmode == "open":
                return signed_in(username, {"failmode": "open"})
            return failure(502, error)
        state = duo.generate_state()
        nonce = duo.generate_state() if options.nonce else None
        try:
            prompt = duo.create_auth_url(username, state, nonce=nonce)
        except DuoException as error:
            return failure(400, error)
        session = secrets.token_urlsafe(32)
        sessions[session] = {"state": state, "username": username, "nonce": nonce}
        answer = make_response(redirect(prompt))
        answer.set_cookie(COOKIE, session, httponly=True, samesite="Lax")
        return answer

    @app.get("/duo-callback")
    def callback() -> Response:
        if "error" in request.args:
            return failure(401, f"{request.args['error']}: {request.args.get('error_description', '')}")
        # A session waits for one callback.
        session = sessions.pop(request.cookies.get(COOKIE, ""), None)
        if session is None:
            return failure(400, "no saved state: log in again")
        if not secrets.compare_digest(request.args.get("state", "").encode(), session["state"].encode()):
            return failure(400, "the state does not match the saved state")
        username = options.redeem_as or session["username"]
        try:
            code = request.args.get(options.code_name, "")
            claims = duo.exchange_authorization_code_for_2fa_result(code, username, nonce=session["nonce"])
        except DuoException as error:
            return failure(401, error)
        return signed_in(username, claims)

    return app


def main() -> None:
    options = arguments()
    # The addresses hold codes.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", int(options.port), Flask(__name__), threaded=True)
    server.app = application(options, server.server_port)

    def stop(*_arguments: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"ready http://{options.host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
