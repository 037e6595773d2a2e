//! Who may ask: tokens and sessions.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

const INGEST: &str = "ingestToken";
const METRICS: &str = "metricsToken";
const VIEWER: &str = "viewerToken";
const ADMIN: &str = "adminToken";
const SESSION: &str = "session";

/// Who may ask. One of the schemes is enough.
#[derive(Clone, Copy)]
pub enum Access {
    /// Everybody.
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
        "The cookie of a session, which `POST /admin/sign-in` sets; over HTTPS its name is `__Host-rollcall_session`. It lets in as the \
         token that it began with. A request with it that is not a `GET` must come from a page of the same origin: its `Sec-Fetch-Site` \
         is `same-origin` or, where that is absent, its `Origin` names the host that was asked.",
    );
    [
        (
            ADMIN,
            bearer("One of the tokens in `admin_token`: reads, and changes what can be changed."),
        ),
        (
            VIEWER,
            bearer("One of the tokens in `viewer_token`: reads."),
        ),
        (
            METRICS,
            bearer("One of the tokens in `metrics_token`: reads the metrics, and nothing else."),
        ),
        (
            INGEST,
            bearer("One of the tokens in `ingest_token`: records hits."),
        ),
        (SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
    ]
}
