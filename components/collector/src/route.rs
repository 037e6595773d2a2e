//! The job that a request asks for, decided once.

use http::Method;
use rollcall_web::Problem;

use crate::call::FUNCTIONS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Collect,
    /// One of the [`FUNCTIONS`].
    Call(&'static str),
}

impl Route {
    pub fn of<B>(request: &http::Request<B>) -> Result<Self, Problem> {
        let path = request.uri().path();
        let name = path.strip_prefix('/').unwrap_or_default();
        let function = FUNCTIONS.iter().find(|function| **function == name);
        let route = match function {
            Some(function) => Self::Call(function),
            None if path == "/collect" => Self::Collect,
            None => return Err(Problem::not_found()),
        };
        if request.method() == Method::POST {
            Ok(route)
        } else {
            Err(Problem::method_not_allowed("POST"))
        }
    }
}
