"""Set-up that takes a minute: applications are connected by one command, or one call of the Admin API, and what is printed is all that
must be put somewhere."""

import json
import re
import ssl
import urllib.error
import urllib.request
from email.message import Message
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fixtures.house import POSTGRES, SQLITE
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for

METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example.test/metadata">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAssertionsSigned="true">
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example.test/acs" index="3"
 isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>"""

# What each preset is given, and what a hurried administrator looks for in what it prints.
PRESETS = {
    "gitlab": (["--url", "https://gitlab.example.test"], ["/etc/gitlab/gitlab.rb", 'identifier: "{key}"', "{secret}"]),
    "grafana": (["--url", "https://grafana.example.test"], ["[auth.generic_oauth]", "client_id = {key}", "{secret}"]),
    "nextcloud": (["--url", "https://cloud.example.test"], ["user_oidc:provider", "--clientid='{key}'", "{secret}"]),
    "jenkins": (["--url", "https://ci.example.test"], ['clientId: "{key}"', "{secret}"]),
    "aws": (["-o", "account=123456789012"], ["aws iam create-saml-provider", "arn:aws:iam::123456789012:saml-provider"]),
    "google-workspace": (["-o", "domain=example.test"], ["/saml/sso"]),
    "microsoft-365": (["-o", "domain=example.test"], ["New-MgDomainFederationConfiguration", "/saml/sso"]),
    "salesforce": (["--url", "https://acme.my.salesforce.com"], ["/saml/metadata", "Federation ID"]),
    "slack": (["--url", "https://acme.slack.com"], ["/saml/sso"]),
    "oidc": (["--url", "https://a.example.test", "-o", "redirect=https://a.example.test/cb"], ["{key}", "{secret}"]),
    "saml": (["-o", "entity=https://s.example.test", "-o", "acs=https://s.example.test/acs"], ["/saml/metadata"]),
    "forward-auth": (["--url", "https://wiki.example.test"], ["/forward-auth", "Remote-User"]),
}


class Asks:
    """A program that asks the tenant's host, though no resolver knows it, and follows nothing."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        context = ssl.create_default_context(cafile=str(tenant.server.ca_file))

        class Stays(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                return None

        self.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stays)

    def get(self, path: str) -> tuple[int, Message, str]:
        server = self.tenant.server
        request = urllib.request.Request(f"https://localhost:{server.port}{path}")
        request.add_header("Host", f"{self.tenant.host}:{server.port}")
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()


@pytest.fixture
def tenant(request, house):
    return Tenant(house.server(getattr(request, "param", SQLITE)))


@pytest.fixture
def app(tenant):
    def app(*arguments: str) -> str:
        return tenant.server.command("app", "--tenant", tenant.host, *arguments)

    return app


def keys_of(printed: str) -> tuple[str, str]:
    found = re.search(r" is connected as (\S+) \((DI\w+)\)\.", printed)
    assert found, printed
    return found[1], found[2]


def test_every_preset_is_one_command_and_says_what_to_put_where(app, tenant):
    for preset, (arguments, wanted) in PRESETS.items():
        printed = app("add", preset, f"Our {preset}", *arguments)
        key, ikey = keys_of(printed)
        secret = re.search(r"cscs_\w+", printed)
        assert tenant.origin in printed, printed
        for words in wanted:
            assert words.format(key=key, secret=secret[0] if secret else "no secret") in printed, (preset, words, printed)
        # The secret was shown this once.
        shown = app("show", ikey) if preset == "gitlab" else ""
        assert not secret or secret[0] not in shown
    assert len(app("list").splitlines()) == len(PRESETS)
    listed = {row["type"] for row in tenant.admin.json_api_call("GET", "/admin/v1/integrations", {})}
    assert {"oidc", "saml", "forward-auth"} <= listed
    actions = [row["action"] for row in tenant.admin.get_administrator_log()]
    assert actions.count("relying_party_create") == len(PRESETS)


