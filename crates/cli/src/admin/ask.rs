//! Asks the admin API.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use ureq::Body;
use ureq::http::{Request, Response};

use super::backup_file::BackupError;
#[cfg(feature = "parquet")]
use super::parquet::ParquetError;
use crate::{http, token};

/// The longest time for a question. The server gives up long before.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The most bytes of an answer that are read, except of an export.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A parameter of the API: its name and its value.
pub type Parameter = (String, String);

/// How old an answer may be.
enum Age {
    /// As old as the server gives it.
    Any,
    /// It is computed now.
    Now,
}

/// The server, and the token for it.
#[derive(clap::Args, Debug)]
pub struct Server {
    /// The URL of Rollcall
    #[arg(long, default_value = "http://127.0.0.1:3000", value_parser = http::parse_url)]
    pub url: String,
    /// A token of an admin or viewer. Default: SPIN_VARIABLE_ADMIN_TOKEN, from the environment or
    /// from the app's .env
    #[arg(long, env = "ROLLCALL_ADMIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(
        "no admin token: give --token, or set ROLLCALL_ADMIN_TOKEN, or SPIN_VARIABLE_ADMIN_TOKEN in the environment or the app's .env"
    )]
    NoToken,
    #[error("{status}: the server does not accept this token")]
    Token { status: u16 },
    #[error("the server answered {status}{}", detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Refused { status: u16, detail: Option<String> },
    #[error("the server does not answer as Rollcall does. Is the URL right?")]
    Stranger,
    #[error("{url}: {error}")]
    Request { url: String, error: ureq::Error },
    #[cfg(feature = "parquet")]
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl AskError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoToken => ExitCode::from(2),
            #[cfg(feature = "parquet")]
            Self::Parquet(error) => error.exit_code(),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Reads `NAME=VALUE`.
pub fn parse_parameter(text: &str) -> Result<Parameter, &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, as in timeRange=7d"),
    }
}

impl Server {
    /// The answer to a question.
    pub fn ask(&self, path: &str, parameters: &[Parameter]) -> Result<Value, AskError> {
        self.json(path, parameters, Age::Any)
    }

    /// The answer to a question, computed now.
    pub fn ask_anew(&self, path: &str, parameters: &[Parameter]) -> Result<Value, AskError> {
        self.json(path, parameters, Age::Now)
    }

    fn json(&self, path: &str, parameters: &[Parameter], age: Age) -> Result<Value, AskError> {
        let mut answer = self.get(path, parameters, Some(TIMEOUT), age)?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let body = body.read_to_vec().map_err(|error| self.error(error))?;
        serde_json::from_slice(&body).map_err(|_| AskError::Stranger)
    }

    /// An export, which has no limits.
    pub fn export(&self, parameters: &[Parameter]) -> Result<Response<Body>, AskError> {
        self.get("export", parameters, None, Age::Any)
    }

    fn get(
        &self,
        path: &str,
        parameters: &[Parameter],
        timeout: Option<Duration>,
        age: Age,
    ) -> Result<Response<Body>, AskError> {
        let token = self.token()?;
        let pairs = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut request = http::agent(&self.url, timeout)
            .get(format!("{}/admin/{path}", self.url))
            .query_pairs(pairs)
            .header("authorization", format!("Bearer {token}"));
        if let Age::Now = age {
            request = request.header("cache-control", "no-cache");
        }
        self.checked(request.call())
    }

    /// A request that does something.
    pub fn order(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Response<Body>, AskError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/admin/{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token()?))
            .header("content-type", "application/octet-stream")
            .body(body);
        let request = request.map_err(|error| self.error(error.into()))?;
        self.checked(http::agent(&self.url, timeout).run(request))
    }

    fn token(&self) -> Result<String, AskError> {
        token::find(self.token.clone(), token::ADMIN).ok_or(AskError::NoToken)
    }

    fn checked(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, AskError> {
        let mut answer = answer.map_err(|error| self.error(error))?;
        match answer.status().as_u16() {
            200 | 204 => Ok(answer),
            status @ (401 | 403) => Err(AskError::Token { status }),
            status => {
                let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
                let detail = http::detail(&body.read_to_vec().unwrap_or_default());
                Err(AskError::Refused { status, detail })
            }
        }
    }

    fn error(&self, error: ureq::Error) -> AskError {
        let url = self.url.clone();
        AskError::Request { url, error }
    }
}
