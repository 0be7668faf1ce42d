"""The table of `crates/numbers` is what the packages give, byte for byte: nobody edits it by hand, and it is made without chance."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_table_is_what_the_packages_give(tmp_path):
    networks = Path(os.environ["NODE_PATH"]) / "mcc-mnc-list" / "mcc-mnc-list.json"
    subprocess.run(
        [sys.executable, "-B", ROOT / "xtask" / "numbers" / "table.py", networks, tmp_path],
        check=True,
        timeout=300,
        capture_output=True,
    )
    for name in ["numbers.bin", "sample.txt.gz"]:
        assert (tmp_path / name).read_bytes() == (ROOT / "crates" / "numbers" / "data" / name).read_bytes(), name
    assert (tmp_path / "numbers.bin").stat().st_size < 2_000_000