@pytest.mark.parametrize("tenant", [SQLITE, POSTGRES], indirect=True)
def test_what_gitlab_was_given_leads_to_the_sign_in_until_it_is_taken_away(app, tenant):
    printed = app("add", "gitlab", "--url", "https://gitlab.example.test")
    asks = Asks(tenant)
    said = dict(re.findall(r'(issuer|identifier|redirect_uri): "([^"]+)"', printed))
    assert said["issuer"] == tenant.origin
    _, _, discovery = asks.get("/.well-known/openid-configuration")
    known = json.loads(discovery)
    assert known["issuer"] == said["issuer"]
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    query = {
        "client_id": said["identifier"], "redirect_uri": said["redirect_uri"], "response_type": "code", "state": "s",
        "scope": "openid profile email", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    path = urlsplit(known["authorization_endpoint"]).path

    def authorize(**others: str) -> tuple[int, str]:
        status, headers, _ = asks.get(f"{path}?{urlencode(query | others)}")
        return status, headers.get("Location", "")

    status, location = authorize()
    assert "/sign-in/" in location, (status, location)
    # Nobody is sent to where nobody said.
    status, location = authorize(redirect_uri="https://gitlab.example.test/users/auth/openid_connect/callback/../evil")
    assert (status, location) == (400, "")
    status, location = authorize(prompt="none")
    assert parse_qs(urlsplit(location).query)["error"] == ["login_required"]

    app("change", "GitLab", "--set", "oidc.redirect_uris.0=https://gitlab.example.test/elsewhere")
    wait_for("the change is heard", lambda: authorize()[0] == 400, 30)
    app("remove", "GitLab")
    wait_for("nobody knows it any more", lambda: authorize(redirect_uri="https://gitlab.example.test/elsewhere")[0] == 400, 30)
    assert app("list") == ""


def test_a_service_provider_is_connected_by_its_metadata(app, tenant, tmp_path):
    file = tmp_path / "sp.xml"
    file.write_text(METADATA)
    key, ikey = keys_of(app("add", "saml", "A provider", "--metadata", str(file)))
    assert key == "https://sp.example.test/metadata"
    settings = json.loads(app("show", ikey, "--json"))["saml"]
    assert [endpoint["url"] for endpoint in settings["acs"]] == ["https://sp.example.test/acs"]
    with pytest.raises(AssertionError, match="not allowed"):
        app("add", "saml", "Inside", "--metadata", "https://127.0.0.1:1/metadata", "-o", "entity=https://x.example.test")
    file.write_text("<!DOCTYPE x [<!ENTITY a 'b'>]>" + METADATA)
    with pytest.raises(AssertionError, match="can't be read"):
        app("change", ikey, "--metadata", str(file))


def test_what_is_wrong_is_named_and_changes_nothing(app, tenant, tmp_path):
    _, ikey = keys_of(app("add", "oidc", "Wiki", "--url", "https://w.example.test", "-o", "redirect=https://w.example.test/cb"))
    before = app("show", ikey, "--json")
    picture = tmp_path / "icon.png"
    picture.write_text("<html>")
    for arguments, said in [
        (["--set", "oidc.redirect_uris.0=https://*.example.test/cb"], "oidc.redirect_uris.0"),
        (["--set", "oidc.acces_token_seconds=3"], "no setting"),
        (["--set", "oidc.access_token_seconds=3"], "oidc.access_token_seconds"),
        (["--set", "oidc.id_token_alg=none"], "oidc.id_token_alg"),
        (["--claim", "sub=username"], "oidc.claims.0.name"),
        (["--claim", "upn={user}@example.test"], "none of"),
        (["--icon", str(picture)], "no PNG"),
    ]:
        with pytest.raises(AssertionError, match=re.escape(said)):
            app("change", ikey, *arguments)
    assert app("show", ikey, "--json") == before
    app("change", ikey, "--claim", "upn={username}@example.test", "--level", "phishing-resistant", "--group", tenant.admin.create_group("staff")["group_id"])
    changed = json.loads(app("show", ikey, "--json"))["oidc"]
    assert changed["claims"] == [{"name": "upn", "value": {"template": "{username}@example.test"}}]
    assert changed["level"] == "phishing-resistant"
    assert app("change", ikey, "--new-secret").startswith("client_secret = cscs_")


def test_a_script_does_the_same_by_the_admin_api(tenant):
    call = tenant.admin.json_api_call
    assert {preset["name"] for preset in call("GET", "/admin/v1/applications/presets", {})} == set(PRESETS)
    asked = {"name": "Metrics", "preset": "grafana", "url": "https://grafana.example.test", "options": '{"admins": "sre"}'}
    made = call("POST", "/admin/v1/applications", asked)
    [snippet] = made["snippets"]
    assert made["client_secret"] in snippet["text"] and "contains(groups[*], 'sre')" in snippet["text"]
    path = f"/admin/v1/applications/{made['integration_key']}"
    read = call("GET", path, {})
    assert "client_secret" not in read and read["settings"]["oidc"]["secrets"] == []
    assert [row["name"] for row in call("GET", "/admin/v1/applications", {})] == ["Metrics"]
    settings = read["settings"]
    settings["oidc"]["access_token_seconds"] = 120
    changed = call("POST", path, {"settings": json.dumps(settings)})
    assert changed["settings"]["oidc"]["access_token_seconds"] == 120
    renewed = call("POST", path, {"new_secret": "1"})
    assert renewed["client_secret"] != made["client_secret"]
    settings["oidc"]["redirect_uris"] = ["http://grafana.example.test/"]
    with pytest.raises(RuntimeError, match="redirect_uris"):
        call("POST", path, {"settings": json.dumps(settings)})
    call("DELETE", path, {})
    with pytest.raises(RuntimeError, match="404"):
        call("GET", path, {})
