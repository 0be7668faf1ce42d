"""`duo_client.Admin` 5.7 of PyPI sets a tenant up: users, phones, tokens, groups, bypass codes, integrations, settings."""

import pytest
from fixtures.person import Types
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.tenant import GRANTS, Tenant

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)


def refused(status: int, words: str = ""):
    return pytest.raises(RuntimeError, match=rf"Received {status}.*{words}")


def test_a_script_sets_a_tenant_up_and_its_user_signs_in(tenant):
    user = tenant.user("ada", realname="Ada Lovelace", email="ada@example.com", alias1="countess")
    group = tenant.admin.create_group("analysts")["group_id"]
    tenant.admin.add_user_group(user, group)
    token = tenant.hotp(user)
    application = tenant.integration("authapi", "ada", user_access="PERMITTED_GROUPS", groups_allowed=[group])
    assert APPLICATION.login(application, Types(token.press())).allowed
    assert APPLICATION.login(application, Types(token.press()), username="countess").allowed


def test_users(tenant):
    made = tenant.admin.add_user(
        "grace", realname="Grace Hopper", email="grace@example.com", firstname="Grace", lastname="Hopper",
        notes="navy", alias1="amazing", alias2="grandma",
    )  # fmt: skip
    user = made["user_id"]
    assert user.startswith("DU") and len(user) == 20
    found = tenant.admin.get_user_by_id(user)
    expected = {
        "username": "grace", "realname": "Grace Hopper", "email": "grace@example.com", "firstname": "Grace",
        "lastname": "Hopper", "notes": "navy", "alias1": "amazing", "alias2": "grandma", "alias3": None,
        "status": "active", "is_enrolled": False, "groups": [], "phones": [], "tokens": [], "last_login": None,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert found["aliases"] == {"alias1": "amazing", "alias2": "grandma"}
    assert [row["user_id"] for row in tenant.admin.get_users_by_name("grace")] == [user]
    assert [row["user_id"] for row in tenant.admin.get_users_by_name("nobody")] == []
    changed = tenant.admin.update_user(user, realname="Rear Admiral", username="hopper", alias1="")
    assert (changed["realname"], changed["username"]) == ("Rear Admiral", "hopper")
    assert list(changed["aliases"].values()) == ["grandma"]
    assert tenant.admin.get_user_by_id(user)["username"] == "hopper"
    tenant.admin.delete_user(user)
    assert user not in [row["user_id"] for row in tenant.admin.get_users() if row["status"] == "active"]


def test_a_user_name_is_taken_in_every_spelling(tenant):
    tenant.user("grace", alias1="amazing")
    for taken in ("grace", "GRACE", " grace ", "amazing"):
        with refused(400, "username"):
            tenant.user(taken)


@pytest.mark.parametrize("status", ["active", "bypass", "disabled"])
def test_a_users_status(tenant, status):
    user = tenant.user("grace", status=status)
    assert tenant.admin.get_user_by_id(user)["status"] == status


def test_a_users_status_is_one_that_there_is(tenant):
    user = tenant.user("grace")
    with refused(400, "status"):
        tenant.admin.update_user(user, status="omnipotent")
    assert tenant.admin.get_user_by_id(user)["status"] == "active"


def test_phones(tenant):
    phone = tenant.admin.add_phone(number="+15035550101", name="mobile", type="Mobile", platform="Google Android")
    assert phone["phone_id"].startswith("DP") and phone["number"] == "+15035550101"
    assert tenant.admin.get_phone_by_id(phone["phone_id"])["name"] == "mobile"
    user = tenant.user("grace")
    tenant.admin.add_user_phone(user, phone["phone_id"])
    assert [row["phone_id"] for row in tenant.admin.get_user_phones(user)] == [phone["phone_id"]]
    assert [row["user_id"] for row in tenant.admin.get_phone_by_id(phone["phone_id"])["users"]] == [user]
    assert tenant.admin.update_phone(phone["phone_id"], name="old mobile")["name"] == "old mobile"
    tenant.admin.delete_user_phone(user, phone["phone_id"])
    assert tenant.admin.get_user_phones(user) == []
    tenant.admin.delete_phone(phone["phone_id"])
    with refused(404):
        tenant.admin.get_phone_by_id(phone["phone_id"])
    with refused(400, "number"):
        tenant.admin.add_phone(number="not a number")


def test_an_activation_link_is_for_one_device(tenant):
    user = tenant.user("grace")
    phone = tenant.admin.add_phone(name="mobile", type="Mobile", platform="Generic Smartphone")["phone_id"]
    tenant.admin.add_user_phone(user, phone)
    link = tenant.admin.create_activation_url(phone, valid_secs=600)["activation_url"]
    device = tenant.new_device().activate(link)
    assert (device.user, device.phone) == (user, phone)
    assert tenant.admin.get_phone_by_id(phone)["activated"] is True
    with pytest.raises(Exception, match="400"):
        tenant.new_device().activate(link)


def test_tokens_of_oathtool(tenant):
    """The seeds go in, and never come out; the codes of each kind are taken."""
    user = tenant.user("grace")
    application = tenant.integration("authapi", "grace")
    for digits in (6, 8):
        hotp = tenant.hotp(user, digits)
        assert APPLICATION.login(application, Types(hotp.press())).allowed, f"HOTP, {digits} digits"
        for step in (30, 60):
            totp = tenant.totp(user, digits, step)
            assert APPLICATION.login(application, Types(totp.code())).allowed, f"TOTP, {digits} digits, {step} s"
    listed = tenant.admin.get_user_tokens(user)
    assert sorted(row["type"] for row in listed) == ["h6", "h8", "t6", "t6", "t8", "t8"]
    assert not any("secret" in name or "seed" in name for row in listed for name in row)
    (found,) = tenant.admin.get_tokens_by_serial("h6", next(row["serial"] for row in listed if row["type"] == "h6"))
    tenant.admin.delete_user_token(user, found["token_id"])
    assert len(tenant.admin.get_user_tokens(user)) == 5
    tenant.admin.delete_token(found["token_id"])
    with refused(404):
        tenant.admin.get_token_by_id(found["token_id"])


def test_a_hotp_token_is_found_again_by_three_codes(tenant):
    user = tenant.user("grace")
    token = tenant.hotp(user)
    application = tenant.integration("authapi", "grace")
    assert APPLICATION.login(application, Types(token.press())).allowed
    token.counter += 50
    assert not APPLICATION.login(application, Types(token.press())).allowed
    (listed,) = tenant.admin.get_user_tokens(user)
    tenant.admin.resync_hotp_token(listed["token_id"], token.press(), token.press(), token.press())
    assert APPLICATION.login(application, Types(token.press())).allowed


def test_groups(tenant):
    group = tenant.admin.create_group("analysts", desc="who count")
    assert group["group_id"].startswith("DG") and group["desc"] == "who count"
    users = [tenant.user(f"user{number}") for number in range(5)]
    for user in users:
        tenant.admin.add_user_group(user, group["group_id"])
    tenant.admin.paging_limit = 2
    members = list(tenant.admin.get_group_users_iterator(group["group_id"]))
    assert sorted(row["user_id"] for row in members) == sorted(users)
    assert [row["name"] for row in tenant.admin.get_user_groups(users[0])] == ["analysts"]
    tenant.admin.delete_user_group(users[0], group["group_id"])
    assert tenant.admin.get_user_groups(users[0]) == []
    tenant.admin.modify_group(group["group_id"], name="engineers", status="disabled")
    found = tenant.admin.get_group(group["group_id"], api_version=2)
    assert (found["name"], found["status"].lower()) == ("engineers", "disabled")
    assert [row["group_id"] for row in tenant.admin.get_groups()] == [group["group_id"]]
    tenant.admin.delete_group(group["group_id"])
    with refused(404):
        tenant.admin.get_group(group["group_id"], api_version=2)


@pytest.mark.parametrize(("status", "asked", "allowed"), [("bypass", False, True), ("disabled", False, False)])
def test_the_status_of_a_group_is_its_members(tenant, status, asked, allowed):
    user = tenant.user("grace")
    token = tenant.hotp(user)
    application = tenant.integration("authapi", "grace")
    group = tenant.admin.create_group("group")["group_id"]
    tenant.admin.add_user_group(user, group)
    assert APPLICATION.login(application, Types(token.press())).allowed
    tenant.admin.modify_group(group, status=status)
    person = Types(token.press())
    assert APPLICATION.login(application, person).allowed is allowed
    assert (person.seen != "") is asked


def test_bypass_codes(tenant):
    user = tenant.user("grace")
    tenant.totp(user)
    application = tenant.integration("authapi", "grace")
    first = tenant.admin.add_user_bypass_codes(user, count=3, valid_secs=600)
    assert len(set(first)) == 3 and all(len(code) >= 9 for code in first)
    listed = tenant.admin.get_user_bypass_codes(user)
    assert len(listed) == 3
    assert not any(str(value) in first for row in listed for value in row.values()), "a code comes back out"
    # New codes replace the old ones, unless they are to be kept.
    (own,) = tenant.admin.add_user_bypass_codes(user, codes=["987654321"], remaining_uses=2)
    assert own == "987654321"
    assert not APPLICATION.login(application, Types(first[0])).allowed
    assert APPLICATION.login(application, Types(own)).allowed
    assert APPLICATION.login(application, Types(own)).allowed
    assert not APPLICATION.login(application, Types(own)).allowed


def test_integrations(tenant):
    made = tenant.admin.create_integration("door", "authapi", user_access="ALL_USERS", greeting="hello", notes="front")
    ikey = made["integration_key"]
    assert ikey.startswith("DI") and len(ikey) == 20 and len(made["secret_key"]) == 40
    found = tenant.admin.get_integration(ikey)
    assert (found["name"], found["type"], found["greeting"], found["notes"]) == ("door", "authapi", "hello", "front")
    changed = tenant.admin.update_integration(ikey, name="back door", username_normalization_policy="simple")
    assert (changed["name"], changed["username_normalization_policy"].lower()) == ("back door", "simple")
    assert ikey in [row["integration_key"] for row in tenant.admin.get_integrations()]
    tenant.admin.delete_integration(ikey)
    with refused(404):
        tenant.admin.get_integration(ikey)


def test_a_new_secret_key_ends_the_old_one(tenant):
    user = tenant.user("grace")
    token = tenant.hotp(user)
    old = tenant.integration("authapi", "grace")
    assert APPLICATION.login(old, Types(token.press())).allowed
    changed = tenant.admin.update_integration(old.ikey, reset_secret_key=True)
    after = APPLICATION.login(old, Types(token.press()))
    assert not after.allowed and "401" in after.text, after
    old.skey = changed["secret_key"]
    assert APPLICATION.login(old, Types(token.press())).allowed


def test_a_deleted_integration_lets_nobody_in(tenant):
    user = tenant.user("grace", status="bypass")
    application = tenant.integration("authapi", "grace")
    assert APPLICATION.login(application, Types("")).allowed
    tenant.admin.delete_integration(application.ikey)
    after = APPLICATION.login(application, Types(""))
    assert not after.allowed and "401" in after.text, after
    assert tenant.admin.get_user_by_id(user)["status"] == "bypass"


def test_settings(tenant):
    before = tenant.admin.get_settings()
    assert before["lockout_threshold"] == 10
    after = tenant.admin.update_settings(
        lockout_threshold=5, lockout_expire_duration=15, sms_batch=3, sms_expiration=10, fraud_email="soc@example.com",
        fraud_email_enabled=True, helpdesk_bypass="limit", timezone="Europe/Vienna",
    )  # fmt: skip
    expected = {
        "lockout_threshold": 5, "lockout_expire_duration": 15, "sms_batch": 3, "sms_expiration": 10,
        "fraud_email": "soc@example.com", "fraud_email_enabled": True, "timezone": "Europe/Vienna",
    }  # fmt: skip
    assert {name: after[name] for name in expected} == expected
    found = tenant.admin.get_settings()
    assert {name: found[name] for name in expected} == expected
    with refused(400):
        tenant.admin.update_settings(lockout_threshold=0)


def test_info(tenant):
    user = tenant.user("grace")
    token = tenant.hotp(user)
    application = tenant.integration("authapi", "grace")
    assert APPLICATION.login(application, Types(token.press())).allowed
    assert not APPLICATION.login(application, Types("wrong")).allowed
    summary = tenant.admin.get_info_summary()
    assert (summary["user_count"], summary["integration_count"]) == (1, 2)
    attempts = tenant.admin.get_authentication_attempts()
    assert (attempts["SUCCESS"], attempts["FAILURE"]) == (1, 1)


@pytest.mark.parametrize("grant", GRANTS)
def test_a_key_does_what_it_was_granted(tenant, grant):
    """With one grant alone: its own calls answer, every other is forbidden."""
    made = tenant.admin.create_integration("narrow", "adminapi", **{f"adminapi_{grant}": True})
    narrow = tenant.admin_client(made["integration_key"], made["secret_key"])
    calls = {
        "info": narrow.get_info_summary,
        "integrations": narrow.get_integrations,
        "read_log": lambda: narrow.get_administrator_log(0),
        "read_resource": lambda: narrow.get_users(limit=1),
        "settings": narrow.get_settings,
        "write_resource": lambda: narrow.create_group("a group"),
    }
    for needed, call in calls.items():
        if needed == grant:
            call()
        else:
            with refused(403):
                call()


def test_a_key_of_another_type_administers_nothing(tenant):
    application = tenant.integration("authapi", "grace")
    with refused(403, "Wrong integration type"):
        tenant.admin_client(application.ikey, application.skey).get_users(limit=1)


def test_another_tenants_things_are_not_there(tenant, server):
    user = tenant.user("grace")
    group = tenant.admin.create_group("group")["group_id"]
    other = Tenant(server)
    with refused(404):
        other.admin.get_user_by_id(user)
    with refused(404):
        other.admin.delete_group(group)
    assert other.admin.get_users() == []
