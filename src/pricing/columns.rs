//! Rows kept as columns, and the columns cut into blocks that lie together in the cache: what a batch reads and
//! what it fills. How many rows a block has, and what its unused lanes hold, is the batch's own matter.
//!
//! Never: knows a formula.

use std::borrow::Borrow;

/// As many rows as lie together, one array for each of their numbers.
pub trait Block: Clone {
    type Row;
    const ROWS: usize;
    /// What unused lanes hold: nothing that a kernel would stumble over.
    const EMPTY: Self;

    fn get(&self, lane: usize) -> Self::Row;
    fn set(&mut self, lane: usize, row: &Self::Row);
}

/// A block of so many rows of a struct of numbers, each column of its own unit, with what it holds where it is
/// unused: the unit is in the type alone, so a loop over a column is one over plain numbers. A right
/// becomes a sign: +1 for a call, −1 for a put.
macro_rules! block {
    (
        $(#[$about:meta])*
        $name:ident: $rows:expr, $row:ident $(($right:ident as $sign:ident))? {
            $($number:ident: $unit:ty = $unused:expr),+ $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $(pub $sign: [f64; $rows],)?
            $(pub $number: [$unit; $rows],)+
        }

        impl $crate::pricing::columns::Block for $name {
            type Row = $row;
            const ROWS: usize = $rows;
            const EMPTY: Self = Self {
                $($sign: [1.0; $rows],)?
                $($number: [$unused; $rows],)+
            };

            fn get(&self, lane: usize) -> $row {
                $row {
                    $($right: if self.$sign[lane] > 0.0 {
                        $crate::domain::Right::Call
                    } else {
                        $crate::domain::Right::Put
                    },)?
                    $($number: self.$number[lane],)+
                }
            }

            fn set(&mut self, lane: usize, row: &$row) {
                $(self.$sign[lane] = row.$right.sign();)?
                $(self.$number[lane] = row.$number;)+
            }
        }
    };
}
pub(super) use block;

/// Rows in the order in which they were pushed; reuse one to allocate only when it grows.
#[derive(Debug, Clone)]
pub struct Table<B> {
    pub(super) blocks: Vec<B>,
    rows: usize,
}

impl<B> Default for Table<B> {
    fn default() -> Self {
        Self { blocks: Vec::new(), rows: 0 }
    }
}

impl<B: Block> Table<B> {
    pub fn push(&mut self, row: &B::Row) {
        let lane = self.rows % B::ROWS;
        if lane == 0 {
            self.blocks.push(B::EMPTY);
        }
        if let Some(last) = self.blocks.last_mut() {
            last.set(lane, row);
        }
        self.rows += 1;
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.rows = 0;
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// One row; `None` past the end.
    pub fn get(&self, row: usize) -> Option<B::Row> {
        (row < self.rows).then(|| self.at(row))
    }

    pub fn iter(&self) -> impl Iterator<Item = B::Row> {
        (0..self.rows).map(|row| self.at(row))
    }

    /// So many rows, which somebody is about to fill.
    pub(super) fn resize(&mut self, rows: usize) {
        self.blocks.resize(rows.div_ceil(B::ROWS), B::EMPTY);
        self.rows = rows;
    }

    fn at(&self, row: usize) -> B::Row {
        self.blocks[row / B::ROWS].get(row % B::ROWS)
    }
}

impl<B: Block, R: Borrow<B::Row>> Extend<R> for Table<B> {
    fn extend<I: IntoIterator<Item = R>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| self.push(row.borrow()));
    }
}

impl<B: Block, R: Borrow<B::Row>> FromIterator<R> for Table<B> {
    fn from_iter<I: IntoIterator<Item = R>>(rows: I) -> Self {
        let mut table = Self::default();
        table.extend(rows);
        table
    }
}
