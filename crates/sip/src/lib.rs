//! SIP, the caller's side: places calls over a trunk, sends their sound and hears the keys that are pressed.
