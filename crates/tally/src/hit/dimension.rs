//! Properties that a hit may tell beside its path, each counted over all IPs.

use serde::{Deserialize, Serialize};

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
}

impl Dimension {
    pub const COUNT: usize = 6;
    pub const EVERY: [Self; Self::COUNT] = [
        Self::Network,
        Self::Host,
        Self::Consumer,
        Self::Protocol,
        Self::Referrer,
        Self::Bot,
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
        let Self([network, host, consumer, protocol, referrer, bot]) = self;
        match dimension {
            Dimension::Network => network,
            Dimension::Host => host,
            Dimension::Consumer => consumer,
            Dimension::Protocol => protocol,
            Dimension::Referrer => referrer,
            Dimension::Bot => bot,
        }
    }

    pub fn get_mut(&mut self, dimension: Dimension) -> &mut T {
        let Self([network, host, consumer, protocol, referrer, bot]) = self;
        match dimension {
            Dimension::Network => network,
            Dimension::Host => host,
            Dimension::Consumer => consumer,
            Dimension::Protocol => protocol,
            Dimension::Referrer => referrer,
            Dimension::Bot => bot,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Dimension, &T)> {
        Dimension::EVERY.into_iter().zip(&self.0)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Dimension, &mut T)> {
        Dimension::EVERY.into_iter().zip(&mut self.0)
    }
}
