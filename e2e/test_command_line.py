"""`countersign admin …` beside a running server: another process on the same database. The server hears of every change."""

import json

import pytest
from fixtures.house import POSTGRES, SQLITE
from fixtures.oath import Totp
from fixtures.person import Chooses, Person, Types
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.tenant import Integration, Tenant
from fixtures.waiting import wait_for

APPLICATION = Application("application", Python(python_of_tests()), later=True, verified=True)

# A change by another process is heard of by a notice (PostgreSQL), or when the database is seen to have changed (SQLite).
HEARD = 5.0


@pytest.fixture(params=[SQLITE, POSTGRES])
def tenant(request, house):
    return Tenant(house.server(request.param))


@pytest.fixture
def admin(tenant):
    def admin(*arguments: str) -> str:
        return tenant.server.admin("--tenant", tenant.host, *arguments)

    return admin


@pytest.fixture
def integration(tenant, admin):
    """An application of the command line's, for grace."""
    made = dict(line.split(" = ") for line in admin("integration", "create", "vpn", "--type", "authapi").splitlines())
    return Integration(made["ikey"], made["skey"], tenant.server.port, tenant.server.ca_file, "grace")


def test_a_user_and_what_the_help_desk_does(tenant, admin, integration):
    admin("user", "create", "grace", "--alias", "amazing", "--email", "grace@example.com")
    admin("token", "add", "--user", "grace")
    codes = admin("bypass-code", "create", "grace", "--count", "3").split()
    assert len(codes) == 3
    assert APPLICATION.login(integration, Types(codes[0])).allowed
    admin("user", "disable", "grace")
    disabled = APPLICATION.login(integration, Person())
    assert not disabled.allowed and "disabled" in disabled.text, disabled
    admin("user", "bypass", "grace")
    assert APPLICATION.login(integration, Person()).allowed
    admin("user", "activate", "grace")
    replayed = APPLICATION.login(integration, Types(codes[0]))
    assert not replayed.allowed, replayed
    assert APPLICATION.login(integration, Types(codes[1]), username="amazing").allowed


def test_a_link_for_a_device(tenant, admin, integration):
    admin("user", "create", "grace")
    phone = admin("phone", "add", "grace").split()[0]
    device = tenant.new_device().activate(admin("phone", "activate", phone))
    assert APPLICATION.login(integration, Chooses(device, "approve")).allowed
    admin("phone", "deactivate", phone)
    with pytest.raises(Exception, match="401"):
        device.requests()


def test_a_new_secret_key_is_heard_of(tenant, admin, integration):
    admin("user", "create", "grace")
    admin("user", "bypass", "grace")
    assert APPLICATION.login(integration, Person()).allowed
    new = admin("integration", "reset-secret", integration.ikey).split()[-1]
    wait_for("the old key is refused", lambda: "401" in APPLICATION.login(integration, Person()).text, HEARD, 0.5)
    integration.skey = new
    assert APPLICATION.login(integration, Person()).allowed


def test_a_deleted_integration_is_heard_of(tenant, admin, integration):
    admin("user", "create", "grace")
    admin("user", "bypass", "grace")
    assert APPLICATION.login(integration, Person()).allowed
    admin("integration", "delete", integration.ikey)
    wait_for("it lets nobody in", lambda: not APPLICATION.login(integration, Person()).allowed, HEARD, 0.5)


def test_a_setting_is_heard_of(tenant, admin, integration):
    tenant.totp(tenant.user("grace"))
    assert "incorrect" in APPLICATION.login(integration, Types("no")).text.lower()
    admin("tenant", "set", "lockout_threshold=2")
    wait_for("it holds", lambda: "lockout_threshold=2" in admin("tenant", "show"), HEARD)

    def locked() -> bool:
        result = APPLICATION.login(integration, Types("not-this"))
        assert not result.allowed
        return "locked out" in result.text

    # The second wrong code locks; one more may go through before the setting is heard of.
    wait_for("the lock-out", locked, HEARD, 1.0)
    admin("user", "unlock", "grace")
    assert "incorrect" in APPLICATION.login(integration, Types("nor-that")).text.lower()


def test_a_tenant_has_another_name_and_a_groups_policy_ends(tenant, admin, integration):
    admin("tenant", "rename", "Another Ltd")
    assert "name      Another Ltd" in admin("tenant", "show")
    admin("user", "create", "grace")
    admin("group", "create", "night shift")
    admin("user", "bypass", "grace")
    admin("group", "add", "night shift", "grace")
    group = next(group["group_id"] for group in tenant.admin.get_groups() if group["name"] == "night shift")
    asked = {
        "policy_name": "nobody at night", "sections": json.dumps({"authentication_policy": {"user_auth_behavior": "deny"}}),
        "apply_to_groups_in_apps": json.dumps([{"group_id_list": [group], "apply_to_apps": [integration.ikey]}]),
    }  # fmt: skip
    tenant.admin.json_api_call("POST", "/admin/v2/policies", asked)
    wait_for("the group's policy", lambda: not APPLICATION.login(integration, Person()).allowed, HEARD, 0.5)
    admin("group", "unapply", "night shift", integration.ikey)
    wait_for("the application's own", lambda: APPLICATION.login(integration, Person()).allowed, HEARD, 0.5)


def test_a_token_is_imported_with_its_seed(tenant, admin, integration, place):
    admin("user", "create", "grace")
    token = Totp()
    seed = place / "seed"
    seed.touch(mode=0o600)
    seed.write_text(token.seed)
    admin("token", "add", "--user", "grace", "--type", "t6", "--serial", "42", "--secret-file", str(seed))
    assert APPLICATION.login(integration, Types(token.code())).allowed
