//! Telling applications that a session is over, from this server to theirs: saml-profiles §4.4.3.2 without a browser.
//!
//! By SOAP an application says whether it has heard, and is believed as in any other message: within limits, signed, for us, fresh, and an
//! answer to this very request. Where an application has no address for SOAP, and its administrator says that it ends sessions without the
//! browser's cookie, it gets what a browser would have brought, and any answer of HTTP that is none of an error is a yes.

use crate::{
    error::Refused,
    flow::{
        answer::sign,
        incoming::{self, LIMITS},
        propagate::address,
    },
    message::{
        logout::{self, LogoutResponse},
        name_id::NameId,
        new_id,
        response::Envelope,
        soap,
    },
    time,
};
use outbound::{FetchError, Fetched, Outbound, Request};
use sso::{
    Messenger, Protocol, RelyingParty, Sso, SsoError,
    delivery::Outcome,
    logouts::judged,
    party::{BackLogout, Binding, LogoutEndpoint, SamlParty},
};
use std::sync::Arc;
use store::LogoutDeliveryRow;
use types::Millis;
use xmlsig::{
    Document, SigningKey, Xml, post,
    redirect::{self, Parameter},
};

/// What is read of a page that an application shows to whom it takes for a browser, in bytes.
const LONGEST_PAGE: usize = 1024 * 1024;
/// Nobody may keep it: it names a person.
const HEADERS: [(&str, &str); 2] = [("Cache-Control", "no-cache, no-store"), ("Pragma", "no-cache")];

/// Tells service providers that can be told so.
pub struct BackChannel {
    sso: Arc<Sso>,
    outbound: Outbound,
}

impl BackChannel {
    /// Signs by `sso`, and asks by `outbound`.
    #[must_use]
    pub fn new(sso: &Arc<Sso>, outbound: Outbound) -> Self {
        Self { sso: Arc::clone(sso), outbound }
    }
}

#[async_trait::async_trait]
impl Messenger for BackChannel {
    fn protocol(&self) -> Protocol {
        Protocol::Saml
    }

    async fn tell(&self, owed: &LogoutDeliveryRow, party: &RelyingParty) -> Result<Outcome, SsoError> {
        let Some(settings) = party.saml() else { return Ok(Outcome::Done) };
        // Those that can only be told by a browser are, if there is one.
        let Some(way) = settings.back_logout() else { return Ok(Outcome::Done) };
        let Some(name) = self.sso.told_as(owed).await?.as_ref().and_then(NameId::of_participant) else {
            return Ok(Outcome::Done);
        };
        let Some(tenant) = self.sso.store().tenant(owed.tenant).row().await? else { return Ok(Outcome::Done) };
        let origin = self.sso.issuer(&tenant.api_host);
        let now = self.sso.world().now();
        // Another at each try: who has heard, and whose answer was lost, must not take it for a replay.
        let id = new_id(self.sso.world());
        let envelope = Envelope {
            id: &id,
            issuer: &format!("{origin}/saml/metadata"),
            destination: match way {
                BackLogout::Soap(url) => url,
                BackLogout::Direct(endpoint) => &endpoint.url,
            },
            in_response_to: None,
            issued: now,
        };
        let xml = logout::request(&envelope, now + time::REQUEST_LIFE, None, &name, &owed.sid);
        let key = self.sso.signing().saml_signer(party.tenant()).await?;
        let (tenant, ikey) = (owed.tenant, owed.ikey.as_str());
        let outcome = match way {
            BackLogout::Soap(url) => match self.ask(url, &xml, &id, &key).await? {
                Ok(answer) if answer.status == 200 => {
                    let heard = heard(&answer.body, &id, party, settings, &origin, self.sso.world().now());
                    heard.unwrap_or_else(|refused| {
                        tracing::warn!(%tenant, ikey, why = refused.word(), "an application's answer to a logout doesn't count");
                        Outcome::Failed
                    })
                }
                // Nobody has said so in SOAP.
                got => judged(got, owed, 0..0),
            },
            BackLogout::Direct(endpoint) => judged(self.bring(endpoint, &xml, &id, &key).await?, owed, 200..400),
        };
        crate::door::count("logout_behind", outcome.word());
        Ok(outcome)
    }
}

impl BackChannel {
    /// By SOAP.
    async fn ask(
        &self,
        url: &str,
        xml: &Xml,
        id: &str,
        key: &SigningKey,
    ) -> Result<Result<Fetched, FetchError>, SsoError> {
        let message = soap::wrap(xml, id, key).map_err(unsaid)?;
        let [cache, pragma] = HEADERS;
        let headers = [("SOAPAction", soap::ACTION), ("Accept", "text/xml"), cache, pragma];
        let request = Request::post(url, soap::MEDIA, message.as_str().as_bytes().to_vec());
        Ok(self.outbound.send(request.with_headers(&headers).up_to(LIMITS.bytes)).await)
    }

    /// As a browser would.
    async fn bring(
        &self,
        endpoint: &LogoutEndpoint,
        xml: &Xml,
        id: &str,
        key: &SigningKey,
    ) -> Result<Result<Fetched, FetchError>, SsoError> {
        Ok(match endpoint.binding {
            Binding::Redirect => {
                let message = xml.render().map_err(unsaid)?;
                let query = redirect::encode(Parameter::Request, &message, None, Some(key)).map_err(unsaid)?;
                let url = address(&endpoint.url, &query);
                self.outbound.send(Request::get(&url).with_headers(&HEADERS).up_to(LONGEST_PAGE)).await
            }
            Binding::Post => {
                let body = form(&post::encode(sign(xml, id, key).map_err(unsaid)?.as_str()));
                let request = Request::post(&endpoint.url, "application/x-www-form-urlencoded", body);
                self.outbound.send(request.with_headers(&HEADERS).up_to(LONGEST_PAGE)).await
            }
        })
    }
}

/// A form with the request in it.
fn form(encoded: &str) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).append_pair("SAMLRequest", encoded).finish().into_bytes()
}

/// A message that can't be written: a name of a person in what is kept, perhaps.
fn unsaid<E>(_: E) -> SsoError {
    SsoError::Damaged("logout message")
}

/// What an answer says, that came on the line of the request `asked`; why it isn't believed.
pub(crate) fn heard(
    octets: &[u8],
    asked: &str,
    party: &RelyingParty,
    settings: &SamlParty,
    origin: &str,
    now: Millis,
) -> Result<Outcome, Refused> {
    let document = Document::parse(octets, &LIMITS)?;
    let message = soap::open(&document)?;
    // Who can't sign at all is known by the line alone; a signature that is there is looked at.
    let response = if settings.want_signed_logout || xmlsig::is_signed(message) {
        LogoutResponse::read(incoming::verified(message, settings)?.root())?
    } else {
        LogoutResponse::read(message)?
    };
    if response.head.issuer != party.key {
        return Err(Refused::UnknownParty);
    }
    if response.head.destination.as_ref().is_some_and(|to| *to != format!("{origin}/saml/slo")) {
        return Err(Refused::Destination);
    }
    if !time::is_fresh(response.head.issued, now) {
        return Err(Refused::Expired);
    }
    if response.in_response_to != asked {
        return Err(Refused::NobodyAsked);
    }
    Ok(if response.success { Outcome::Done } else { Outcome::Refused })
}
