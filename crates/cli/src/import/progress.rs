//! The progress bar. It is shown if the standard error is a terminal.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// The progress over a file of this size, or over a stream.
    pub fn new(bytes: Option<u64>) -> Self {
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{wide_bar} {percent:>3}%  {msg}  ETA {eta}",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}"),
        };
        // The templates are right, so the default style is never used.
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("reading");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Advances by a batch of this size. `hits` were accepted in all.
    pub fn advance(&self, bytes: u64, hits: u64) {
        self.bar.inc(bytes);
        let rate = hits as f64 / self.bar.elapsed().as_secs_f64().max(0.001);
        let (hits, rate) = (HumanCount(hits), HumanCount(rate as u64));
        self.bar.set_message(format!("{hits} hits, {rate}/s"));
    }

    /// Prints a sentence that people must see, also without a terminal.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("rollcall import: {text}"));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    /// If the import fails, no bar is left.
    fn drop(&mut self) {
        self.finish();
    }
}
