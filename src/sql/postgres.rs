//! PostgreSQL's dialect, read with its own parser.

mod built_in;
mod source;
mod scope;
mod mark;

/// Runs what parses, walks or drops parse trees with room for the deepest ones that the parser lets through: about 700 levels, some
/// 30 kB each in a build without optimization. A thread and not a bigger stack under this one, since the parser measures the depth of
/// its own from the thread's beginning.
pub(crate) fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
        worker.expect("a thread can be started").join()
    });
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
