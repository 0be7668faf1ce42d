"""A service provider by `python3-saml`, as its README shows it."""

import argparse

from common import Browsers, arguments, home, serve, show
from flask import Flask, Response, make_response, redirect, request
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request as LogoutRequest
from onelogin.saml2.settings import OneLogin_Saml2_Settings

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def settings(options: argparse.Namespace, origin: str) -> dict:
    own = {
        "strict": True,
        "sp": {
            "entityId": f"{origin}/metadata",
            "assertionConsumerService": {"url": f"{origin}/acs", "binding": POST},
            "singleLogoutService": {"url": f"{origin}/slo", "binding": REDIRECT},
            "NameIDFormat": options.format,
            "x509cert": options.certificate.read_text(),
            "privateKey": options.key.read_text(),
        },
        "security": {
            "authnRequestsSigned": True,
            "logoutRequestSigned": True,
            "logoutResponseSigned": True,
            "signMetadata": True,
            "wantMessagesSigned": options.signed != "assertion",
            "wantAssertionsSigned": options.signed != "response",
            "wantAssertionsEncrypted": options.encrypted,
            "wantNameId": True,
            "requestedAuthnContext": [options.context] if options.context else False,
            "failOnAuthnContextMismatch": bool(options.context),
            "signatureAlgorithm": SHA256,
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            "rejectDeprecatedAlgorithm": True,
        },
    }
    read = OneLogin_Saml2_IdPMetadataParser.parse(options.idp.read_bytes())
    # Its own wishes stand; what the provider is comes from the metadata.
    return own | {"idp": read["idp"]}


def application(options: argparse.Namespace, origin: str) -> Flask:
    app, browsers = Flask(__name__), Browsers()
    given = settings(options, origin)

    def auth() -> OneLogin_Saml2_Auth:
        prepared = {
            "https": "off",
            "http_host": request.host,
            "script_name": request.path,
            "get_data": request.args.copy(),
            "post_data": request.form.copy(),
            "query_string": request.query_string.decode(),
        }
        return OneLogin_Saml2_Auth(prepared, old_settings=given)

    def failed(library: OneLogin_Saml2_Auth) -> Response:
        return show(401, error=f"{library.get_errors()}: {library.get_last_error_reason()}")

    @app.get("/")
    def index() -> Response:
        return home(browsers.here())

    @app.get("/metadata")
    def metadata() -> Response:
        answer = make_response(OneLogin_Saml2_Settings(given, sp_validation_only=True).get_sp_metadata())
        answer.content_type = "text/xml"
        return answer

    @app.get("/login")
    def login() -> Response:
        flags = {"force_authn": "force" in request.args, "is_passive": "passive" in request.args}
        library = auth()
        answer = make_response(redirect(library.login(return_to=f"{origin}/?from=login", **flags)))
        answer.set_cookie("asked", library.get_last_request_id())
        return answer

    @app.post("/acs")
    def acs() -> Response:
        library = auth()
        library.process_response(request_id=request.cookies.get("asked"))
        if library.get_errors() or not library.is_authenticated():
            return failed(library)
        who = {
            "name": library.get_nameid(),
            "format": library.get_nameid_format(),
            "qualifiers": [library.get_nameid_nq(), library.get_nameid_spnq()],
            "session": library.get_session_index(),
            "attributes": library.get_attributes(),
            "contexts": library.get_last_authn_contexts(),
            "until": library.get_session_expiration(),
            "relay": request.form.get("RelayState"),
        }
        return browsers.sign_in(make_response(redirect("/", 303)), who)

    @app.get("/logout")
    def logout() -> Response:
        who = browsers.here()
        qualifier, sp_qualifier = who.get("qualifiers", [None, None])
        location = auth().logout(
            return_to=f"{origin}/?from=logout",
            name_id=who.get("name"),
            name_id_format=who.get("format"),
            nq=qualifier,
            spnq=sp_qualifier,
            session_index=who.get("session"),
        )
        return make_response(redirect(location))

    @app.get("/slo")
    def slo() -> Response:
        library = auth()

        def ended() -> None:
            if "SAMLRequest" in request.args:
                asked = library.get_last_request_xml()
                browsers.end(LogoutRequest.get_nameid(asked), LogoutRequest.get_session_indexes(asked))
            else:
                browsers.sign_out()

        location = library.process_slo(delete_session_cb=ended)
        if library.get_errors():
            return failed(library)
        return make_response(redirect(location or "/"))

    return app


if __name__ == "__main__":
    asked = arguments(__doc__)
    serve(asked.port, lambda origin: application(asked, origin))
