//! Services: how an organisation's programs verify.

use crate::{
    pipeline::Call,
    wire::{ApiError, Form, Paging, Prefix, Reply, iso, sid},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::ApiObjectRow;
use types::ApiObjectId;

/// The kind of services in the store.
pub(super) const KIND: &str = "service";
const ROOT: ApiObjectId = ApiObjectRow::ROOT;

/// What isn't here.
const UNSUPPORTED: &[&str] = &[
    "DefaultTemplateSid",
    "Push.ApnCredentialSid",
    "Push.FcmCredentialSid",
    "Whatsapp.MsgServiceSid",
    "Whatsapp.From",
    "Passkeys.RelyingParty.Id",
    "Passkeys.RelyingParty.Name",
    "Passkeys.RelyingParty.Origins",
];

/// What is set of a service.
#[derive(Serialize, Deserialize, Clone)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) code_length: usize,
    pub(super) lookup_enabled: bool,
    pub(super) skip_sms_to_landlines: bool,
    pub(super) psd2_enabled: bool,
    pub(super) do_not_share_warning_enabled: bool,
    pub(super) custom_code_enabled: bool,
    pub(super) push_include_date: bool,
    pub(super) totp_issuer: String,
    pub(super) totp_time_step: i64,
    pub(super) totp_code_length: u32,
    pub(super) totp_skew: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            code_length: 6,
            lookup_enabled: false,
            skip_sms_to_landlines: false,
            psd2_enabled: false,
            do_not_share_warning_enabled: false,
            custom_code_enabled: false,
            push_include_date: false,
            totp_issuer: String::new(),
            totp_time_step: 30,
            totp_code_length: 6,
            totp_skew: 1,
        }
    }
}

/// A service, read.
pub(super) struct Service {
    pub(super) row: ApiObjectRow,
    pub(super) settings: Settings,
}

impl Service {
    fn read(row: ApiObjectRow) -> Result<Self, ApiError> {
        let settings = serde_json::from_str(&row.detail).map_err(|_| ApiError::internal())?;
        Ok(Self { row, settings })
    }

    /// The service that the path names.
    pub(super) async fn of(call: &Call) -> Result<Self, ApiError> {
        let id = ApiObjectId::from_uuid(call.id(0, Prefix::SERVICE)?);
        let row = call.rows().api_object(KIND, ROOT, id).await?.ok_or_else(ApiError::not_found)?;
        Self::read(row)
    }

    pub(super) const fn id(&self) -> ApiObjectId {
        self.row.id
    }

    pub(super) fn sid(&self) -> String {
        sid(Prefix::SERVICE, self.row.id.uuid())
    }

    /// Whose code it is that people read.
    pub(super) fn issuer(&self) -> &str {
        if self.settings.totp_issuer.is_empty() { &self.row.name } else { &self.settings.totp_issuer }
    }

    fn object(&self, account: &str, site: &str) -> Value {
        let (name, settings) = (self.sid(), &self.settings);
        let url = format!("{site}/v2/Services/{name}");
        let under = |what: &str| format!("{url}/{what}");
        json!({
            "sid": name,
            "account_sid": account,
            "friendly_name": self.row.name,
            "code_length": settings.code_length,
            "lookup_enabled": settings.lookup_enabled,
            "psd2_enabled": settings.psd2_enabled,
            "skip_sms_to_landlines": settings.skip_sms_to_landlines,
            "dtmf_input_required": true,
            "tts_name": Value::Null,
            "do_not_share_warning_enabled": settings.do_not_share_warning_enabled,
            "custom_code_enabled": settings.custom_code_enabled,
            "push": { "include_date": settings.push_include_date },
            "totp": {
                "issuer": self.issuer(), "time_step": settings.totp_time_step, "code_length": settings.totp_code_length,
                "skew": settings.totp_skew,
            },
            "default_template_sid": Value::Null,
            "whatsapp": Value::Null,
            "passkeys": Value::Null,
            "verify_event_subscription_enabled": false,
            "date_created": iso(self.row.created),
            "date_updated": iso(self.row.updated),
            "url": url,
            "links": {
                "verifications": under("Verifications"), "verification_checks": under("VerificationCheck"),
                "rate_limits": under("RateLimits"), "entities": under("Entities"),
            },
        })
    }
}

