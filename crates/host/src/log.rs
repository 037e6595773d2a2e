//! Writes the output of components to the host's standard error, by line, with the component's id.
//! Shows each line to the [`LogLayer`] first.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Called with the id of a component and each line that it writes to its output. See
/// [`HostConfig::log_layer`](crate::HostConfig::log_layer).
pub type LogLayer = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The longest line. A longer one is printed in pieces, so that a component cannot fill the host's
/// memory.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// One instance's standard output or error.
#[derive(Clone)]
pub struct Log {
    component: Arc<str>,
    line: Arc<Mutex<Vec<u8>>>,
    layer: Option<LogLayer>,
}

impl Log {
    /// The output of an instance of this component.
    pub fn new(component: Arc<str>, layer: Option<LogLayer>) -> Self {
        let line = Arc::default();
        Self {
            component,
            line,
            layer,
        }
    }

    fn append(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() >= LINE_BYTES_MAX {
                self.print(&mut line);
            }
        }
    }

    fn print(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\n');
        if let Some(layer) = &self.layer {
            layer(&self.component, text);
        }
        // If standard error is closed, there is nobody to tell.
        _ = writeln!(std::io::stderr(), "[{}] {text}", self.component);
        line.clear();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::strong_count(&self.line) == 1 && !line.is_empty() {
            self.print(&mut line);
        }
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Log {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
