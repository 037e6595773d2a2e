//! What a request asks for, decided once.

use http::Method;
use rollcall_web::Problem;

/// A function of `rollcall:stats/collector` or `shared` that can be called over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    TakeSnapshot,
    ListIps,
    Summarize,
    Rows,
    Status,
    Recall,
    Claim,
    RenewClaim,
    EndClaim,
    Keep,
    Sweep,
    CountUp,
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
            "/recall" => Self::Call(Function::Recall),
            "/claim" => Self::Call(Function::Claim),
            "/renew-claim" => Self::Call(Function::RenewClaim),
            "/end-claim" => Self::Call(Function::EndClaim),
            "/keep" => Self::Call(Function::Keep),
            "/sweep" => Self::Call(Function::Sweep),
            "/count-up" => Self::Call(Function::CountUp),
            _ => return Err(Problem::not_found()),
        };
        if request.method() == Method::POST {
            Ok(route)
        } else {
            Err(Problem::method_not_allowed("POST"))
        }
    }
}
