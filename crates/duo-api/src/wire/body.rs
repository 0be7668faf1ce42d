//! Taking a request's body in.

use super::ApiError;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Collects a body of at most `limit` bytes, whether or not the client said how long it is: the npm client sends every
/// POST chunked. At most `limit` bytes are held, whatever is sent. Time is the server's to limit.
///
/// # Errors
/// 40002 when it is longer, or when the client stops in the middle.
pub async fn collect(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::invalid_parameter("The body is too long.")),
        Err(_) => Err(ApiError::invalid_parameter("The body did not arrive whole.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    fn chunked(chunks: Vec<Result<&'static str, io::Error>>) -> Body {
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn constraint_6_a_chunked_body_without_a_length_is_collected() {
        let body = chunked(vec![Ok("user"), Ok(""), Ok("name=anna"), Ok("&factor=push")]);
        assert_eq!(collect(body, 1024).await, Ok(Bytes::from_static(b"username=anna&factor=push")));
    }

    #[tokio::test]
    async fn a_body_is_as_long_as_the_limit_and_no_longer() {
        assert_eq!(collect(chunked(vec![Ok("12"), Ok("34")]), 4).await, Ok(Bytes::from_static(b"1234")));
        let error = collect(chunked(vec![Ok("12"), Ok("345")]), 4).await.unwrap_err();
        assert_eq!((error.code(), error.detail()), (40_002, "The body is too long."));
    }

    #[tokio::test]
    async fn an_endless_body_is_given_up_at_the_limit() {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let endless = stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, io::Error>(Bytes::from_static(&[b'a'; 100]))
        });
        assert!(collect(Body::from_stream(endless), 1000).await.is_err());
        assert!(taken.load(Ordering::SeqCst) <= 12);
    }

    #[tokio::test]
    async fn a_client_that_stops_in_the_middle_is_refused() {
        let body = chunked(vec![Ok("a="), Err(io::Error::other("reset"))]);
        assert_eq!(collect(body, 1024).await.map_err(|error| error.code()), Err(40_002));
    }
}
