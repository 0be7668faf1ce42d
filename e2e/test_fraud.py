"""Rules against fraud through the whole server: what an attacker gets, what the organisation sees, and people who want no texts."""

import base64
import http.client
import json
import ssl
import urllib.parse

import pytest
from fixtures.house import SQLITE
from fixtures.program import Account
from fixtures.supplier import Supplier
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for

# What a refusal's words must not hold.
TELLING = ["fraud", "pump", "countr", "prefix", "adjacen", "velocity", "conversion", "premium", "rule"]


@pytest.fixture(scope="module")
def supplier(house):
    supplier = Supplier()
    supplier.server = house.new_server(SQLITE, settings=supplier.settings).start()
    yield supplier
    supplier.finish()
    supplier.server.stop()
    supplier.close()


class Caller:
    """A program of a tenant's, over one kept connection."""

    def __init__(self, supplier):
        self.account = Account(Tenant(supplier.server))
        self.admin = self.account.tenant.admin
        address = urllib.parse.urlsplit(supplier.server.base)
        context = ssl.create_default_context(cafile=str(supplier.server.ca_file))
        self.connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=30)
        basic = base64.b64encode(f"{self.account.sid}:{self.account.token}".encode()).decode()
        self.headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}

    def post(self, path, **form):
        self.connection.request("POST", path, urllib.parse.urlencode(form), self.headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def message(self, number, body="Hello"):
        return self.post(f"/2010-04-01/Accounts/{self.account.sid}/Messages.json", To=number, Body=body)

    def refusals(self):
        """The reasons that stand in the organisation's log, each with how often."""
        reasons, after = {}, {}
        while True:
            page = self.admin.json_api_call("GET", "/admin/v1/logs/messages", {"limit": "1000"} | after)
            for row in page["items"]:
                if row["error_class"]:
                    reasons[row["error_class"]] = reasons.get(row["error_class"], 0) + 1
            if len(page["items"]) < 1000:
                return reasons
            after = {"next_offset": page["items"][-1]["id"]}


@pytest.fixture
def caller(supplier):
    return Caller(supplier)


def test_who_has_codes_sent_to_his_own_numbers_gets_twenty_at_most(caller, supplier):
    _, service = caller.post("/v2/Services", FriendlyName="Example")
    begin = "+1503555"
    refused = 0
    for turn in range(400):
        number = f"{begin}{turn * 7919 % 10_000:04}"
        status, said = caller.post(f"/v2/Services/{service['sid']}/Verifications", To=number, Channel="sms")
        if status >= 400:
            refused += 1
            assert status in (403, 429), said
            assert not any(word in said["message"].lower() for word in TELLING), said
    sent = 400 - refused
    assert 1 <= sent <= 20, sent
    wait_for("the supplier has those", lambda: len([m for m in supplier.messages if m["To"].startswith(begin)]) == sent)
    # The organisation sees each of them, and what is blocked.
    reasons = caller.refusals()
    assert sum(count for reason, count in reasons.items() if reason.startswith("fraud-")) == refused, reasons
    blocks = caller.admin.json_api_call("GET", "/admin/v1/messages/blocks", {})
    assert {block["rule"] for block in blocks} == {"adjacency"} and blocks[0]["country"] == "US"
    # Others go on: messages that are no codes, and those of other organisations.
    assert caller.message("+12125550142")[0] == 201
    other = Caller(supplier)
    assert other.admin.json_api_call("GET", "/admin/v1/messages/blocks", {}) == []
    _, service = other.post("/v2/Services", FriendlyName="Example")
    assert other.post(f"/v2/Services/{service['sid']}/Verifications", To=f"{begin}0001", Channel="sms")[0] == 201


def test_messages_go_where_the_organisation_is(caller):
    assert caller.message("+4915112345678")[0] == 201
    for number in ("+33612345678", "+4970012345678", "+881612345678", "+15035550100"):
        status, said = caller.message(number)
        assert status >= 400 and not any(word in said["message"].lower() for word in TELLING), said
    assert caller.refusals() == {"fraud-country": 2, "fraud-kind": 2}
    for wrong in ({"countries": ["XX"]}, {"countries": "DE"}, {"refused_kinds": ["cheap"]}, {"safe_addresses": ["here"]}):
        with pytest.raises(RuntimeError, match="40002|400"):
            caller.admin.json_api_call("POST", "/admin/v1/settings", {"messages": json.dumps(wrong)})
    caller.admin.json_api_call("POST", "/admin/v1/settings", {"messages": json.dumps({"countries": ["FR"]})})
    assert caller.message("+33612345678")[0] == 201
    assert caller.message("+4915112345679")[0] >= 400


def test_people_who_want_no_texts(caller, supplier):
    number, tenant = "+15035550177", caller.account.tenant
    admin = lambda *words: supplier.server.admin("--tenant", tenant.host, "opt-out", *words)  # noqa: E731
    admin("add", number)
    assert "no texts" in admin("show", number)
    status, said = caller.message(number)
    assert status >= 400 and said["code"] == 21610, said
    assert caller.refusals() == {"opted-out": 1}
    (row,) = caller.admin.json_api_call("GET", "/admin/v1/messages/opt_outs", {})
    assert number[1:] not in json.dumps(row) and row["mark"] in admin("list")
    assert caller.admin.json_api_call("GET", "/admin/v1/messages/opt_outs", {"number": number}) == {"opted_out": True}
    asked = {"number": number, "opted_out": "0"}
    assert caller.admin.json_api_call("POST", "/admin/v1/messages/opt_outs", asked) == {"changed": True}
    assert caller.message(number)[0] == 201
    assert "gets texts" in admin("show", number) and admin("list") == ""
