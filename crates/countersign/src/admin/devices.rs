//! `countersign admin phone …` and `countersign admin token …`

use std::{path::PathBuf, time::Duration};

use super::office::{Office, every, secret};
use crate::{cli::say, services::Services};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use data_encoding::BASE32_NOPAD;
use directory::{NewPhone, NewToken, Seed};
use store::{PhoneRow, TokenRow};
use types::{E164, PhoneId, SecretString, TokenId};

/// What can be done to telephones.
#[derive(Subcommand)]
pub enum PhoneAction {
    /// Give a user a telephone
    Add {
        /// Who
        user: String,
        /// Its number: + and the country code; none for a tablet
        #[arg(long, value_name = "NUMBER")]
        number: Option<String>,
        /// Its name, for people
        #[arg(long, default_value = "", value_name = "NAME")]
        name: String,
        /// mobile, landline or unknown
        #[arg(long, default_value = "mobile", value_name = "TYPE")]
        r#type: String,
    },
    /// List the telephones, without their numbers
    List,
    /// Make a link that attaches an authenticator to a telephone, once
    Activate {
        /// The telephone's id
        phone: PhoneId,
        /// For how many minutes
        #[arg(long, default_value_t = 1440, value_name = "MINUTES")]
        minutes: u64,
    },
    /// End push on a telephone, for example because it was lost
    Deactivate {
        /// The telephone's id
        phone: PhoneId,
    },
    /// Delete a telephone
    Delete {
        /// The telephone's id
        phone: PhoneId,
    },
}

/// What can be done to tokens.
#[derive(Subcommand)]
pub enum TokenAction {
    /// Make a token, and give it to a user
    Add(AddToken),
    /// List the tokens
    List,
    /// Find a token's counter or clock again, by two or three codes that it gives one after the other
    Resync {
        /// The token's id
        token: TokenId,
        /// The codes, in order
        #[arg(num_args = 2..=3, required = true)]
        codes: Vec<String>,
    },
    /// Delete a token
    Delete {
        /// The token's id
        token: TokenId,
    },
}

/// Kinds of tokens.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(super) enum Kind {
    /// By time, six digits
    T6,
    /// By time, eight digits
    T8,
    /// By counter, six digits
    H6,
    /// By counter, eight digits
    H8,
    /// Yubico OTP
    Yk,
}

/// Arguments of `token add`.
#[derive(Args)]
pub struct AddToken {
    /// Whose; nobody's if not given
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Its kind
    #[arg(long, default_value = "t6", value_name = "KIND")]
    r#type: Kind,
    /// The maker's serial, once for each kind; made from the time if not given
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,
    /// The file with its seed in hexadecimal digits; - is standard input. Without it a seed is made, and printed once as an otpauth URL.
    /// For a Yubico token: the AES key
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The seed is in base 32
    #[arg(long, requires = "secret_file")]
    base32: bool,
    /// The file with the private id of a Yubico token, in hexadecimal digits
    #[arg(long, value_name = "FILE")]
    private_id_file: Option<PathBuf>,
    /// The next counter of a counting token
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    counter: i64,
    /// Seconds of a step of a token by time: 30 or 60
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    step: i64,
}

