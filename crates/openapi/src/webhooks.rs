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
    let about = "Sent to `alert_webhook_url` when a rule fires, again after each cool-down, and \
                 once when the alert is over. After a 429, a 5xx, a failed connection, or two \
                 seconds without an answer, it is sent again, under the same `Rollcall-Delivery`. \
                 So it may come twice.";
    let delivery = "The `id` of the notification.";
    let signature = "`t=UNIX,v1=HEX`: the HMAC-SHA256 of `UNIX.body`, by `alert_webhook_secret`. \
                     Absent if there is no secret.";
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
        "Notification of an alert",
        about,
        Access::Open,
        headers,
    )
    .request_body(Some(notification.build()))
    .response("2XX", response("The receiver has the notification."))
    .response(
        "429",
        response("The notification is sent again: four times in all, and for at most six seconds."),
    )
    .response(
        "5XX",
        response("The notification is sent again, as after a 429."),
    )
    .response(
        "default",
        response(
            "The notification is not sent again. Redirects are not followed. The next check of the \
             alerts tries again.",
        ),
    )
    .build()
}
