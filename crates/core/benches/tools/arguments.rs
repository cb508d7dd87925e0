//! What a bench program is told.

/// The arguments; cargo adds an option of its own.
pub fn all() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| argument != "--bench").collect()
}

/// One that is a number; any other text ends the program.
pub fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| fail("not a number"))
}

/// Says what is wrong, and ends the program.
pub fn fail(what: &str) -> ! {
    eprintln!("{}: {what}", env!("CARGO_CRATE_NAME"));
    std::process::exit(1)
}
