//! The trailer that says that a streamed answer is whole.
//!
//! If a component dies while it sends a body, the body ends as if it were finished. So if a stream
//! must be whole, its head names a trailer, and the trailer ends the stream. If the trailer does
//! not come, a component that passes the stream on ends it with an error.

use std::io::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::TRAILER;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame};

/// The trailer of a whole export. It says how many rows there are: `rows=3`.
pub const EXPORT_COMPLETE: HeaderName = HeaderName::from_static("export-complete");

/// The IPs that are not tracked any more, and their hits, which an export lacks: `ips=1, hits=5`.
pub const EXPORT_LACKS: HeaderName = HeaderName::from_static("export-lacks");

/// Whether the head of an answer names the trailer. The answer is whole only with the trailer.
pub fn is_announced(headers: &HeaderMap) -> bool {
    let announced = headers.get(TRAILER).map(|value| value.as_bytes());
    announced == Some(EXPORT_COMPLETE.as_str().as_bytes())
}

/// A body that ends with an error if its trailer does not come.
pub struct WithTrailer<B> {
    body: B,
    is_whole: bool,
}

impl<B> WithTrailer<B> {
    pub fn new(body: B) -> Self {
        let is_whole = false;
        Self { body, is_whole }
    }
}

impl<B> Body for WithTrailer<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let trailers = frame.trailers_ref();
                self.is_whole |= trailers.is_some_and(|all| all.contains_key(EXPORT_COMPLETE));
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(Error::other(error))),
            None if self.is_whole => None,
            None => Some(Err(Error::other("the answer broke off"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::stream;
    use http::HeaderValue;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn collect(frames: Vec<Frame<Bytes>>) -> Option<Bytes> {
        let body = StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, Error>)));
        let collected = block_on(WithTrailer::new(body).collect());
        collected.ok().map(|whole| whole.to_bytes())
    }

    #[test]
    fn a_body_without_its_trailer_ends_with_an_error() {
        let rows = || Frame::data(Bytes::from_static(b"rows"));
        let trailer = |name| {
            let value = HeaderValue::from_static("rows=1");
            Frame::trailers(HeaderMap::from_iter([(name, value)]))
        };
        let whole = collect(vec![rows(), rows(), trailer(EXPORT_COMPLETE)]);
        assert_eq!(whole.as_deref(), Some(b"rowsrows".as_slice()));
        assert_eq!(collect(vec![rows()]), None);
        assert_eq!(collect(vec![]), None);
        assert_eq!(collect(vec![rows(), trailer(http::header::ETAG)]), None);
    }
}
