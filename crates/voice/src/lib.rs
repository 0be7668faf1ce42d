//! What is said in a call, and what follows from the keys that are pressed.
