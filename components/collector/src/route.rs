//! What a request asks for, decided once.

use http::Method;
use rollcall_web::Problem;

/// A function of `rollcall:stats/collector` that can be called over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    TakeSnapshot,
    ListIps,
    Summarize,
    Rows,
    Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Collect,
    Call(Function),
}

impl Route {
    pub fn of<B>(request: &http::Request<B>) -> Result<Self, Problem> {
        let route = match request.uri().path() {
            "/collect" => Self::Collect,
            "/take-snapshot" => Self::Call(Function::TakeSnapshot),
            "/list-ips" => Self::Call(Function::ListIps),
            "/summarize" => Self::Call(Function::Summarize),
            "/rows" => Self::Call(Function::Rows),
            "/status" => Self::Call(Function::Status),
            _ => return Err(Problem::not_found()),
        };
        if request.method() == Method::POST {
            Ok(route)
        } else {
            Err(Problem::method_not_allowed("POST"))
        }
    }
}
