//! The requests that the app sends by itself.

use rollcall_tally::report::AlertNotification;
use serde_json::{Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::Operation;
use utoipa::openapi::request_body::RequestBodyBuilder;

use crate::examples::{self, value};
use crate::parameters::header;
use crate::paths::{OPERATE, operation};
use crate::refs;
use crate::responses::{JSON, content, response};
use crate::security::Access;

/// Each webhook, by its name. Utoipa's document has no place for them.
///
/// # Errors
/// None is known.
pub fn every() -> serde_json::Result<Value> {
    Ok(json!({ALERT: {"post": serde_json::to_value(alert())?}}))
}

const ALERT: &str = "alert";

fn alert() -> Operation {
    let about = "Sent to `alert_webhook_url` when a rule fires, again after each cool-down, and once when it is over. After a 429, a 5xx, a \
                 connection that fails and two seconds without an answer it is sent again, under the same `Rollcall-Delivery`; so it may \
                 come twice.";
    let delivery = "The `id`.";
    let signature = "`t=UNIX,v1=HEX`: the HMAC-SHA256 of `UNIX.body`, by `alert_webhook_secret`. Left out if there is none.";
    let mut delivery = header("Rollcall-Delivery", delivery);
    delivery.required = Required::True;
    let headers = vec![delivery, header("Rollcall-Signature", signature)];
    let notification = value(&examples::alert_notification());
    let notification = content(refs::of::<AlertNotification>(), notification);
    let notification = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content(JSON, notification);
    operation(
        OPERATE,
        "alertWebhook",
        "An alert, told to a webhook",
        about,
        Access::Open,
        headers,
    )
    .request_body(Some(notification.build()))
    .response("2XX", response("The receiver has it."))
    .response(
        "429",
        response("It is sent again, four times in all and for six seconds at most."),
    )
    .response("5XX", response("Likewise."))
    .response(
        "default",
        response("Final, redirects too. The next check of the alerts begins anew."),
    )
    .build()
}
