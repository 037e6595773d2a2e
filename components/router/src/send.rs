//! Makes an answer leave in one packet.
//!
//! Spin's server sends what it has of an answer: the head, the body and the end may leave one by one.
//! It does not set `TCP_NODELAY`. So on a kept-alive connection, each part waits until the client
//! has acknowledged the part before it, and clients take 40 ms for that. An answer leaves in one
//! packet if
//!
//! - its head tells its length, because then nothing follows the body, and
//! - its body is there when the server looks for it. The server's connection is woken as soon as the
//!   head is there, and looks once. Usually it has to wait for the thread that runs this instance,
//!   and that thread takes the body over, too. But while the host reads a variable
//!   (`block_in_place`), it hands its turn to another thread. From then on, the connection does not
//!   wait for it, and finds only the head. When the host has paused this instance, it has a turn
//!   again. So a pause comes before each answer.
//!
//! An answer that is streamed cannot leave in one packet, and stays as it is.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, StatusCode};
use http_body::Body;
use rollcall_web::Reply;
use spin_sdk::wit_bindgen::yield_async;

/// At the first pause of a request, the host looks if there is more to do, and may go on without a
/// pause. At the second, it does pause.
const PAUSES: usize = 2;

/// Makes an answer leave in one packet, if it is in memory.
pub async fn at_once(reply: &mut Reply) {
    if tell_length(reply) {
        for _ in 0..PAUSES {
            yield_async().await;
        }
    }
}

/// Writes the length of the body into the head. False if the length is not known, because the body
/// is streamed, or if answers of this status have no body.
fn tell_length(reply: &mut Reply) -> bool {
    let has_none = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    let length = reply.body().size_hint().exact();
    match length.filter(|_| !has_none.contains(&reply.status())) {
        Some(length) => {
            let length = HeaderValue::from(length);
            reply.headers_mut().insert(CONTENT_LENGTH, length);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use rollcall_web::reply;
    use spin_sdk::http::box_body;

    use super::*;

    #[test]
    fn the_length_of_a_body_in_memory_is_told() {
        let check = |mut reply: Reply, expect: Option<&str>| {
            assert_eq!(tell_length(&mut reply), expect.is_some());
            let told = reply.headers().get(CONTENT_LENGTH);
            assert_eq!(told.map(|told| told.to_str().unwrap()), expect);
        };
        check(reply::full(StatusCode::OK, "text/plain", "four"), Some("4"));
        check(reply::empty(StatusCode::SEE_OTHER), Some("0"));
        check(reply::empty(StatusCode::NOT_MODIFIED), None);
        check(reply::empty(StatusCode::NO_CONTENT), None);
        let frame = Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"four")));
        let streamed = StreamBody::new(stream::iter([frame]));
        check(Reply::new(box_body(streamed)), None);
    }
}
