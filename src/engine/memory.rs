//! Was memory refused while a query ran?
//!
//! Where one part of a plan is refused memory, DataFusion 55 may answer with
//! what that led to in another part, down to a panic of a task. So the pool
//! remembers the last refusal, and the query says what it really lacked.

use std::fmt::{self, Display, Formatter};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, TrackConsumersPool,
};

use crate::error::Error;

/// The memory of an engine, shared fairly by what can spill.
#[derive(Debug)]
pub(super) struct Memory {
    pool: TrackConsumersPool<FairSpillPool>,
    refusals: Mutex<Refusals>,
}

#[derive(Debug, Default)]
struct Refusals {
    n: u64,
    last: Option<Error>,
}

impl Memory {
    /// At most `bytes`; a refusal names the five largest consumers.
    pub(super) fn new(bytes: usize) -> Self {
        let top = NonZeroUsize::MIN.saturating_add(4);
        let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), top);
        Self { pool, refusals: Mutex::default() }
    }

    /// How often memory was refused so far.
    pub(super) fn refusals(&self) -> u64 {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).n
    }

    /// The last refusal, if there was one since there had been `before`.
    pub(super) fn refused_since(&self, before: u64) -> Option<Error> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.last.as_ref().filter(|_| refusals.n > before).map(Error::again)
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &'static str {
        "tenure"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.pool.try_grow(reservation, additional).inspect_err(|error| {
            let words = error.strip_backtrace();
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.n += 1;
            refusals.last =
                Some(datafusion::common::DataFusionError::ResourcesExhausted(words).into());
        })
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pool)
    }
}
