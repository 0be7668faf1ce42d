//! An authenticator without a telephone: a P-256 key in a file that answers login requests over the API of the crate `authenticator`.
//!
//! For the demo, for tests, and for people at a terminal ([`command`]). The private key never leaves the file, which is for its
//! owner only. It decides nothing: whether a code is right is the server's word.

pub mod command;
mod passcode;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{SecretString, World};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::client::{Https, Request};

/// An activated authenticator.
pub struct Device {
    https: Https,
    tenant: String,
    phone: String,
    key: EcdsaKeyPair,
    /// PKCS#8, for the file.
    document: Zeroizing<Vec<u8>>,
    totp: Option<Totp>,
    world: World,
}

/// A login request that waits for an answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// The application that is signed in to.
    pub application: String,
    /// As whom.
    pub username: String,
    /// From where, if the application said so.
    pub ip: Option<String>,
    /// The machine, if the application said so.
    pub hostname: String,
    /// The browser, if the page said so.
    #[serde(default)]
    pub browser: String,
    /// Its system, likewise.
    #[serde(default)]
    pub os: String,
    /// Whether the six digits must be typed.
    pub typed: bool,
}

/// What the owner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Yes, with the digits of the sign-in where they are asked for.
    Approve(Option<&'a str>),
    /// No.
    Deny,
    /// It wasn't me.
    Fraud,
}

/// The file that keeps a device.
#[derive(Serialize, Deserialize)]
struct Kept {
    server: String,
    ca: Option<PathBuf>,
    tenant: String,
    phone: String,
    key: String,
    /// Files of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    totp: Option<Totp>,
}

/// What passcodes are made of, as the server gave it once.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Totp {
    /// Base 32.
    secret: String,
    digits: u32,
    period: i64,
}

