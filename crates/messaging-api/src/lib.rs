//! The door for programs that speak Twilio's API: messages, verifications, look-ups, calls.
