//! Where IPs are, as the files of the operator say.
//!
//! An instance reads the files once, when it first counts hits. It holds them in memory.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::pin::Pin;

use rollcall_geo::{FILE_BYTES_MAX, FileKind, Places};
use rollcall_ledger::Atlas;
use rollcall_web::log;

use crate::gate;

const COUNTRIES: &str = "/files/country.mmdb";
const NETWORKS: &str = "/files/asn.mmdb";
/// Bytes read in one step.
const STEP_BYTES: u64 = 1 << 20;

thread_local! {
    /// Scope: instance.
    static PLACES: OnceCell<Option<Places>> = const { OnceCell::new() };
}

/// The files, as the ledger asks them.
pub struct Files;

impl Atlas for Files {
    fn load(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(load())
    }

    fn version(&self) -> u64 {
        with(|places| places.version()).unwrap_or(0)
    }

    fn find(&self, ip: IpAddr) -> (Option<String>, Option<String>) {
        let place = with(|places| places.of(ip)).unwrap_or_default();
        (place.country, place.network)
    }
}

fn with<T>(ask: impl FnOnce(&Places) -> T) -> Option<T> {
    PLACES.with(|places| places.get()?.as_ref().map(ask))
}

async fn load() {
    if PLACES.with(|places| places.get().is_some()) {
        return;
    }
    let mut left_out = None;
    let places = loop {
        let wants = |kind| left_out != Some(kind);
        let countries = read(COUNTRIES, wants(FileKind::Countries)).await;
        let networks = read(NETWORKS, wants(FileKind::Networks)).await;
        match (Places::new(countries, networks), left_out) {
            (Ok(places), _) => break Some(places),
            // A file that cannot be used is left out. The other one counts.
            (Err(bad), None) => {
                log!(Error, "file-not-used", reason = bad);
                left_out = Some(bad.kind);
            }
            (Err(bad), Some(_)) => {
                log!(Error, "file-not-used", reason = bad);
                break None;
            }
        }
    };
    // Another task of the instance may have been first.
    PLACES.with(|known| _ = known.get_or_init(|| places));
}

/// The content of a file. None: it is not wanted, is not there, or cannot be read.
async fn read(path: &str, is_wanted: bool) -> Option<Vec<u8>> {
    if !is_wanted {
        return None;
    }
    match read_in_steps(path).await {
        Ok(content) => Some(content),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            log!(Error, "file-not-used", file = path, reason = error);
            None
        }
    }
}

/// Reads at most one byte more than a file may have.
async fn read_in_steps(path: &str) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut content = Vec::new();
    while content.len() <= FILE_BYTES_MAX {
        gate::give_way().await;
        if file.by_ref().take(STEP_BYTES).read_to_end(&mut content)? == 0 {
            break;
        }
    }
    Ok(content)
}
