//! XML that strangers send: one parser with limits, canonical form, signatures. What was verified is the only thing that can be read.
