pub mod backend;
pub mod base;
