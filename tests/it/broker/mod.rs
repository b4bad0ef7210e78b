//! The tastytrade adapter against fakes on loopback: what the wire does to it, it must survive.

mod fake;
mod rest;
