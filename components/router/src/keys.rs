//! Which token is good for what.

use rollcall_web::auth::Tokens;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads the metrics. Always a program: there are no such sessions.
    Metrics,
    /// Reads.
    Viewer,
    /// Reads, and changes what can be changed.
    Admin,
}

/// The tokens that let in to the admin side, by role.
pub struct Keys {
    pub admin: Tokens,
    pub viewer: Tokens,
    pub metrics: Tokens,
}

impl Keys {
    pub async fn configured() -> Self {
        Self {
            admin: Tokens::configured("admin_token").await,
            viewer: Tokens::configured("viewer_token").await,
            metrics: Tokens::configured("metrics_token").await,
        }
    }

    /// What a token is good for. One that is in several lists is good for the most of it.
    pub fn role(&self, token: &str) -> Option<Role> {
        let (admin, viewer) = (self.admin.contain(token), self.viewer.contain(token));
        match (admin, viewer, self.metrics.contain(token)) {
            (true, _, _) => Some(Role::Admin),
            (false, true, _) => Some(Role::Viewer),
            (false, false, true) => Some(Role::Metrics),
            (false, false, false) => None,
        }
    }

    /// The tokens of a role.
    pub fn of(&self, role: Role) -> &Tokens {
        match role {
            Role::Admin => &self.admin,
            Role::Viewer => &self.viewer,
            Role::Metrics => &self.metrics,
        }
    }
}
