//! Random schemas, changed at random by random releases: what is planned is proven, and nothing is ever refuted.

mod picks;
mod name;
mod data_type;
mod schema;
mod table;
mod change;
mod case;
mod trial;
mod run;
mod smallest;

use std::time::Duration;

use run::{Tally, Wanted, run};
use trial::{Bench, Outcome};

/// How long the cases of one seed may take in an ordinary run of the tests.
const SHORT: Duration = Duration::from_secs(25);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn holds(tally: &Tally) {
    println!("{}", tally.text());
    assert!(tally.failures.is_empty(), "{} failures; each is told above, with its smallest case", tally.failures.len());
}

fn wanted(seed: u64, cases: u32, within: Duration) -> Wanted {
    let shrinks = number("CONCERTINA_RANDOM_SHRINKS").and_then(|number| u32::try_from(number).ok()).unwrap_or(200);
    Wanted { seed, cases, within, shrinks }
}

/// The seed that is asked for, or any.
fn seed() -> u64 {
    let seed = number("CONCERTINA_RANDOM_SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()) << 16);
    println!("CONCERTINA_RANDOM_SEED={seed}");
    seed
}

#[test]
fn what_random_cases_have_found_stays_found() {
    let mut bench = Bench::open();
    for smallest in smallest::all() {
        for outcome in bench.attempt(&smallest.case) {
            let word = match &outcome {
                Outcome::Proven => "proven",
                Outcome::NotProven(_) => "not proven",
                Outcome::Refused(_) => "refused",
                Outcome::Discarded(_) => "discarded",
                Outcome::Failed { report, .. } => report,
            };
            assert_eq!(word, smallest.expected, "{}: {outcome:?}", smallest.name);
        }
    }
}

#[test]
fn nothing_is_refuted_in_the_same_cases_each_time() {
    holds(&run(wanted(1, 40, SHORT), &mut |_| ()));
}

#[test]
fn nothing_panics_in_other_cases_each_time() {
    // A seed that nobody has seen may well find something: that is told, for whoever reads the log, and `make soak` fails on it.
    let tally = run(wanted(seed(), 40, SHORT), &mut |_| ());
    println!("{}", tally.text());
    let panics: Vec<String> = tally.failures.iter().filter(|failure| failure.kind == "panic").map(run::Failure::text).collect();
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}

/// Many cases, by `make soak`.
#[test]
#[ignore = "takes as long as it is told to"]
fn nothing_is_refuted_in_many_cases() {
    let cases = u32::try_from(number("CONCERTINA_SOAK_CASES").unwrap_or(10_000)).unwrap_or(u32::MAX);
    let workers = number("CONCERTINA_SOAK_WORKERS").and_then(|number| u32::try_from(number).ok());
    let workers = workers.unwrap_or_else(|| u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap_or(1));
    let (seed, each) = (seed(), cases.div_ceil(workers));
    let of = |worker: u32| {
        let mut told = 0;
        run(wanted(seed + u64::from(worker * each), each, Duration::MAX), &mut |tally: &Tally| {
            for failure in &tally.failures[told..] {
                println!("{}", failure.text());
            }
            told = tally.failures.len();
            if tally.cases.is_multiple_of(50) {
                println!("worker {worker}: {}", tally.line());
            }
        })
    };
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(move || of(worker))).collect();
        for worker in running {
            all.add(worker.join().expect("a worker counts what panics"));
        }
    });
    holds(&all);
}
