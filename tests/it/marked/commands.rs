//! The other commands: what they print, and what they say of wrong usage and wrong files.