impl Device {
    /// Makes a key and attaches it to the account that `code` is for.
    ///
    /// # Errors
    /// When the server refuses, or can't be reached.
    pub async fn activate(https: &Https, tenant: &str, code: &str, name: &str, world: &World) -> anyhow::Result<Self> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        let document = Zeroizing::new(made.map_err(|_| anyhow::anyhow!("no key could be made"))?.as_ref().to_vec());
        let key = pair(&document)?;
        let public = BASE64URL_NOPAD.encode(key.public_key().as_ref());
        let body = json!({ "tenant": tenant, "code": code, "public_key": public, "name": name, "totp": true });
        let body = body.to_string();
        let request = Request { method: "POST", target: "/authenticator/v1/activate", headers: &[], body: &body };
        let answer = accepted(https.send(request).await?)?;
        let phone = answer.get("phone").and_then(Value::as_str).context("the server named no device")?.to_owned();
        let totp = answer.get("totp").cloned().map(serde_json::from_value).transpose();
        let totp = totp.map_err(|_| anyhow::anyhow!("the server's passcodes can't be read"))?;
        let https = https.clone();
        Ok(Self { https, tenant: tenant.to_owned(), phone, key, document, totp, world: world.clone() })
    }

    /// The passcode of now, and for how many seconds it is good; needs no network.
    ///
    /// # Errors
    /// When the device has no passcodes: it was activated before there were any.
    pub fn passcode(&self) -> anyhow::Result<(SecretString, i64)> {
        let totp = self.totp.as_ref().context("this authenticator was activated without passcodes")?;
        passcode::now(&totp.secret, totp.digits, totp.period, self.world.now()).context("the passcodes can't be read")
    }

    /// Gives the device another name.
    ///
    /// # Errors
    /// When the server refuses, or can't be reached.
    pub async fn rename(&self, name: &str) -> anyhow::Result<()> {
        self.signed("POST", "/authenticator/v1/account", &json!({ "name": name }).to_string()).await.map(drop)
    }

    /// Ends the device: its key answers nothing any more.
    ///
    /// # Errors
    /// When the server refuses, or can't be reached.
    pub async fn remove(&self) -> anyhow::Result<()> {
        self.signed("DELETE", "/authenticator/v1/account", "").await.map(drop)
    }

    /// The requests that wait; waits up to `seconds` (0 to 50) for one.
    ///
    /// # Errors
    /// When the server refuses, or can't be reached.
    pub async fn requests(&self, seconds: u8) -> anyhow::Result<Vec<Waiting>> {
        let answer = self.signed("GET", &format!("/authenticator/v1/requests?wait={seconds}"), "").await?;
        let requests = answer.get("requests").cloned().unwrap_or_default();
        serde_json::from_value(requests).context("the server's list of requests can't be read")
    }

    /// Answers a request. Whether the answer counted: a wrong code, a second answer and one that comes too late don't.
    ///
    /// # Errors
    /// When the server refuses, or can't be reached.
    pub async fn answer(&self, id: &str, answer: Answer<'_>) -> anyhow::Result<bool> {
        let body = match answer {
            Answer::Approve(Some(code)) => json!({ "answer": "approve", "code": code }),
            Answer::Approve(None) => json!({ "answer": "approve" }),
            Answer::Deny => json!({ "answer": "deny" }),
            Answer::Fraud => json!({ "answer": "fraud" }),
        };
        let answer = self.signed("POST", &format!("/authenticator/v1/requests/{id}"), &body.to_string()).await?;
        Ok(answer.get("accepted").and_then(Value::as_bool).unwrap_or(false))
    }

    async fn signed(&self, method: &'static str, target: &str, body: &str) -> anyhow::Result<Value> {
        let at = self.world.now().0;
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
        let lines = format!("countersign-device-v1\n{method}\n{target}\n{at}\n{hash}");
        let signature = self.key.sign(&SystemRandom::new(), lines.as_bytes());
        let signature = BASE64URL_NOPAD.encode(signature.map_err(|_| anyhow::anyhow!("the key can't sign"))?.as_ref());
        let proof = format!("Countersign-Device {}.{}.{at}.{signature}", self.tenant, self.phone);
        accepted(self.https.send(Request { method, target, headers: &[("authorization", proof)], body }).await?)
    }

    /// Keeps the device in a file that only its owner may read, and that must not be there yet. `ca` is the authority to trust.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn keep(&self, path: &Path, ca: Option<&Path>) -> anyhow::Result<()> {
        use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
        let kept = Kept {
            server: self.https.base().to_owned(),
            ca: ca.map(Path::to_owned),
            tenant: self.tenant.clone(),
            phone: self.phone.clone(),
            key: BASE64URL_NOPAD.encode(&self.document),
            totp: self.totp.clone(),
        };
        let text = Zeroizing::new(serde_json::to_string_pretty(&kept)?);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// Opens what [`keep`](Self::keep) wrote.
    ///
    /// # Errors
    /// When the file can't be read, or others than its owner may read it.
    pub fn open(path: &Path, world: &World) -> anyhow::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        if std::fs::metadata(path)?.mode() & 0o077 != 0 {
            bail!("others than its owner may use it; set its mode to 600");
        }
        let text = Zeroizing::new(std::fs::read_to_string(path)?);
        let kept: Kept = serde_json::from_str(&text).map_err(|_| anyhow::anyhow!("no authenticator's file"))?;
        let document = BASE64URL_NOPAD.decode(kept.key.as_bytes()).context("the key can't be read")?;
        let document = Zeroizing::new(document);
        Ok(Self {
            https: Https::new(&kept.server, kept.ca.as_deref())?,
            tenant: kept.tenant,
            phone: kept.phone,
            key: pair(&document)?,
            document,
            totp: kept.totp,
            world: world.clone(),
        })
    }
}

fn pair(document: &[u8]) -> anyhow::Result<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document)
        .map_err(|_| anyhow::anyhow!("the key can't be read"))
}

/// The answer, or why there is none.
fn accepted((status, answer): (u16, Value)) -> anyhow::Result<Value> {
    if status == 200 {
        return Ok(answer);
    }
    bail!("{}", answer.get("message").and_then(Value::as_str).unwrap_or("the server refused"))
}
