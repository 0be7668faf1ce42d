//! Asks a real provider, for the tests with real ones; and by hand, to try one. The first argument says which kind, the second is a file
//! with the settings in JSON; then each line of standard input is a question in JSON, and each line of output its answer.
//!
//! ```text
//! ask ldap SETTINGS     {"name": "alice", "password": "…"}, {"find": "alice"}, {"check": true}
//! ask saml SETTINGS     {"metadata": true}, {"start": {"force": true, "relay_state": "…"}}, {"receive": "…", "request": "_…"}
//! ask oidc SETTINGS     {"start": true}, {"finish": "code=…&state=…"}
//! ```

use std::{error::Error, fs, io::Write as _, sync::Arc, time::Duration};

use countersign_upstream::{ldap, oidc, saml};
use serde_json::{Value, json};
use types::{SecretBytes, SecretString, World};
use xmlsig::{DecryptionKey, SigningKey};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (kind, file) = (arguments.next().unwrap_or_default(), arguments.next().ok_or("a file with settings")?);
    let settings: Value = serde_json::from_slice(&fs::read(file)?)?;
    match kind.as_str() {
        "ldap" => ask_ldap(&settings).await,
        "saml" => ask_saml(&settings),
        "oidc" => ask_oidc(&settings).await,
        _ => Err("ldap, saml or oidc".into()),
    }
}

/// The questions, one after the other.
fn questions() -> impl Iterator<Item = Outcome<Value>> {
    std::io::stdin().lines().map(|line| Ok(serde_json::from_str(&line?)?))
}

fn say(answer: &Value) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

fn text<'v>(settings: &'v Value, name: &str) -> Outcome<&'v str> {
    settings.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing").into())
}

async fn ask_ldap(settings: &Value) -> Outcome<()> {
    let security = match text(settings, "security")? {
        "tls" => ldap::Security::Tls,
        "starttls" => ldap::Security::StartTls,
        _ => ldap::Security::Clear,
    };
    let port = u16::try_from(settings.get("port").and_then(Value::as_u64).unwrap_or(389))?;
    let attributes = settings.get("attributes").and_then(Value::as_array).into_iter().flatten();
    let directory = ldap::Directory::new(
        ldap::Settings {
            servers: vec![ldap::Server { host: text(settings, "host")?.to_owned(), port, security }],
            authorities: match settings.get("authorities").and_then(Value::as_str) {
                Some(file) => ldap::Authorities::Pem(fs::read(file)?),
                None => ldap::Authorities::System,
            },
            account: (
                text(settings, "account")?.to_owned(),
                SecretString::new(text(settings, "account_password")?.to_owned()),
            ),
            search: ldap::Search {
                base: text(settings, "base")?.to_owned(),
                scope: ldap::Scope::Subtree,
                filter: ldap::Filter::parse(text(settings, "filter")?)?,
                attributes: attributes.filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            },
            patience: Duration::from_secs(10),
            connections: 4,
        },
        World::real(),
    )?;
    let told = |entry: &ldap::Entry| {
        let values = |name: &str| entry.texts(name).map(ToOwned::to_owned).collect::<Vec<String>>();
        json!({"dn": entry.dn, "mail": values("mail"), "memberOf": values("memberOf"), "cn": values("cn")})
    };
    for question in questions() {
        let question = question?;
        if question.get("check").is_some() {
            say(&directory.check().await.map_or_else(|error| failed(&error), |()| json!({"checked": true})))?;
            continue;
        }
        if let Some(name) = question.get("find").and_then(Value::as_str) {
            let found = directory.find(name).await;
            say(&found.map_or_else(|error| failed(&error), |entry| json!({"found": entry.as_ref().map(told)})))?;
            continue;
        }
        let password = SecretString::new(text(&question, "password")?.to_owned());
        let answer = match directory.authenticate(text(&question, "name")?, &password).await {
            Ok(ldap::Outcome::Allowed(entry)) => json!({"allowed": told(&entry)}),
            Ok(ldap::Outcome::Refused(refusal)) => json!({"refused": format!("{refusal:?}")}),
            Err(error) => failed(&error),
        };
        say(&answer)?;
    }
    Ok(())
}

fn failed(error: &dyn Error) -> Value {
    json!({"error": error.to_string()})
}

