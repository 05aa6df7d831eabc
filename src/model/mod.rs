//! Parameters of a group.