/// Takes what the form sets.
fn set(settings: &mut Settings, form: &Form) -> Result<(), ApiError> {
    if let Some(name) = form.first_of(UNSUPPORTED) {
        return Err(ApiError::unsupported(name));
    }
    if form.flag("VerifyEventSubscriptionEnabled")?.unwrap_or(false) {
        return Err(ApiError::unsupported("VerifyEventSubscriptionEnabled"));
    }
    // A code that is spoken to nobody stays in a voice mail: a key is always asked for.
    if form.flag("DtmfInputRequired")? == Some(false) {
        return Err(ApiError::unsupported("DtmfInputRequired=false"));
    }
    let size = |number: i64| usize::try_from(number).unwrap_or(6);
    if let Some(length) = form.number("CodeLength", 4, 10)? {
        settings.code_length = size(length);
    }
    for (name, field) in [
        ("LookupEnabled", &mut settings.lookup_enabled),
        ("SkipSmsToLandlines", &mut settings.skip_sms_to_landlines),
        ("Psd2Enabled", &mut settings.psd2_enabled),
        ("DoNotShareWarningEnabled", &mut settings.do_not_share_warning_enabled),
        ("CustomCodeEnabled", &mut settings.custom_code_enabled),
        ("Push.IncludeDate", &mut settings.push_include_date),
    ] {
        if let Some(value) = form.flag(name)? {
            *field = value;
        }
    }
    if let Some(issuer) = form.line("Totp.Issuer", 64)? {
        issuer.clone_into(&mut settings.totp_issuer);
    }
    if let Some(step) = form.number("Totp.TimeStep", 20, 60)? {
        settings.totp_time_step = step;
    }
    if let Some(length) = form.number("Totp.CodeLength", 6, 8)? {
        settings.totp_code_length = u32::try_from(length).unwrap_or(6);
    }
    if let Some(skew) = form.number("Totp.Skew", 0, 1)? {
        settings.totp_skew = skew;
    }
    Ok(())
}

/// The name, which people read in the text of a code: no digits in a row that could be taken for one.
fn name(form: &Form) -> Result<Option<&str>, ApiError> {
    let name = form.line("FriendlyName", 32)?;
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    if name.is_some_and(|name| name.trim().is_empty() || digits(name) > 4) {
        return Err(ApiError::verify_parameter("FriendlyName"));
    }
    Ok(name)
}

fn text(settings: &Settings) -> Result<String, ApiError> {
    serde_json::to_string(settings).map_err(|_| ApiError::internal())
}

/// Makes a service.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let name = name(&call.form)?.ok_or_else(|| ApiError::verify_parameter("FriendlyName"))?.to_owned();
    let mut settings = Settings::default();
    set(&mut settings, &call.form)?;
    let now = call.now();
    let row = ApiObjectRow {
        id: ApiObjectId::new(now, call.api.world().random.as_ref()),
        kind: KIND.to_owned(),
        parent: ROOT,
        handle: None,
        name,
        detail: text(&settings)?,
        digest: None,
        created: now,
        updated: now,
    };
    let mut tx = call.rows().begin().await?;
    tx.insert_api_object(&row).await?;
    tx.commit().await?;
    let service = Service { row, settings };
    Ok(Reply::created(service.object(&call.caller.account, &call.site().await?)))
}

/// The services.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let paging = Paging::read(&call.path, &call.query, &[])?;
    let mut rows = call.rows().api_objects(KIND, ROOT, paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let objects = rows.into_iter().map(|row| Ok(Service::read(row)?.object(&call.caller.account, &site)));
    let objects = objects.collect::<Result<_, ApiError>>()?;
    Ok(Reply::ok(paging.with_meta(&site, "services", objects, next)))
}

/// One service.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    Ok(Reply::ok(service.object(&call.caller.account, &call.site().await?)))
}

/// Changes a service.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let mut service = Service::of(&call).await?;
    set(&mut service.settings, &call.form)?;
    let name = name(&call.form)?;
    let mut tx = call.rows().begin().await?;
    if !tx.change_api_object(&service.row, name, Some(&text(&service.settings)?), call.now()).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    fetch(call).await
}

/// Deletes a service and all that is part of it.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let mut tx = call.rows().begin().await?;
    if !tx.delete_api_object(KIND, ROOT, service.id()).await? {
        return Err(ApiError::not_found());
    }
    tx.log_act(call.api.world(), &call.caller.name(), "verify_service_delete", &service.row.name, "{}").await?;
    tx.commit().await?;
    Ok(Reply::gone())
}
