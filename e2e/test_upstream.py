"""This house as the client of real providers: a directory, an OpenID provider, a SAML provider."""

import base64
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.upstream import KeyPair, OpenIdProvider, Slapd, asking, encrypt

with warnings.catch_warnings():
    # pysaml2 imports what `cryptography` will put elsewhere.
    warnings.simplefilter("ignore")
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
    from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
    from saml2.config import IdPConfig
    from saml2.metadata import entity_descriptor
    from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
    from saml2.server import Server
    from saml2.xmldsig import DIGEST_SHA1, DIGEST_SHA256, SIG_RSA_SHA1, SIG_RSA_SHA256

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
BACK = "https://rp.example/back"
SP, ACS = "https://sp.example/metadata", "https://sp.example/acs"
IDP, SSO = "https://idp.example/metadata", "https://idp.example/sso"


# A directory.


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    server = Slapd()
    try:
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("security", ["tls", "starttls", "clear"])
def test_passwords_by_a_bind(slapd: Slapd, security: str, tmp_path: Path) -> None:
    port = slapd.tls_port if security == "tls" else slapd.port
    with asking("ldap", slapd.settings(security=security, port=port), tmp_path) as ask:
        assert ask(check=True) == {"checked": True}
        for _ in range(2):  # the second time on connections that were kept
            answer = ask(name="alice", password="wonderland")
            assert answer["allowed"]["dn"] == f"uid=alice,{slapd.BASE}"
            assert answer["allowed"]["mail"] == ["alice@example.org"]
            assert ask(name="alice", password="wrong") == {"refused": "Wrong"}
        assert "allowed" in ask(name="bob", password="pässword µ")
        assert "allowed" in ask(name="o'neil (ext)", password="x")
        # slapd lets everybody in for an empty password: nobody gets so far.
        assert ask(name="alice", password="") == {"refused": "Wrong"}
        assert ask(name="nobody", password="wonderland") == {"refused": "Wrong"}


def test_names_are_no_filters(slapd: Slapd, tmp_path: Path) -> None:
    with asking("ldap", slapd.settings(), tmp_path) as ask:
        for name in ("*", "alic*", "alice)(uid=*", "*)(|(uid=*", "alice\\2a", "\\61lice", "a\0lice", "", "x" * 300):
            assert ask(find=name) == {"found": None}, name
        # As a value it is what it is.
        assert ask(find="O*Neil")["found"]["cn"] == ["O*Neil"]
        assert ask(find="ALICE")["found"]["mail"] == ["alice@example.org"]
        assert ask(find="Twin") == {"error": "several entries fit"}


def test_who_the_directory_is_and_who_we_are(slapd: Slapd, tmp_path: Path) -> None:
    other = KeyPair(tmp_path, "other")
    for security, port in (("tls", slapd.tls_port), ("starttls", slapd.port)):
        with asking("ldap", slapd.settings(security=security, port=port, authorities=str(other.pem)), tmp_path) as ask:
            assert ask(name="alice", password="wonderland") == {"error": "TLS to the directory failed"}
        # The certificate is for another name.
        with asking("ldap", slapd.settings(security=security, port=port, host="127.0.0.1"), tmp_path) as ask:
            assert ask(name="alice", password="wonderland") == {"error": "TLS to the directory failed"}
    with asking("ldap", slapd.settings(account_password="old"), tmp_path) as ask:
        assert "account" in ask(name="alice", password="wonderland")["error"]


# An OpenID provider.


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    client = {"client_secret": "a secret of more than thirty-two octets", "redirect_uris": [BACK]}
    basic = client | {"client_id": "basic:1", "token_endpoint_auth_method": "client_secret_basic"}
    post = client | {"client_id": "post", "token_endpoint_auth_method": "client_secret_post"}
    server = OpenIdProvider([basic, post])
    try:
        yield server
    finally:
        server.close()


def registered(provider: OpenIdProvider, **changes: object) -> dict:
    return {
        "issuer": provider.issuer, "client_id": "basic:1", "secret": "a secret of more than thirty-two octets",
        "authentication": "basic", "redirect_uri": BACK,
    } | changes  # fmt: skip


@pytest.mark.parametrize("way", [{}, {"client_id": "post", "authentication": "post"}], ids=["basic", "post"])
def test_an_openid_provider(provider: OpenIdProvider, way: dict, tmp_path: Path) -> None:
    with asking("oidc", registered(provider, **way), tmp_path) as ask:
        address = ask(start=True)["address"]
        query = provider.sign_in(address, BACK, "alice")
        answer = ask(finish=query)
        assert (answer["issuer"], answer["subject"]) == (provider.issuer, "alice"), answer
        assert answer["claims"]["email"] == "alice@op.example"
        # The provider redeems a code once.
        assert ask(finish=query) == {"error": "the provider didn't redeem the code"}

        first = provider.sign_in(ask(start=True)["address"], BACK, "mallory")
        ask(start=True)
        assert "another sign-in" in ask(finish=first)["error"]


def test_an_openid_provider_that_does_not_know_us(provider: OpenIdProvider, tmp_path: Path) -> None:
    with asking("oidc", registered(provider, secret="wrong"), tmp_path) as ask:
        query = provider.sign_in(ask(start=True)["address"], BACK, "alice")
        assert ask(finish=query) == {"error": "the provider didn't redeem the code"}
        # PKCE: the provider takes this code with this sign-in's verifier only, and has burnt it.
    with asking("oidc", registered(provider, issuer=f"{provider.issuer}/other"), tmp_path) as ask:
        assert "error" in ask(start=True)


# A SAML provider.


