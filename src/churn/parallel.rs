//! How is work spread over threads without the answer depending on them?
//!
//! Each item is computed by one thread from start to end and results come back
//! in the order of the items, so that no sum is ever split differently.

use crate::error::{Error, ErrorKind, Result};

/// Maps `items` on up to `n_threads` threads, in order.
///
/// # Errors
///
/// The first error by order of the items; [`ErrorKind::Internal`] when a
/// thread panics.
pub(crate) fn map<I: Sync, O: Send>(
    items: &[I],
    n_threads: usize,
    work: impl Fn(&I) -> Result<O> + Sync,
) -> Result<Vec<O>> {
    let n_threads = n_threads.clamp(1, items.len().max(1));
    if n_threads == 1 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    let lanes: Vec<Vec<Result<O>>> = std::thread::scope(|scope| {
        let lane = |first: usize| {
            scope.spawn(move || items.iter().skip(first).step_by(n_threads).map(work).collect())
        };
        let lanes: Vec<_> = (0..n_threads).map(lane).collect();
        let joined = lanes.into_iter().map(|lane| lane.join().map_err(|_| panicked()));
        joined.collect::<Result<_>>()
    })?;
    let mut lanes: Vec<_> = lanes.into_iter().map(Vec::into_iter).collect();
    (0..items.len()).filter_map(|index| lanes[index % n_threads].next()).collect()
}

/// Does `work` once per item on up to `n_threads` threads. What an item may
/// change is its own, so order does not matter.
///
/// # Errors
///
/// The first error of a thread; [`ErrorKind::Internal`] when one panics.
pub(super) fn for_each<I: Send>(
    items: Vec<I>,
    n_threads: usize,
    work: impl Fn(I) -> Result<()> + Sync,
) -> Result<()> {
    let n_threads = n_threads.clamp(1, items.len().max(1));
    if n_threads == 1 {
        return items.into_iter().try_for_each(work);
    }
    let mut lanes: Vec<Vec<I>> = (0..n_threads).map(|_| Vec::new()).collect();
    for (index, item) in items.into_iter().enumerate() {
        lanes[index % n_threads].push(item);
    }
    let work = &work;
    std::thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|lane| scope.spawn(move || lane.into_iter().try_for_each(work)))
            .collect();
        lanes.into_iter().try_for_each(|lane| lane.join().map_err(|_| panicked())?)
    })
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a training thread panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_at_any_number_of_threads() {
        let items: Vec<u64> = (0..7).collect();
        for n_threads in [0, 1, 2, 3, 16] {
            let squares = map(&items, n_threads, |item| Ok(item * item)).unwrap();
            assert_eq!(squares, [0, 1, 4, 9, 16, 25, 36]);
        }
        assert!(map(&Vec::<u64>::new(), 2, |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn the_first_error_by_order_is_returned() {
        let fail = |item: &u64| match item {
            0 => Ok(()),
            item => Err(Error::new(ErrorKind::Input, format!("item {item}"))),
        };
        for n_threads in [1, 2] {
            let error = map(&[0, 1, 2], n_threads, fail).unwrap_err();
            assert_eq!(error.to_string(), "item 1");
        }
    }
}
