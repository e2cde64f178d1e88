//! A panic while a request or a command is under way: what it says may hold a secret, and must not be written.
