//! A body that is passed through as it comes. Its bytes are counted.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Calls a function with the number of bytes that passed, when the body is dropped: at its end, or
/// when it broke off.
pub struct Metered<B> {
    body: B,
    bytes: u64,
    at_end: Option<Box<dyn FnOnce(u64) + Send>>,
}

impl<B> Metered<B> {
    pub fn new(body: B, at_end: impl FnOnce(u64) + Send + 'static) -> Self {
        Self {
            body,
            bytes: 0,
            at_end: Some(Box::new(at_end)),
        }
    }
}

impl<B> Drop for Metered<B> {
    fn drop(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end(self.bytes);
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Metered<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use futures::executor::block_on;
    use futures::stream;
    use http::HeaderMap;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn metered(
        frames: Vec<Result<Frame<Bytes>, &'static str>>,
    ) -> (
        impl Body<Data = Bytes, Error = &'static str> + Unpin,
        Receiver<u64>,
    ) {
        let (told, counted) = channel();
        let body = StreamBody::new(stream::iter(frames));
        (
            Metered::new(body, move |bytes| told.send(bytes).unwrap()),
            counted,
        )
    }

    fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn a_body_passes_unchanged_and_its_data_are_counted_once() {
        let trailers = HeaderMap::from_iter([(http::header::ETAG, "x".parse().unwrap())]);
        let frames = vec![
            data("four"),
            data(""),
            data("more"),
            Ok(Frame::trailers(trailers.clone())),
        ];
        let (body, counted) = metered(frames);
        assert!(counted.try_recv().is_err());
        let whole = block_on(body.collect()).unwrap();
        assert_eq!(whole.trailers(), Some(&trailers));
        assert_eq!(whole.to_bytes(), "fourmore");
        assert_eq!(counted.iter().collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn a_body_that_breaks_off_counts_with_the_bytes_that_passed() {
        let (body, counted) = metered(vec![data("four"), Err("broke off")]);
        assert_eq!(block_on(body.collect()).unwrap_err(), "broke off");
        assert_eq!(counted.iter().collect::<Vec<_>>(), [4]);
        let (mut body, counted) = metered(vec![data("four"), data("more")]);
        block_on(body.frame()).unwrap().unwrap();
        drop(body);
        assert_eq!(counted.iter().collect::<Vec<_>>(), [4]);
    }
}
