//! The request: sends a browser to the provider.

use types::World;
use xmlsig::{Xml, ns, post, redirect, sign};

use super::{Binding, Provider, SamlError, Service, times};

/// What is asked of the provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// The person proves who they are anew.
    pub force: bool,
    /// Nobody is to be asked anything.
    pub passive: bool,
    /// Kinds of authentication (`AuthnContextClassRef`), one of which it must be. Check it in the answer, too
    /// ([`Expect::contexts`](super::Expect)).
    pub contexts: &'a [&'a str],
    /// The format of the name that is asked for.
    pub name_id_format: Option<&'a str>,
    /// What comes back with the answer, unchanged; 80 octets by the specification. Nothing secret: the provider sees it.
    pub relay_state: Option<&'a str>,
}

/// A request that is ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its id. The answer must name it ([`Answers::Request`](super::Answers)); keep it bound to this browser, for one use.
    pub id: String,
    /// How the browser carries it there.
    pub send: Send,
}

/// How a browser carries a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Send {
    /// By a redirect to this address.
    Redirect(String),
    /// By a form that is posted to `action`.
    Post {
        /// Where.
        action: String,
        /// The field `SAMLRequest`.
        request: String,
        /// The field `RelayState`.
        relay_state: Option<String>,
    },
}

impl Service {
    /// Makes a request to `provider`, by Redirect if it takes that.
    ///
    /// # Errors
    /// [`SamlError::Part`] if the provider wants signed requests and there is no key.
    pub fn start(&self, provider: &Provider, ask: &Ask<'_>, world: &World) -> Result<Started, SamlError> {
        if provider.wants_signed_requests && self.signing.is_none() {
            return Err(SamlError::Part("our signing key"));
        }
        let by = |binding: Binding| provider.sign_on.iter().find(|endpoint| endpoint.binding == binding);
        let endpoint =
            by(Binding::Redirect).or_else(|| by(Binding::Post)).ok_or(SamlError::Metadata("SingleSignOnService"))?;
        let id = format!("_{}", data_encoding::HEXLOWER.encode(&world.bytes::<20>()));
        let request = self.request(&id, &endpoint.location, ask, world).render()?;
        let send = match endpoint.binding {
            Binding::Redirect => {
                let query =
                    redirect::encode(redirect::Parameter::Request, &request, ask.relay_state, self.signing.as_ref())?;
                let joint = if endpoint.location.contains('?') { '&' } else { '?' };
                Send::Redirect(format!("{}{joint}{query}", endpoint.location))
            }
            Binding::Post => {
                let request = match &self.signing {
                    Some(key) => sign(&request, &id, key)?,
                    None => request,
                };
                Send::Post {
                    action: endpoint.location.clone(),
                    request: post::encode(&request.into_document()),
                    relay_state: ask.relay_state.map(ToOwned::to_owned),
                }
            }
        };
        Ok(Started { id, send })
    }

    fn request(&self, id: &str, destination: &str, ask: &Ask<'_>, world: &World) -> Xml {
        let policy = Xml::new("samlp:NameIDPolicy").with_some("Format", ask.name_id_format).with("AllowCreate", "true");
        let classes = ask.contexts.iter().map(|context| Xml::new("saml:AuthnContextClassRef").text(*context));
        let contexts = (!ask.contexts.is_empty())
            .then(|| Xml::new("samlp:RequestedAuthnContext").with("Comparison", "exact").children(classes));
        Xml::new("samlp:AuthnRequest")
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", id)
            .with("Version", "2.0")
            .with("IssueInstant", times::write(world.now()))
            .with("Destination", destination)
            .with_some("ForceAuthn", ask.force.then_some("true"))
            .with_some("IsPassive", ask.passive.then_some("true"))
            .with("ProtocolBinding", Binding::Post.uri())
            .with("AssertionConsumerServiceURL", &self.acs)
            .child(Xml::new("saml:Issuer").text(&self.entity_id))
            .child(policy)
            .children(contexts)
    }
}