fn ask_saml(settings: &Value) -> Outcome<()> {
    let world = World::real();
    let key = || Ok::<_, Box<dyn Error>>(SecretBytes::new(fs::read(text(settings, "key")?)?));
    let certificate = fs::read(text(settings, "certificate")?)?;
    let service = saml::Service {
        entity_id: text(settings, "entity_id")?.to_owned(),
        acs: text(settings, "acs")?.to_owned(),
        signing: Some(SigningKey::from_pkcs8(&key()?, certificate.clone())?),
        decryption: vec![DecryptionKey::from_pkcs8(&key()?)?],
        encryption_certificate: Some(certificate),
    };
    for question in questions() {
        let question = question?;
        if question.get("metadata").is_some() {
            say(&json!({"metadata": service.metadata()?}))?;
            continue;
        }
        // Read anew for each question: the provider of a test exists only after our metadata.
        let metadata = fs::read(text(settings, "provider")?)?;
        let provider = match saml::Provider::from_metadata(&metadata, None, None, world.now()) {
            Ok(provider) => provider,
            Err(error) => {
                say(&failed(&error))?;
                continue;
            }
        };
        if let Some(start) = question.get("start") {
            let ask = saml::Ask {
                force: start.get("force") == Some(&Value::Bool(true)),
                relay_state: start.get("relay_state").and_then(Value::as_str),
                ..saml::Ask::default()
            };
            let started = service.start(&provider, &ask, &world)?;
            say(&match started.send {
                saml::Send::Redirect(address) => json!({"id": started.id, "address": address}),
                saml::Send::Post { action, request, relay_state } => {
                    json!({"id": started.id, "action": action, "request": request, "relay_state": relay_state})
                }
            })?;
            continue;
        }
        let answers = match question.get("request").and_then(Value::as_str) {
            Some(id) => saml::Answers::Request(id),
            None => saml::Answers::Unasked,
        };
        let skew = Duration::from_secs(60);
        let expect = saml::Expect { answers, now: world.now(), skew, contexts: &[], fresh_since: None };
        say(&match service.receive(&provider, text(&question, "receive")?, &expect) {
            Ok(identity) => json!({
                "issuer": identity.issuer, "name": identity.name_id.value, "format": identity.name_id.format,
                "attributes": identity.attributes, "context": identity.context, "assertion": identity.assertion_id,
                "session_index": identity.session_index,
            }),
            Err(error) => failed(&error),
        })?;
    }
    Ok(())
}

async fn ask_oidc(settings: &Value) -> Outcome<()> {
    let world = World::real();
    let secret = SecretString::new(text(settings, "secret")?.to_owned());
    // The providers of tests are on this machine.
    let fetch = Arc::new(outbound::Outbound::new(vec!["127.0.0.0/8".parse()?, "::1/128".parse()?], "ask")?);
    let upstream = oidc::Upstream::new(
        oidc::Registration {
            issuer: text(settings, "issuer")?.to_owned(),
            client_id: text(settings, "client_id")?.to_owned(),
            authentication: match text(settings, "authentication")? {
                "post" => oidc::Authentication::Post(secret),
                _ => oidc::Authentication::Basic(secret),
            },
            redirect_uri: text(settings, "redirect_uri")?.to_owned(),
            scopes: vec!["email".to_owned()],
            algorithms: jose::Algorithms::of(&[jose::Algorithm::Rs256, jose::Algorithm::Es256]),
            userinfo: true,
        },
        fetch,
    )?;
    let mut last = None;
    for question in questions() {
        let question = question?;
        if question.get("start").is_some() {
            match upstream.start(&oidc::Ask::default(), &world).await {
                Ok(started) => {
                    say(&json!({"address": started.address}))?;
                    last = Some(started);
                }
                Err(error) => say(&failed(&error))?,
            }
            continue;
        }
        let started = last.as_ref().ok_or("nothing was started")?;
        let expect = oidc::Expect { skew: Duration::from_secs(60), fresh_since: None, contexts: &[] };
        say(&match upstream.finish(started, text(&question, "finish")?, &expect, &world).await {
            Ok(identity) => {
                json!({"issuer": identity.issuer, "subject": identity.subject, "claims": identity.claims})
            }
            Err(error) => failed(&error),
        })?;
    }
    Ok(())
}
