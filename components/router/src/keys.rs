//! The roles of the tokens.

use rollcall_web::auth::Tokens;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads the metrics. This is always a program: no session has this role.
    Metrics,
    /// Reads.
    Viewer,
    /// Reads, and makes changes.
    Admin,
}

/// The tokens of the admin side, by role.
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

    /// The role of a token. A token that is in several lists has the role that may do the most.
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
