//! Suppliers of messages that are spoken to over HTTP: one driver, a preset for each.
