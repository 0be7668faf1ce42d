//! Takes a request's body in whole, within a size and a time, however it is framed.
//!
//! Every door needs all of a body before it can do anything (a signature covers it), and no body here is large, so
//! reading it before the handler runs costs nothing and gives one place for the limits: with a Content-Length, in
//! chunks (npm duo_api sends those), and for a client that trickles.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use super::failure::Failure;

/// How much a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// In bytes.
    pub(crate) bytes: usize,
    /// From first to last byte.
    pub(crate) time: Duration,
}

/// How much more of a body that is too large is read and thrown away, so that a client that sends before it reads sees
/// the answer and not a broken connection: this many times the limit.
const THROWN_AWAY: usize = 4;

/// Reads it.
///
/// # Errors
/// The [`Failure`] that the client is told.
pub(crate) async fn collect(body: Body, limits: BodyLimits) -> Result<Bytes, Failure> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = body.size_hint().lower();
    tokio::time::timeout(limits.time, read(body, announced, limits.bytes)).await.unwrap_or(Err(Failure::BodyTimeout))
}

async fn read(mut body: Body, announced: u64, limit: usize) -> Result<Bytes, Failure> {
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(throw_away(body, 0, announced, limit).await);
    }
    // Nearly every body comes in one piece: it is handed on as it is.
    let first = match next(&mut body).await? {
        Some(first) if first.len() > limit => return Err(throw_away(body, first.len(), announced, limit).await),
        Some(first) if body.is_end_stream() => return Ok(first),
        Some(first) => first,
        None => return Ok(Bytes::new()),
    };
    let mut whole = BytesMut::with_capacity(announced.max(first.len()));
    whole.extend_from_slice(&first);
    while let Some(more) = next(&mut body).await? {
        if whole.len() + more.len() > limit {
            return Err(throw_away(body, whole.len() + more.len(), announced, limit).await);
        }
        whole.extend_from_slice(&more);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(Failure::BodyBroken),
            Some(Ok(frame)) => {
                // Trailers mean nothing to anyone here.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

async fn throw_away(mut body: Body, mut seen: usize, announced: usize, limit: usize) -> Failure {
    let most = limit.saturating_mul(THROWN_AWAY);
    // One that announces more than will be thrown away is answered at once: it may be waiting for a 100-continue.
    while announced <= most && seen <= most {
        match next(&mut body).await {
            Ok(Some(data)) => seen += data.len(),
            _ => break,
        }
    }
    Failure::BodyTooLarge(limit)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { bytes: 10, time: Duration::from_millis(50) };

    fn chunks(chunks: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(chunks).map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes()))))
    }

    #[tokio::test]
    async fn whole_bodies_come_through_however_they_are_framed() {
        assert_eq!(collect(Body::empty(), LIMITS).await, Ok(Bytes::new()));
        assert_eq!(collect(Body::from("0123456789"), LIMITS).await, Ok(Bytes::from("0123456789")));
        assert_eq!(collect(chunks(&["0123", "45", "6789"]), LIMITS).await, Ok(Bytes::from("0123456789")));
        assert_eq!(collect(chunks(&[]), LIMITS).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn one_byte_too_many_is_too_large_however_it_is_framed() {
        let too_large = Err(Failure::BodyTooLarge(10));
        assert_eq!(collect(Body::from("0123456789a"), LIMITS).await, too_large);
        assert_eq!(collect(chunks(&["0123456789", "a"]), LIMITS).await, too_large);
        assert_eq!(collect(chunks(&["0123456789a"]), LIMITS).await, too_large);
        assert_eq!(collect(Body::from("x".repeat(1000)), LIMITS).await, too_large);
    }

    #[tokio::test]
    async fn a_body_that_stops_or_breaks_is_told_apart() {
        let stuck = stream::iter([Ok::<_, Infallible>(Bytes::from("x"))]).chain(stream::pending());
        assert_eq!(collect(Body::from_stream(stuck), LIMITS).await, Err(Failure::BodyTimeout));
        let broken = stream::iter([Ok(Bytes::from("x")), Err(std::io::Error::other("gone"))]);
        assert_eq!(collect(Body::from_stream(broken), LIMITS).await, Err(Failure::BodyBroken));
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from("xxxx")));
        assert_eq!(collect(Body::from_stream(endless), LIMITS).await, Err(Failure::BodyTooLarge(10)));
    }
}
