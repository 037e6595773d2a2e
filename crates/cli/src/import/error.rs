//! Why an import stopped, or why a batch was not acknowledged.

use std::io;
use std::process::ExitCode;

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(
        "no ingest token: give --token, or set ROLLCALL_INGEST_TOKEN, or SPIN_VARIABLE_INGEST_TOKEN in the environment or the app's .env"
    )]
    NoToken,
    #[error(
        "the file is a JSON array, not one hit a line. Try: jq -c '.[]' FILE | rollcall import -"
    )]
    Array,
    #[error("cannot read {file}: {source}")]
    Open { file: String, source: io::Error },
    #[error("cannot read the rest: {0}")]
    Read(#[from] io::Error),
    #[error("line {number} is longer than {bytes_max} bytes. No hit is that long")]
    LongLine { number: u64, bytes_max: usize },
    #[error(transparent)]
    Send(#[from] SendError),
}

impl ImportError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoToken | Self::Array | Self::Open { .. } => ExitCode::from(2),
            Self::Read(_) | Self::LongLine { .. } | Self::Send(_) => ExitCode::FAILURE,
        }
    }
}

/// Why a batch was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("{status}: the server does not accept this token")]
    Token { status: u16 },
    #[error("413: the batch is too large for the server. Try a smaller --batch-size")]
    TooLarge,
    #[error("the server answered {status}{}", detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Refused { status: u16, detail: Option<String> },
    #[error("the server answered {status}, but not as Rollcall does. Is the URL right?")]
    Stranger { status: u16 },
    #[error("{0}")]
    Request(String),
    #[error("gave up after try {tries}: {last}")]
    GaveUp { tries: u32, last: String },
}
