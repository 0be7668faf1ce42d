"""A Flask application that signs people in with PyPI's Authlib, as its documentation shows. See README.md."""

import argparse
import json
import os
import signal
import threading

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request, session, url_for
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from werkzeug.serving import make_server

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An application</title>
<link rel="icon" href="data:,"></head><body><h1>An application</h1>{}</body></html>"""


def application(options: argparse.Namespace) -> Flask:
    app = Flask(__name__)
    app.secret_key = os.urandom(32)
    app.config["SESSION_COOKIE_NAME"] = "authlib-app"
    # The sessions of the provider that are over, as its back channel said.
    over: set[str] = set()
    oauth = OAuth(app)
    oauth.register(
        "idp",
        client_id=options.client_id,
        client_secret=os.environ["CLIENT_SECRET"],
        server_metadata_url=options.discovery,
        client_kwargs={"scope": "openid profile email groups", "code_challenge_method": "S256"},
    )

    @app.get("/")
    def front() -> str:
        if session.get("claims", {}).get("sid") in over:
            session.clear()
        if not (token := session.get("token")):
            return PAGE.format('<p id="signed-out">Nobody is signed in.</p>')
        answer = oauth.idp.get(oauth.idp.load_server_metadata()["userinfo_endpoint"], token=token)
        if answer.status_code != 200:
            return PAGE.format(f'<p id="signed-out">The sign-in is over: {answer.status_code}</p>')
        shown = json.dumps({"claims": session["claims"], "userinfo": answer.json(), "kid": session["kid"]})
        return PAGE.format(f'<p id="signed-in">{answer.json()["preferred_username"]}</p><pre id="claims">{shown}</pre>')

    @app.get("/login")
    def login():  # noqa: ANN202 (whatever the library gives)
        return oauth.idp.authorize_redirect(url_for("callback", _external=True))

    @app.get("/callback")
    def callback():  # noqa: ANN202
        token = oauth.idp.authorize_access_token()
        session["kid"] = jws.extract_compact(token["id_token"].encode()).headers()["kid"]
        session["id_token"] = token["id_token"]
        session["claims"] = token.pop("userinfo")
        session["token"] = {name: token[name] for name in ("access_token", "token_type", "expires_at")}
        return redirect("/")

    @app.get("/logout")
    def logout():  # noqa: ANN202
        hint = session.pop("id_token")
        session.pop("token")
        return oauth.idp.logout_redirect(post_logout_redirect_uri=url_for("out", _external=True), id_token_hint=hint)

    @app.get("/out")
    def out():  # noqa: ANN202
        oauth.idp.validate_logout_response()
        return redirect("/")

    @app.post("/backchannel")
    def backchannel() -> tuple[str, int]:
        metadata = oauth.idp.load_server_metadata()
        keys = KeySet.import_key_set(oauth.idp.fetch_jwk_set(force=True))
        token = jwt.decode(request.form["logout_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": metadata["issuer"]}, aud={"essential": True, "value": options.client_id},
            iat={"essential": True}, sid={"essential": True},
        )  # fmt: skip
        rules.validate(token.claims)
        assert token.header["typ"] == "logout+jwt" and "nonce" not in token.claims
        assert list(token.claims["events"]) == ["http://schemas.openid.net/event/backchannel-logout"]
        over.add(token.claims["sid"])
        return "", 200

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--client-id", "--discovery", "--port"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    server = make_server("127.0.0.1", int(options.port), application(options), threaded=True)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"ready http://localhost:{options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
