"""A service provider by `pysaml2`, which calls the program `xmlsec1` for everything about signatures."""

import argparse

from common import Browsers, arguments, home, serve, show
from flask import Flask, Response, make_response, redirect, request
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, BINDING_SOAP
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.ident import code, decode
from saml2.metadata import entity_descriptor, sign_entity_descriptor
from saml2.response import StatusError
from saml2.sigver import security_context
from saml2.time_util import in_a_while
from saml2.validate import valid_instance
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256


def configuration(options: argparse.Namespace, origin: str) -> SPConfig:
    config = SPConfig()
    config.load({
        "entityid": f"{origin}/metadata",
        "service": {
            "sp": {
                "endpoints": {
                    "assertion_consumer_service": [(f"{origin}/acs", BINDING_HTTP_POST)],
                    "single_logout_service": [
                        (f"{origin}/slo", BINDING_HTTP_REDIRECT),
                        (f"{origin}/slo", BINDING_HTTP_POST),
                        (f"{origin}/soap", BINDING_SOAP),
                    ],
                },
                "name_id_format": [options.format],
                "name_id_policy_format": options.format,
                "authn_requests_signed": True,
                "logout_requests_signed": True,
                "logout_responses_signed": True,
                "want_response_signed": options.signed != "assertion",
                "want_assertions_signed": options.signed != "response",
                "allow_unsolicited": True,
                # Else it signs with SHA-1.
                "signing_algorithm": SIG_RSA_SHA256,
                "digest_algorithm": DIGEST_SHA256,
            }
        },
        "metadata": {"local": [str(options.idp)]},
        "key_file": str(options.key),
        "cert_file": str(options.certificate),
        # An application whose metadata has a key to encrypt to wants assertions encrypted.
        **(
            {"encryption_keypairs": [{"key_file": str(options.key), "cert_file": str(options.certificate)}]}
            if options.encrypted
            else {}
        ),
        "allow_unknown_attributes": True,
    })
    return config


def application(options: argparse.Namespace, origin: str) -> Flask:
    app, browsers = Flask(__name__), Browsers()
    config = configuration(options, origin)
    client = Saml2Client(config)
    (idp,) = client.metadata.identity_providers()
    binding = BINDING_HTTP_POST if options.binding == "post" else BINDING_HTTP_REDIRECT
    asked: dict[str, str] = {}

    def sent(info: dict) -> Response:
        """What the library wants the browser to get."""
        if info["method"] == "POST":
            return make_response(info["data"])
        return make_response(redirect(dict(info["headers"])["Location"], 303))

    @app.get("/")
    def index() -> Response:
        return home(browsers.here())

    @app.get("/metadata")
    def metadata() -> Response:
        described = entity_descriptor(config)
        described, text = sign_entity_descriptor(described, None, security_context(config), SIG_RSA_SHA256, DIGEST_SHA256)
        valid_instance(described)
        answer = make_response(text)
        answer.content_type = "text/xml"
        return answer

    @app.get("/login")
    def login() -> Response:
        more = {"requested_authn_context": {"authn_context_class_ref": [options.context], "comparison": "minimum"}}
        flags = {name: "true" for name in ("force_authn", "is_passive") if name in request.args}
        request_id, _, info = client.prepare_for_negotiated_authenticate(
            entityid=idp, relay_state="the relay & state", binding=binding, sign=True, **(more if options.context else {}), **flags
        )
        asked[request_id] = "/"
        return sent(info)

    @app.post("/acs")
    def acs() -> Response:
        try:
            answer = client.parse_authn_request_response(request.form["SAMLResponse"], BINDING_HTTP_POST, dict(asked))
        except StatusError as error:
            return show(401, error=f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 (whatever the library says is shown)
            return show(401, error=f"{type(error).__name__}: {error}")
        asked.pop(answer.in_response_to, None)
        info = answer.session_info()
        who = {
            "name": answer.name_id.text,
            "format": answer.name_id.format,
            "session": info["session_index"],
            "attributes": answer.ava,
            "contexts": [context[0] for context in info["authn_info"]],
            "relay": request.form.get("RelayState"),
            "code": code(answer.name_id),
            "solicited": bool(answer.in_response_to),
        }
        return browsers.sign_in(make_response(redirect("/", 303)), who)

    @app.get("/logout")
    def logout() -> Response:
        who = browsers.here()
        binding = BINDING_SOAP if "soap" in request.args else BINDING_HTTP_REDIRECT
        expires = in_a_while(minutes=5)
        (answer,) = client.do_logout(decode(who["code"]), [idp], "", expires, expected_binding=binding).values()
        if binding != BINDING_SOAP:
            return sent(answer[1])
        assert answer.status_ok()
        browsers.sign_out()
        return make_response(redirect("/?from=logout"))

    @app.post("/soap")
    def soap() -> Response:
        came = request.get_data(as_text=True)
        asked = client.parse_logout_request(came, BINDING_SOAP).message
        name, sessions = asked.name_id.text, [index.text for index in asked.session_index]
        whose = [who["code"] for who in browsers.of(name, sessions).values()]
        info = client.handle_logout_request(came, decode(whose[0]) if whose else None, BINDING_SOAP)
        browsers.end(name, sessions)
        answer = make_response(info["data"])
        answer.content_type = "text/xml"
        return answer

    @app.route("/slo", methods=["GET", "POST"])
    def slo() -> Response:
        came = request.values
        binding = BINDING_HTTP_POST if request.method == "POST" else BINDING_HTTP_REDIRECT
        if "SAMLResponse" in came:
            client.parse_logout_request_response(came["SAMLResponse"], binding)
            browsers.sign_out()
            return make_response(redirect("/?from=logout"))
        who = browsers.here()
        info = client.handle_logout_request(
            came["SAMLRequest"], decode(who["code"]) if who else None, binding, relay_state=came.get("RelayState", ""),
            sigalg=came.get("SigAlg"), signature=came.get("Signature"),
        )  # fmt: skip
        browsers.sign_out()
        return sent(info)

    return app


if __name__ == "__main__":
    options = arguments(__doc__)
    serve(options.port, lambda origin: application(options, origin))