/// Does it.
pub(super) async fn run_phone(action: PhoneAction, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    match action {
        PhoneAction::Add { user, number, name, r#type } => {
            let number = number.map(|number| number.parse::<E164>()).transpose()?;
            let user = office.user(&user).await?.id;
            let phone = scope.create_phone(&NewPhone { number, name, r#type, ..NewPhone::default() }).await?;
            let added = scope.attach_phone(user, phone.id).await?;
            office.announce(services, added).await?;
            say(&format!("{}\n", phone.id))
        }
        PhoneAction::List => {
            let rows = scope.rows();
            let each = async |row: PhoneRow| {
                let number = if row.number.is_some() { "number" } else { "no number" };
                let push = if row.public_key.is_some() { "push" } else { "no push" };
                say(&format!("{} {:8} {number}, {push} {}\n", row.id, row.r#type, row.name))
            };
            every(async |slice| rows.phones(slice).await, each).await
        }
        PhoneAction::Activate { phone, minutes } => {
            let owners = scope.rows().users_of_phones(&[phone]).await?;
            let (_, user) = owners.into_iter().next().context("nobody has such a phone")?;
            let life = Duration::from_secs(minutes.clamp(1, 43_200) * 60);
            let by = scope.actor();
            let code = services.auth.activation_by(office.tenant, user.id, Some(phone), life, by).await?;
            let detail = serde_json::json!({ "user_id": user.id.to_string(), "valid_secs": life.as_secs() });
            scope.note("phone_activation_code", &phone.to_string(), detail).await?;
            let host = scope.row().await?.api_host;
            say(&format!("{}\n", services.auth.activation_url(&host, office.tenant, &code)))
        }
        PhoneAction::Deactivate { phone } => Ok(scope.deactivate_phone(phone).await?),
        PhoneAction::Delete { phone } => {
            for removal in scope.delete_phone(phone).await? {
                services.auth.announce_removal(office.tenant, removal.user, &removal.phone).await;
            }
            Ok(())
        }
    }
}

/// What an authenticator app reads from a barcode (the Key URI format).
fn otpauth(seed: &[u8], kind: Kind, label: &str, issuer: &str, arguments: &AddToken) -> SecretString {
    let quoted = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let quote = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        text.bytes().map(quote).collect()
    };
    let (method, more) = match kind {
        Kind::H6 | Kind::H8 => ("hotp", format!("counter={}", arguments.counter)),
        _ => ("totp", format!("period={}", arguments.step)),
    };
    let digits = if matches!(kind, Kind::T8 | Kind::H8) { 8 } else { 6 };
    let (label, issuer, secret) = (quoted(label), quoted(issuer), BASE32_NOPAD.encode(seed));
    SecretString::new(format!(
        "otpauth://{method}/{issuer}:{label}?secret={secret}&issuer={issuer}&digits={digits}&{more}"
    ))
}

async fn add(arguments: AddToken, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    let user = match &arguments.user {
        Some(user) => Some(office.user(user).await?),
        None => None,
    };
    let world = services.store.world();
    let serial = arguments.serial.clone().unwrap_or_else(|| format!("{}-{}", world.now().seconds(), world.digits(4)));
    let given = arguments.secret_file.as_deref().map(secret).transpose()?;
    let kind = arguments.r#type;
    let mut made = None;
    let new = if kind == Kind::Yk {
        let (Some(aes_key), Some(private_id)) = (given, &arguments.private_id_file) else {
            bail!("a Yubico token needs --secret-file with its AES key and --private-id-file");
        };
        NewToken::Yubico { serial, aes_key, private_id: secret(private_id)? }
    } else {
        let seed = match &given {
            Some(text) if arguments.base32 => Seed::from_base32(text)?,
            Some(text) => Seed::from_hex(text)?,
            None => made.insert(Seed::generate(world)).clone(),
        };
        let digits = if matches!(kind, Kind::T8 | Kind::H8) { 8 } else { 6 };
        match kind {
            Kind::H6 | Kind::H8 => NewToken::Hotp { serial, seed, digits, next: arguments.counter },
            _ => NewToken::Totp { serial, seed, digits, step: arguments.step },
        }
    };
    let token = scope.create_token(&new).await?;
    if let Some(user) = &user {
        let added = scope.attach_token(user.id, token.id).await?;
        office.announce(services, added).await?;
    }
    say(&format!("{}\n", token.id))?;
    if let Some(seed) = made {
        let label = user.as_ref().map_or(token.serial.as_str(), |user| user.username.as_str());
        let brand = auth::Settings::parse(&scope.row().await?.settings)?.brand;
        let url = otpauth(seed.bytes().expose(), kind, label, &brand, &arguments);
        say(&format!("{}\n", url.expose()))?;
    }
    Ok(())
}

/// Does it.
pub(super) async fn run_token(action: TokenAction, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    match action {
        TokenAction::Add(arguments) => add(arguments, office, services).await,
        TokenAction::List => {
            let rows = scope.rows();
            let each = async |row: TokenRow| say(&format!("{} {} {}\n", row.id, row.r#type, row.serial));
            every(async |slice| rows.tokens(slice).await, each).await
        }
        TokenAction::Resync { token, codes } => {
            let codes: Vec<SecretString> = codes.into_iter().map(SecretString::new).collect();
            if !services.auth.resync_token(office.tenant, token, &codes).await? {
                bail!("these codes don't follow one another on this token, or they were used already");
            }
            let detail = serde_json::json!({ "token_id": token.to_string() });
            Ok(scope.note("hardtoken_resync", &token.to_string(), detail).await?)
        }
        TokenAction::Delete { token } => Ok(scope.delete_token(token).await?),
    }
}
