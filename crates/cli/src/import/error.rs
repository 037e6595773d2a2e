//! Why an import stopped, or why a batch was not acknowledged.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(
        "no ingest token: give --token, or set ROLLCALL_INGEST_TOKEN, or SPIN_VARIABLE_INGEST_TOKEN in the environment or the app's .env"
    )]
    NoToken,
    #[error("no file matches {pattern}")]
    NoMatch { pattern: String },
    #[error("{pattern}: {error}")]
    Pattern {
        pattern: String,
        error: glob::PatternError,
    },
    #[error("no folder for the positions: give --state-dir, or set XDG_STATE_HOME or HOME")]
    NoStateDir,
    #[error("cannot keep the positions in {}: {source}", folder.display())]
    State { folder: PathBuf, source: io::Error },
    #[error("{} is no position of an import: {error}. Without it, its log is imported from the start", path.display())]
    Record {
        path: PathBuf,
        error: serde_json::Error,
    },
    #[error("cannot read {file}: {source}")]
    Open { file: String, source: io::Error },
    #[error("another import reads {file} now")]
    Busy { file: String },
    #[error("{file} was not read: it is a copy of {original}, which is still there")]
    Copy { file: String, original: String },
    #[error("cannot read the rest of {file}: {source}")]
    Rest { file: String, source: io::Error },
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("{refused} lines were refused, more than --max-refused")]
    Refused { refused: u64 },
    #[error(transparent)]
    Send(#[from] SendError),
}

impl ImportError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoToken
            | Self::NoMatch { .. }
            | Self::Pattern { .. }
            | Self::NoStateDir
            | Self::Open { .. } => ExitCode::from(2),
            Self::State { .. }
            | Self::Record { .. }
            | Self::Busy { .. }
            | Self::Copy { .. }
            | Self::Rest { .. }
            | Self::Read(_)
            | Self::Refused { .. }
            | Self::Send(_) => ExitCode::FAILURE,
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
