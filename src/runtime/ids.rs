//! Time-ordered ids, made at the edge and handed to the engine.

use uuid::Uuid;

use crate::domain::IdSource;

#[derive(Debug, Default)]
pub struct TimeOrdered;

impl IdSource for TimeOrdered {
    fn next(&mut self) -> Uuid {
        Uuid::now_v7()
    }
}
