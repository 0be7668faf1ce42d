"""Web Push as a person has it: a real Firefox subscribes, the server encrypts and signs, Firefox decrypts and shows."""

import pytest
from fixtures.browser_firefox import Firefox
from fixtures.house import SQLITE
from fixtures.mozilla_push import MozillaPush
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from test_authenticator_app import Person

# The worker tells open pages what it read in the push.
LISTEN = "void navigator.serviceWorker.addEventListener('message', event => window.looked = event.data.look)"


@pytest.fixture
def push():
    push = MozillaPush()
    yield push
    push.close()


@pytest.fixture
def server(house):
    settings = {"web_push.allow_http_loopback": "yes", "server.api_hosts": "localhost,*.mfa.test"}
    return house.new_server(SQLITE, settings=settings).start()


@pytest.fixture
def firefox(house, server, push):
    firefox = Firefox(house.place(), server.ca_file, push.preferences)
    yield firefox
    firefox.close()


def test_firefox_decrypts_the_push_and_the_person_approves(server, firefox, push):
    person = Person(Tenant(server, host="push.mfa.test"))
    firefox.hosts.add(person.tenant.host)
    firefox.go(f"{person.tenant.origin}/authenticator/{person.fragment()}")
    firefox.click("button", "Add this account")
    firefox.wait("a passcode", "/^\\d{3} \\d{3}$/.test(document.querySelector('.passcode')?.textContent)")
    wait_for("Firefox has subscribed", lambda: push.channels, 60)
    wait_for("the server knows", lambda: _subscribed(firefox))
    firefox.evaluate(LISTEN)
    txid, code = person.push()
    wait_for("the push", lambda: push.arrived, 30)
    # Acknowledged as decrypted and delivered; 101 and 102 would be failures of these.
    (acknowledged,) = wait_for("Firefox has taken it", lambda: push.acknowledged, 60)
    assert acknowledged["code"] == 100, acknowledged
    firefox.wait("the worker's word", "window.looked === true")
    firefox.wait("the request", "document.getElementById('digits').offsetParent !== null")
    firefox.evaluate("document.getElementById('digits').focus()")
    firefox.type(code)
    firefox.click("button", "Approve")
    firefox.wait("the approval", "document.getElementById('note').textContent.startsWith('Approved')")
    assert person.outcome(txid)["success"] is True
    firefox.check()


def _subscribed(firefox: Firefox) -> bool:
    return firefox.evaluate(
        """new Promise(done => {
            indexedDB.open("countersign-authenticator").onsuccess = opened => {
                const asked = opened.target.result.transaction("accounts").objectStore("accounts").getAll();
                asked.onsuccess = () => done(asked.result[0].endpoint !== "");
            };
        })"""
    )
