"""`login_duo` of Debian at a terminal.

Each case is one of `fixtures/cases.py`; on SQLite unless the name says otherwise.
"""

import pytest


@pytest.mark.client("login_duo")
def test_login_duo(play):
    play()
