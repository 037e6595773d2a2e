//! Properties that a hit may tell beside its path, each counted over all IPs.

use serde::{Deserialize, Serialize};

use crate::status::{StatusClass, StatusCount};

/// A property of hits. Each of its values is counted over all IPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dimension {
    /// The network that the IP belongs to. A hit does not tell it: the IP is looked up.
    Network,
    /// The host that was asked for.
    Host,
    /// Who the gateway says called: the name of a key, never the key.
    Consumer,
    /// As `HTTP/2`.
    Protocol,
    /// The host of the page that led here.
    Referrer,
    /// The name of the program, if the user agent is that of a bot.
    Bot,
    /// The name of the program by its user agent, without a version.
    UserAgent,
    /// The hour of the week on the clocks of the store. A hit does not tell it: its time does.
    HourOfWeek,
}

impl Dimension {
    pub const COUNT: usize = 8;
    pub const EVERY: [Self; Self::COUNT] = [
        Self::Network,
        Self::Host,
        Self::Consumer,
        Self::Protocol,
        Self::Referrer,
        Self::Bot,
        Self::UserAgent,
        Self::HourOfWeek,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Host => "host",
            Self::Consumer => "consumer",
            Self::Protocol => "protocol",
            Self::Referrer => "referrer",
            Self::Bot => "bot",
            Self::UserAgent => "userAgent",
            Self::HourOfWeek => "hourOfWeek",
        }
    }

    /// Whether a caller or a gateway chooses the names. Then there may be any number of them.
    pub fn is_told(self) -> bool {
        !matches!(self, Self::Network | Self::HourOfWeek)
    }
}

/// How hits are put into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grouping {
    Path,
    Ip,
    StatusCode,
    StatusClass,
    Method,
    /// The country that the IP told last.
    Country,
    Of(Dimension),
}

impl Grouping {
    pub const EVERY: [Self; 14] = [
        Self::Path,
        Self::Ip,
        Self::StatusCode,
        Self::StatusClass,
        Self::Method,
        Self::Country,
        Self::Of(Dimension::Network),
        Self::Of(Dimension::Host),
        Self::Of(Dimension::Consumer),
        Self::Of(Dimension::Protocol),
        Self::Of(Dimension::Referrer),
        Self::Of(Dimension::Bot),
        Self::Of(Dimension::UserAgent),
        Self::Of(Dimension::HourOfWeek),
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Ip => "ip",
            Self::StatusCode => "statusCode",
            Self::StatusClass => "statusClass",
            Self::Method => "method",
            Self::Country => "country",
            Self::Of(dimension) => dimension.name(),
        }
    }

    /// Whether the groups are of statuses. Bytes and response times are not kept by status.
    pub fn is_of_status(self) -> bool {
        matches!(self, Self::StatusCode | Self::StatusClass)
    }

    /// The name of the group that hits of this status are in.
    pub fn name_of(self, status: &StatusCount) -> String {
        match self {
            Self::StatusClass => StatusClass::of_code(status.code).name().to_owned(),
            _ => status.name(),
        }
    }

    /// Whether the states of the IPs know these groups.
    pub fn is_known_of_ips(self) -> bool {
        match self {
            Self::Of(dimension) => dimension == Dimension::Network,
            _ => true,
        }
    }
}

/// A value for each dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByDimension<T>([T; Dimension::COUNT]);

impl<T> ByDimension<T> {
    pub fn from_fn(mut value: impl FnMut(Dimension) -> T) -> Self {
        Self(Dimension::EVERY.map(&mut value))
    }

    pub fn get(&self, dimension: Dimension) -> &T {
        // The order of the values is that of the variants.
        let Self(
            [
                network,
                host,
                consumer,
                protocol,
                referrer,
                bot,
                user_agent,
                hour,
            ],
        ) = self;
        match dimension {
            Dimension::Network => network,
            Dimension::Host => host,
            Dimension::Consumer => consumer,
            Dimension::Protocol => protocol,
            Dimension::Referrer => referrer,
            Dimension::Bot => bot,
            Dimension::UserAgent => user_agent,
            Dimension::HourOfWeek => hour,
        }
    }

    pub fn get_mut(&mut self, dimension: Dimension) -> &mut T {
        let Self(
            [
                network,
                host,
                consumer,
                protocol,
                referrer,
                bot,
                user_agent,
                hour,
            ],
        ) = self;
        match dimension {
            Dimension::Network => network,
            Dimension::Host => host,
            Dimension::Consumer => consumer,
            Dimension::Protocol => protocol,
            Dimension::Referrer => referrer,
            Dimension::Bot => bot,
            Dimension::UserAgent => user_agent,
            Dimension::HourOfWeek => hour,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Dimension, &T)> {
        Dimension::EVERY.into_iter().zip(&self.0)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Dimension, &mut T)> {
        Dimension::EVERY.into_iter().zip(&mut self.0)
    }
}
