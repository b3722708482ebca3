// Panics of several kinds, which end the process (cli_explain.sh says how), and ends without one.
use std::env;
use std::hint::black_box;

#[inline(never)]
fn element(values: &[i32], index: usize) -> i32 {
    values[index]
}

#[inline(never)]
fn takes(value: Option<i32>) -> i32 {
    value.unwrap()
}

#[inline(never)]
fn expects(value: Result<i32, String>) -> i32 {
    value.expect("no value")
}

#[inline(never)]
fn says(number: i32) -> i32 {
    if number > 0 {
        panic!("out of paper");
    }
    number
}

#[inline(never)]
fn divides(a: i32, b: i32) -> i32 {
    a / b
}

#[inline(never)]
fn formats(number: i32) -> i32 {
    if number > 0 {
        panic!("{} are missing", number);
    }
    number
}

extern "C" {
    fn abort() -> !;
}

#[inline(never)]
fn stops(number: i32) -> i32 {
    match number {
        1 => std::process::abort(),
        2 => unsafe { abort() },
        _ => std::thread::spawn(|| -> i32 { std::process::abort() }).join().unwrap_or(0),
    }
}

#[inline(never)]
fn descends(depth: u64) -> u64 {
    let kept = black_box([depth; 64]);
    descends(depth + 1) + kept[depth as usize % 64]
}

struct Grumpy;

impl Drop for Grumpy {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[inline(never)]
fn drops(number: i32) -> i32 {
    let _grumpy = Grumpy;
    element(&[1, 2, 3], number as usize)
}

fn main() {
    let what = env::args().nth(1).unwrap_or_default();
    let got = match what.as_str() {
        "index" => element(black_box(&[1, 2, 3]), black_box(7)),
        "unwrap" => takes(black_box(None)),
        "expect" => expects(black_box(Err("gone".to_string()))),
        "message" => says(black_box(1)),
        "format" => formats(black_box(3)),
        "abort" => stops(black_box(1)),
        "abort_of_c" => stops(black_box(2)),
        "abort_in_thread" => stops(black_box(3)),
        "divide" => divides(black_box(1), black_box(0)),
        "overflow" => descends(black_box(1)) as i32,
        "cleanup" => drops(black_box(7)),
        _ => 0,
    };
    std::process::exit(got + 1);
}
