//! What a person may ask of an operator.

use utoipa::openapi::path::Operation;

use super::group::OPERATE;
use super::path::{Path, get, operation};
use crate::examples;
use crate::parameters::ip;
use crate::responses::{Error, OF_A_QUESTION, errors, json, or_sign_in, response};
use crate::security::Access;

/// A question has this path, too.
pub const IP: &str = "/admin/ips/{ip}";

pub fn stored_ip() -> Path {
    let about = "All that is stored of one IP: every path with all of its buckets, and the lists \
                 that name the IP. Response times are in milliseconds.";
    let operation = operation(
        OPERATE,
        "storedIp",
        "All that is stored of an IP",
        about,
        Access::Viewers,
        vec![ip()],
    );
    let stored = json("All that is stored.", &examples::stored_ip());
    let operation = errors(operation.response("200", stored), &OF_A_QUESTION);
    let operation = errors(operation, &[Error::NotTracked]);
    get("/admin/ips/{ip}/data", or_sign_in(operation))
}

pub fn erase() -> Operation {
    let about = "Erases one IP. Sums over all IPs keep its hits. A hit from before this request \
                 makes no state, if it comes within an hour. A later hit is of a new caller. If too \
                 many IPs were erased in the last hour, the answer is 429.";
    let operation = operation(
        OPERATE,
        "eraseIp",
        "Erase an IP",
        about,
        Access::Admins,
        vec![ip()],
    );
    let erased = response("The IP is erased, or nothing was stored of it.");
    errors(operation.response("204", erased), &OF_A_QUESTION).build()
}
