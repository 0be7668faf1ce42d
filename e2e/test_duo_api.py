"""`@duosecurity/duo_api` of npm, with either of its signature versions.

Each case is one of `fixtures/cases.py`; on SQLite unless the name says otherwise.
"""

import pytest


@pytest.mark.client("duo_api signing 2")
def test_duo_api_signing_2(play):
    play()


@pytest.mark.client("duo_api signing 5")
def test_duo_api_signing_5(play):
    play()
