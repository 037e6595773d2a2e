//! Sessions of people.

use http::StatusCode;
use rollcall_web::Problem;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Required, ResponseBuilder};

use super::group::SIGN_IN;
use super::path::{Path, operation, post};
use crate::bodies::SignIn;
use crate::examples::value;
use crate::parameters::{header, query};
use crate::refs;
use crate::responses::{Error, content, errors, problem, response, text, with_headers};
use crate::security::Access;
use crate::shapes;

pub fn sign_in() -> Path {
    let mut path = PathItem::new(HttpMethod::Get, page());
    path.post = Some(begin());
    ("/admin/sign-in", path)
}

fn page() -> Operation {
    let next = query(
        "next",
        "The page to go to after signing in: a path under `/admin/`.",
        shapes::of(Type::String),
    );
    let about = "The page where people sign in, with a token of an admin or viewer. If a browser \
                 opens a page without a session, it is redirected here.";
    let operation = operation(
        SIGN_IN,
        "signInPage",
        "The sign-in page",
        about,
        Access::Open,
        vec![next.build()],
    );
    let operation = operation.response("200", html("The page."));
    errors(operation, &[Error::NotAllowed]).build()
}

fn begin() -> Operation {
    let about = "Begins a session of 12 hours. The session ends sooner if its token is no longer \
                 configured. The request must come from a page of the same origin.";
    let operation = operation(
        SIGN_IN,
        "signIn",
        "Sign in",
        about,
        Access::Open,
        from_our_own(),
    );
    let example = SignIn {
        token: "a token".to_owned(),
        next: "/admin/".to_owned(),
    };
    let form = content(refs::of::<SignIn>(), value(&example));
    let form = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content("application/x-www-form-urlencoded", form);
    let there = with_headers(
        response("Signed in. The client goes on to `next`."),
        &["Location", "Set-Cookie"],
    );
    let unknown = with_headers(
        html("The token is not known. The answer is the page again, half a second later."),
        &["WWW-Authenticate"],
    );
    let too_many = with_headers(
        html(
            "The token is not known, and too many other requests with an unknown token wait. The \
             answer is the page again.",
        ),
        &["Retry-After"],
    );
    let operation = operation
        .request_body(Some(form.build()))
        .response("303", there)
        .response("401", unknown)
        .response("429", too_many)
        .response("403", cross_site());
    errors(
        operation,
        &[Error::NotAllowed, Error::TooLarge, Error::TooSlow],
    )
    .build()
}

pub fn sign_out() -> Path {
    let about = "Removes the cookie from the browser. A copy of the cookie stays valid. The \
                 request must come from a page of the same origin.";
    let operation = operation(
        SIGN_IN,
        "signOut",
        "Sign out",
        about,
        Access::Open,
        from_our_own(),
    );
    let there = with_headers(
        response("Signed out. The client goes on to the sign-in page."),
        &["Location", "Set-Cookie"],
    );
    let operation = operation
        .response("303", there)
        .response("403", cross_site());
    post("/admin/sign-out", errors(operation, &[Error::NotAllowed]))
}

/// The headers that say which page a request comes from. The browser sets them.
fn from_our_own() -> Vec<Parameter> {
    let site = query(
        "Sec-Fetch-Site",
        "The browser's word on the page that the request comes from. It must be `same-origin`.",
        shapes::of(Type::String),
    );
    let site = site.parameter_in(ParameterIn::Header);
    let origin = header(
        "Origin",
        "If `Sec-Fetch-Site` is absent, this must name the host that was asked.",
    );
    vec![site.build(), origin]
}

fn cross_site() -> ResponseBuilder {
    let example = Problem::new(
        StatusCode::FORBIDDEN,
        "The request does not come from a page of this server.",
    );
    problem(
        "The request does not come from a page of the same origin.",
        &example,
    )
}

fn html(about: &str) -> ResponseBuilder {
    response(about).content("text/html", text("<!doctype html>…"))
}
