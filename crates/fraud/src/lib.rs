//! Rules against those who make an organisation send messages that it pays for.
