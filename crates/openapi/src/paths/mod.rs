//! Every path, by group. A group is a file, and a path is a function.

mod backup;
mod collect;
mod documents;
mod export;
mod group;
mod open;
mod operations;
mod path;
mod privacy;
mod questions;
mod sign_in;

use rollcall_tally::DocumentKind;
use utoipa::openapi::path::{HttpMethod, Paths};

pub use group::{OPERATE, groups};
pub use path::operation;

pub fn every() -> Paths {
    let mut every = vec![collect::collect(), collect::beacon()];
    every.extend(questions::surveys());
    every.extend([
        export::export(),
        questions::aggregator_status(),
        operations::metrics(),
        operations::prewarm(),
        operations::verify(),
        backup::backup(),
        backup::restore(),
        backup::part(),
        operations::check_alerts(),
        operations::openapi(),
        collect::batch(),
        privacy::stored_ip(),
        documents::test_rule(),
        documents::list(),
        documents::report(),
        sign_in::sign_in(),
        sign_in::sign_out(),
        open::home(),
        open::healthz(),
    ]);
    every.extend(DocumentKind::EVERY.into_iter().flat_map(documents::of_kind));
    let mut paths = Paths::new();
    paths.paths.extend(
        every
            .into_iter()
            .map(|(path, item)| (path.to_owned(), item)),
    );
    let sent = documents::send_report();
    paths.add_path_operation("/admin/report", vec![HttpMethod::Post], sent);
    paths.add_path_operation(privacy::IP, vec![HttpMethod::Delete], privacy::erase());
    paths
}
