//! Where an address is: its country, and the network that it belongs to.
//!
//! Both come from files in the format of MaxMind (`.mmdb`), which the operator chooses. The crate
//! is pure: the files are given as bytes.
//!
//! It reads these records, whatever type of data the file says that it has:
//!
//! | | country | network |
//! |---|---|---|
//! | GeoLite2, GeoIP2, DB-IP | `country.iso_code`, else `registered_country.iso_code` | `autonomous_system_number`, `autonomous_system_organization` |
//! | ip-location-db | `country_code` | the same |
//! | IPinfo | `country_code` | `asn` (`AS13335`), `as_name` |

mod file;
mod places;
mod record;

pub use file::{BadFile, FILE_BYTES_MAX, FileKind};
pub use places::{Place, Places};
pub use record::NETWORK_BYTES_MAX;

#[cfg(test)]
mod tests;
