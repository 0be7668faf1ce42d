"""`duo_client`: 5.7 of PyPI (signature version 5) and 4.5 of Debian (version 2, SHA-1).

Each case is one of `fixtures/cases.py`; on SQLite unless the name says otherwise.
"""

import pytest


@pytest.mark.client("duo_client 5.7")
def test_duo_client_5_7(play):
    play()


@pytest.mark.client("duo_client 4.5")
def test_duo_client_4_5(play):
    play()
