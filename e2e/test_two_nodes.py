"""Two servers on one PostgreSQL: what one of them knows, the other does."""

import time

import pytest
from fixtures.house import POSTGRES
from fixtures.person import Chooses, Person, Types
from fixtures.sdk import Application, Python, python_of_tests
from fixtures.server import Server
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for

APPLICATION = Application("application", Python(python_of_tests()), later=True, verified=True)


@pytest.fixture
def nodes(house):
    store = house.postgres("lasting").database()
    root = house.place() / "root.key"
    nodes = [Server(house.place(), store, {"keys.root": f"file:{root}", "keys.log_days": str(root.with_name("log-days.key"))}).start() for _ in range(2)]
    yield nodes
    for node in nodes:
        node.end()


@pytest.fixture
def tenant(nodes):
    return Tenant(nodes[0])


def _at(integration, node):
    """The same integration, asked at another node."""
    moved = type(integration)(**vars(integration))
    moved.port, moved.ca_file = node.port, node.ca_file
    return moved


def test_a_push_whose_node_dies_is_not_approved_by_that(nodes, tenant):
    """The node that the client waits at is killed while the request is on the device. Nobody gets in by it, and the other
    node goes on."""
    user = tenant.user("grace")
    token = tenant.hotp(user)
    integration = tenant.integration("authapi", "grace")
    device = _device_at(tenant, user, nodes[1])
    result = APPLICATION.login(integration, Chooses(device, "approve", meanwhile=nodes[0].kill9))
    assert not result.allowed, result
    assert APPLICATION.login(_at(integration, nodes[1]), Types(token.press())).allowed


def _device_at(tenant, user, node):
    device = tenant.device(user)
    other = type(device)(node.base, str(node.ca_file))
    other.key, other.tenant, other.phone, other.user = device.key, device.tenant, device.phone, device.user
    return other


def test_a_push_of_one_node_is_answered_at_the_other(nodes, tenant):
    device = _device_at(tenant, tenant.user("grace"), nodes[1])
    answered = []
    person = Chooses(device, "approve", meanwhile=lambda: answered.append(time.monotonic()))
    result = APPLICATION.login(tenant.integration("authapi", "grace"), person)
    assert result.allowed, result
    assert time.monotonic() - answered[0] < 3, "the waiter was not woken"


def test_a_code_that_was_spent_at_one_node_is_spent_at_the_other(nodes, tenant):
    token = tenant.hotp(tenant.user("grace"))
    integration = tenant.integration("authapi", "grace")
    code = token.press()
    assert APPLICATION.login(integration, Types(code)).allowed
    replayed = APPLICATION.login(_at(integration, nodes[1]), Types(code))
    assert not replayed.allowed and "already been used" in replayed.text, replayed
    assert APPLICATION.login(_at(integration, nodes[1]), Types(token.press())).allowed


def test_what_an_administrator_changes_at_one_node_holds_at_the_other(nodes, tenant):
    user = tenant.user("grace", status="bypass")
    integration = tenant.integration("authapi", "grace")
    there = _at(integration, nodes[1])
    assert APPLICATION.login(there, Person()).allowed
    tenant.admin.update_user(user, status="disabled")
    assert not APPLICATION.login(there, Person()).allowed
    tenant.admin.update_user(user, status="bypass")
    tenant.admin.delete_integration(integration.ikey)
    wait_for("it lets nobody in", lambda: not APPLICATION.login(there, Person()).allowed, 5, 0.3)
