//! The door for browsers: the sign-in prompt, enrolment, self-service and the installable authenticator.
