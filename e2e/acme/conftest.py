"""The fixtures of this directory; the harness has a name of its own, because other directories have a conftest too."""

from acme_harness import programs, start_countersign, start_pebble

__all__ = ["programs", "start_countersign", "start_pebble"]
