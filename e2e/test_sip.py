"""Calls by `crates/sip` to telephones and trunks that aren't ours."""

import pytest
from fixtures.sip_peers import (
    ACKED,
    INVITED,
    Caller,
    Telephone,
    Trunk,
    ask,
    babble,
    challenged,
    correlation,
    pause,
    plays,
    reply,
    write_wav,
)
from fixtures.waiting import free_port, wait_for


@pytest.mark.parametrize(
    ("transport", "encrypted", "codec"),
    [("udp", False, "pcmu"), ("tcp", False, "pcma"), ("tls", True, "pcmu"), ("udp", True, "pcma")],
)
def test_what_is_played_is_heard_and_keys_come_back(tmp_path, transport, encrypted, codec):
    said = babble(1, 2.5)
    sample = write_wav(tmp_path / "said.wav", said)
    with Telephone(transport=transport, encrypted=encrypted) as phone:
        settings = {"ca_file": phone.authority} if transport == "tls" else {}
        settings["srtp"] = "required" if encrypted else "off"
        with Caller(phone.port, user="phone", transport=transport, codec=codec, play=sample, **settings) as caller:
            caller.wait("answered")
            phone.press("9#0")
            for key in "9#0":
                caller.wait(f"key {key}")
            caller.wait("played")
            caller.say("press 1*7")
            wait_for("our keys", lambda: phone.pressed == "1*7")
            caller.say("hang-up")
            caller.end()
        heard = phone.heard()
    assert correlation(heard, said) >= 0.9
    print(correlation(heard, said), correlation(heard, babble(2, 2.5)))
    assert correlation(heard, babble(2, 2.5)) < 0.9
