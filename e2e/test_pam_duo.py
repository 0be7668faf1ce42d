"""`pam_duo` of Debian in a PAM conversation: synchronous for sshd, asynchronous for sudo.

Each case is one of `fixtures/cases.py`; on SQLite unless the name says otherwise.
"""

import pytest


@pytest.mark.client("pam_duo sshd")
def test_pam_duo_sshd(play):
    play()


@pytest.mark.client("pam_duo sudo")
def test_pam_duo_sudo(play):
    play()
