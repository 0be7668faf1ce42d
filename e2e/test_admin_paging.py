"""The three ways in which `duo_client.Admin` pages: offsets, the cursors of the v2 logs, and the v1 logs' `mintime`."""

import time

import pytest
from fixtures.person import Types
from fixtures.sdk import Application, Python, python_of_tests

APPLICATION = Application("application", Python(python_of_tests()), later=False, verified=True)


def test_by_offset(tenant):
    names = [f"user{number:02}" for number in range(23)]
    for name in names:
        tenant.user(name)
    for limit in (1, 5, 10, 23, 100):
        tenant.admin.paging_limit = limit
        assert sorted(row["username"] for row in tenant.admin.get_users_iterator()) == names, limit
    page = tenant.admin.get_users(limit=10, offset=20)
    assert len(page) == 3
    assert tenant.admin.get_users(limit=10, offset=23) == []


@pytest.fixture
def logins(tenant):
    """A user who signed in seven times, twice with a wrong code."""
    user = tenant.user("grace")
    token = tenant.hotp(user)
    application = tenant.integration("authapi", "grace")
    library = APPLICATION.library.open(application)
    try:
        for number in range(7):
            code = f"wrong{number}" if number in (2, 5) else token.press()
            library.call("auth", factor="passcode", username="grace", ipaddr="203.0.113.9", passcode=code)
    finally:
        library.close()
    return user


def test_authentication_log_by_cursor(tenant, logins):
    now = int(time.time() * 1000)
    window = {"mintime": now - 600_000, "maxtime": now + 60_000}
    rows, cursor, pages = [], {}, 0
    while True:
        page = tenant.admin.get_authentication_log(api_version=2, limit="3", sort="ts:asc", **window, **cursor)
        rows += page["authlogs"]
        pages += 1
        following = page["metadata"].get("next_offset")
        if not following:
            break
        assert len(following) == 2, following
        cursor = {"next_offset": ",".join(following)}
    assert pages == 3
    assert [row["result"] for row in rows] == ["success"] * 2 + ["denied"] + ["success"] * 2 + ["denied", "success"]
    assert len({row["txid"] for row in rows}) == 7
    row = rows[0]
    assert row["user"]["name"] == "grace" and row["user"]["key"] == logins
    assert (row["factor"], row["reason"], row["event_type"]) == ("hardware_token", "valid_passcode", "authentication")
    assert row["access_device"]["ip"] == "203.0.113.9"
    assert row["application"]["name"] == "authapi for grace"
    assert abs(row["timestamp"] - time.time()) < 600
    assert not any("wrong" in str(value) for row in rows for value in row.values()), "a code is in the log"


def test_authentication_log_is_filtered(tenant, logins):
    now = int(time.time() * 1000)
    window = {"mintime": now - 600_000, "maxtime": now + 60_000}
    denied = tenant.admin.get_authentication_log(api_version=2, results="denied", **window)["authlogs"]
    assert [row["reason"] for row in denied] == ["invalid_passcode"] * 2
    others = tenant.admin.get_authentication_log(api_version=2, users="DUAAAAAAAAAAAAAAAAAA", **window)["authlogs"]
    assert others == []
    before = {"mintime": now - 600_000, "maxtime": now - 500_000}
    assert tenant.admin.get_authentication_log(api_version=2, **before)["authlogs"] == []


def test_authentication_log_by_mintime(tenant, logins):
    with pytest.warns(DeprecationWarning):
        rows = tenant.admin.get_authentication_log(mintime=int(time.time()) - 600)
    assert [row["result"] for row in rows].count("SUCCESS") == 5
    assert {row["username"] for row in rows} == {"grace"}
    with pytest.warns(DeprecationWarning):
        assert tenant.admin.get_authentication_log(mintime=int(time.time()) + 60) == []


def test_activity_log_by_cursor(tenant):
    for number in range(5):
        tenant.user(f"user{number}")
    now = int(time.time() * 1000)
    window = {"mintime": now - 600_000, "maxtime": now + 60_000}
    rows, cursor, pages = [], {}, 0
    while True:
        page = tenant.admin.get_activity_logs(limit=2, sort="ts:asc", **window, **cursor)
        rows += page["items"]
        pages += 1
        if not (following := page["metadata"].get("next_offset")):
            break
        assert isinstance(following, str)
        cursor = {"next_offset": following}
    assert pages >= 3
    assert len({row["activity_id"] for row in rows}) == len(rows)
    made = [row for row in rows if row["action"]["name"] == "user_create"]
    assert len(made) == 5
    assert [row["ts"] for row in rows] == sorted(row["ts"] for row in rows)


def test_administrator_log_by_mintime(tenant):
    tenant.user("grace")
    rows = tenant.admin.get_administrator_log(int(time.time()) - 600)
    assert "user_create" in [row["action"] for row in rows]
    assert tenant.admin.get_administrator_log(int(time.time()) + 60) == []


def test_telephony_logs_are_there_and_hold_no_number(tenant):
    """Nothing was sent, so both are empty; what they hold of a message that was sent is the messaging crate's test."""
    assert tenant.admin.get_telephony_log() == []
    page = tenant.admin.get_telephony_log(api_version=2)
    assert page["items"] == []
    assert not page["metadata"].get("next_offset")