class SamlPair:
    """pysaml2 as identity provider, and this house as the service provider that it knows."""

    def __init__(self, place: Path) -> None:
        self.ours, self.theirs = KeyPair(place, "sp"), KeyPair(place, "idp")
        metadata = place / "idp.xml"
        self.settings = {
            "entity_id": SP, "acs": ACS, "key": str(self.ours.key_der), "certificate": str(self.ours.der),
            "provider": str(metadata),
        }  # fmt: skip
        with asking("saml", self.settings, place) as ask:
            (place / "sp.xml").write_text(ask(metadata=True)["metadata"])
        config = {
            "entityid": IDP,
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "key_file": str(self.theirs.key_pem),
            "cert_file": str(self.theirs.pem),
            "encryption_keypairs": [],
            "metadata": {"local": [str(place / "sp.xml")]},
            "service": {
                "idp": {
                    "name": "pysaml2",
                    "endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT), (SSO, BINDING_HTTP_POST)]},
                    "want_authn_requests_signed": True,
                    "policy": {"default": {"lifetime": {"minutes": 15}, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
                }
            },
        }  # fmt: skip
        loaded = IdPConfig().load(config)
        metadata.write_text(str(entity_descriptor(loaded)))
        self.server = Server(config=loaded)

    def answer(self, in_response_to: str | None, **how: object) -> str:
        """What it posts for Alice."""
        response = self.server.create_authn_response(
            identity={"mail": ["alice@example.org"], "givenName": ["Alice & <co>"]},
            in_response_to=in_response_to,
            destination=ACS,
            sp_entity_id=SP,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="alice-7"),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": "https://idp.example"},
            **({"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256} | how),
        )
        return base64.b64encode(str(response).encode()).decode()


@pytest.fixture(scope="module")
def saml(tmp_path_factory: pytest.TempPathFactory) -> SamlPair:
    return SamlPair(tmp_path_factory.mktemp("saml"))


def test_a_saml_provider(saml: SamlPair, tmp_path: Path) -> None:
    with asking("saml", saml.settings, tmp_path) as ask:
        started = ask(start={"force": True, "relay_state": "/apps?x=1&y"})
        query = parse_qs(urlsplit(started["address"]).query)
        assert query["RelayState"] == ["/apps?x=1&y"]
        # pysaml2 verifies our signature over the query by our metadata.
        request = saml.server.parse_authn_request(
            query["SAMLRequest"][0], BINDING_HTTP_REDIRECT, relay_state=query["RelayState"][0],
            sigalg=query["SigAlg"][0], signature=query["Signature"][0],
        )  # fmt: skip
        assert request.message.id == started["id"] and request.message.force_authn == "true"
        for how in (
            {"sign_response": True, "sign_assertion": False},
            {"sign_response": False, "sign_assertion": True},
            {"sign_response": True, "sign_assertion": True},
        ):
            answer = ask(receive=saml.answer(started["id"], **how), request=started["id"])
            assert (answer.get("issuer"), answer.get("name")) == (IDP, "alice-7"), (how, answer)
            assert "Alice & <co>" in str(answer["attributes"]) and "alice@example.org" in str(answer["attributes"])
        unsigned = saml.answer(started["id"], sign_response=False, sign_assertion=False)
        assert "no signature" in ask(receive=unsigned, request=started["id"])["error"]
        right = saml.answer(started["id"], sign_response=True, sign_assertion=True)
        assert "another request" in ask(receive=right, request="_other")["error"]
        assert "another request" in ask(receive=right)["error"]
        changed = base64.b64encode(base64.b64decode(right).replace(b"alice-7", b"admin-1")).decode()
        assert "digest" in ask(receive=changed, request=started["id"])["error"]
        old = {"sign_alg": SIG_RSA_SHA1, "digest_alg": DIGEST_SHA1}
        weak = saml.answer(started["id"], sign_response=True, sign_assertion=True, **old)
        assert "algorithm" in ask(receive=weak, request=started["id"])["error"]
        unasked = saml.answer(None, sign_response=True, sign_assertion=True)
        assert ask(receive=unasked).get("name") == "alice-7"


def test_a_saml_provider_that_encrypts(saml: SamlPair, tmp_path: Path) -> None:
    certificate = "".join(saml.ours.pem.read_text().splitlines()[1:-1])
    with asking("saml", saml.settings, tmp_path) as ask:
        # pysaml2 encrypts with triple DES and can't do otherwise: refused, also inside of what is signed.
        how = {"encrypt_assertion": True, "encrypt_cert_assertion": certificate, "encrypted_advice_attributes": False}
        old = saml.answer("_q", sign_response=True, sign_assertion=True, **how)
        assert b"tripledes-cbc" in base64.b64decode(old)
        assert ask(receive=old, request="_q") == {"error": "an algorithm that isn't accepted"}

        # So xmlsec1 encrypts what pysaml2 signed.
        signed = base64.b64decode(saml.answer("_q", sign_response=False, sign_assertion=True)).decode()
        assertion = re.search(r"<(ns\d+):Assertion .*</\1:Assertion>", signed, re.DOTALL)
        wrapped = f"<{assertion[1]}:EncryptedAssertion>{assertion[0]}</{assertion[1]}:EncryptedAssertion>"
        source, made = tmp_path / "response.xml", tmp_path / "encrypted.xml"
        source.write_text(signed.replace(assertion[0], wrapped))
        for cipher, session, accepted in (("aes256-gcm", "aes-256", True), ("aes256-cbc", "aes-256", False)):
            encrypt(source, made, saml.ours, cipher, session, f"{SAML}:Assertion")
            assert b"alice-7" not in made.read_bytes()
            answer = ask(receive=base64.b64encode(made.read_bytes()).decode(), request="_q")
            # CBC notices no change by itself: only inside of a signed response.
            assert (answer.get("name") == "alice-7") is accepted, (cipher, answer)
