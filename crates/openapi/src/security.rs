//! Who may send a request: tokens and sessions.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

const INGEST: &str = "ingestToken";
const METRICS: &str = "metricsToken";
const VIEWER: &str = "viewerToken";
const ADMIN: &str = "adminToken";
const SESSION: &str = "session";

/// The clients that an operation lets in. One of the schemes is enough.
#[derive(Clone, Copy)]
pub enum Access {
    /// Every client.
    Open,
    Gateways,
    Scrapers,
    Viewers,
    Admins,
}

impl Access {
    pub fn requirements(self) -> Vec<SecurityRequirement> {
        let names: &[&str] = match self {
            Self::Open => &[],
            Self::Gateways => &[INGEST],
            Self::Scrapers => &[METRICS, ADMIN, VIEWER, SESSION],
            Self::Viewers => &[ADMIN, VIEWER, SESSION],
            Self::Admins => &[ADMIN, SESSION],
        };
        let names = names.iter();
        names
            .map(|name| SecurityRequirement::new::<&str, [&str; 0], &str>(name, []))
            .collect()
    }
}

pub fn schemes() -> [(&'static str, SecurityScheme); 5] {
    let bearer = |description: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        SecurityScheme::Http(http.description(Some(description)).build())
    };
    let cookie = ApiKeyValue::with_description(
        "rollcall_session",
        "The cookie of a session. `POST /admin/sign-in` sets it. Over HTTPS its name is \
         `__Host-rollcall_session`. It gives the same access as the token that began the session. \
         If a request has this cookie and is not a `GET`, it must come from a page of the same \
         origin: its `Sec-Fetch-Site` is `same-origin`. If that header is absent, its `Origin` \
         names the host that was asked.",
    );
    [
        (
            ADMIN,
            bearer(
                "One of the tokens in `admin_token`. It may read and change everything under \
                 `/admin/`.",
            ),
        ),
        (
            VIEWER,
            bearer("One of the tokens in `viewer_token`. It may read."),
        ),
        (
            METRICS,
            bearer(
                "One of the tokens in `metrics_token`. It may read the metrics, and nothing else.",
            ),
        ),
        (
            INGEST,
            bearer("One of the tokens in `ingest_token`. It may record hits."),
        ),
        (SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
    ]
}
