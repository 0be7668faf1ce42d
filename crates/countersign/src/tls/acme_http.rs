//! The ACME client's HTTP: the one HTTP client that the process has anyway.

use std::{future::Future, path::Path, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

use super::{acme::AcmeError, error::TlsError, identity::read};

/// For each request to the authority.
const PATIENCE: Duration = Duration::from_secs(30);

/// The client.
pub(crate) struct AcmeHttp(reqwest::Client);

impl AcmeHttp {
    /// One that trusts `ca` only, or else the system's authorities.
    ///
    /// # Errors
    /// When `ca` can't be read.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, TlsError> {
        let mut client = reqwest::Client::builder()
            .https_only(true)
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            // One order every few weeks: nothing to keep open between.
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(5));
        if let Some(path) = ca {
            let certificates = reqwest::Certificate::from_pem_bundle(&read(path)?)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| TlsError::NoCertificate(path.to_owned()))?;
            client = client.tls_certs_only(certificates);
        }
        Ok(Self(client.build().map_err(|error| AcmeError::Http(error.to_string()))?))
    }
}

impl HttpClient for AcmeHttp {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let request = reqwest::Request::try_from(Request::from_parts(head, body)).map_err(other)?;
            let response = client.execute(request).await.map_err(other)?;
            Ok(BytesResponse::from(Response::<reqwest::Body>::from(response)))
        })
    }
}

/// The error with its causes: "error sending request" alone helps nobody.
fn other(error: reqwest::Error) -> Error {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Error::Other(text.into())
}
