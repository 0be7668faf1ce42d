//! Verifications: begun, looked at, taken back.

use super::{
    codes::{self, Bound, Wording},
    limits,
    send::{self, Asked, Kept, Target, open, waiting},
    services::Service,
};
use crate::{
    lookup::line_type_of,
    pipeline::{Call, address},
    wire::{ApiError, Form, Prefix, Reply, iso, sid, uuid_of},
};
use messaging::ChannelKind;
use numbers::Kind;
use serde_json::{Value, json};
use store::VerificationRow;
use types::{E164, Millis, VerificationId};

const UNSUPPORTED: &[&str] =
    &["CustomMessage", "TemplateSid", "TemplateCustomSubstitutions", "ChannelConfiguration", "EnableSnaClientToken"];
/// The longest answer to a text's `Locale`.
const MAX_LOCALE: usize = 16;

/// A verification as Twilio gives it.
pub(super) fn object(
    call: &Call,
    site: &str,
    service: &Service,
    row: &VerificationRow,
    kept: &Kept,
    status: &str,
) -> Value {
    let name = sid(Prefix::VERIFICATION, row.id.uuid());
    let sends: Vec<Value> = kept
        .sends
        .iter()
        .map(|sent| json!({ "attempt_sid": sent.id, "channel": sent.channel, "time": iso(Millis(sent.at)) }))
        .collect();
    let number: Option<E164> = kept.to.parse().ok();
    let lookup = number.filter(|_| service.settings.lookup_enabled).map_or(Value::Null, |number| {
        let facts = numbers::look(&number);
        let network = facts.mcc_mnc.and_then(|network| network.split_once(':'));
        json!({ "carrier": {
            "mobile_country_code": network.map(|(mcc, _)| mcc), "mobile_network_code": network.map(|(_, mnc)| mnc),
            "name": facts.original_carrier, "type": line_type_of(facts.kind), "error_code": Value::Null,
        } })
    });
    json!({
        "sid": name,
        "service_sid": service.sid(),
        "account_sid": call.caller.account,
        "to": kept.to,
        "channel": row.channel,
        "status": status,
        "valid": status == "approved",
        "lookup": lookup,
        "amount": kept.amount,
        "payee": kept.payee,
        "send_code_attempts": sends,
        "sna": Value::Null,
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
        "url": format!("{site}/v2/Services/{}/Verifications/{name}", service.sid()),
    })
}

/// The address that a form names, for a channel.
fn target(form: &Form, channel: &str) -> Result<Target, ApiError> {
    let to = form.filled("To")?.ok_or_else(|| ApiError::verify_parameter("To"))?;
    if channel == "email" {
        return Ok(Target::Mail(to.parse().map_err(|_| ApiError::verify_parameter("To"))?));
    }
    let digits = form.filled("SendDigits")?.unwrap_or_default();
    if digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_digit() || b"*#wW".contains(&b)) {
        return Err(ApiError::verify_parameter("SendDigits"));
    }
    Ok(Target::Number(to.parse().map_err(|_| ApiError::verify_parameter("To"))?, digits.to_owned()))
}

/// The ways that a channel's name stands for, those that a number can take and this server has first.
fn ways(call: &Call, service: &Service, channel: &str, target: &Target) -> Result<Vec<ChannelKind>, ApiError> {
    let fixed = target.number().is_some_and(|number| numbers::look(number).kind == Kind::Landline);
    Ok(match channel {
        "sms" if fixed && service.settings.skip_sms_to_landlines => {
            return Err(ApiError::new(403, 60205, "SMS is not supported by landline phone number"));
        }
        "sms" => vec![ChannelKind::Sms],
        "call" => vec![ChannelKind::Voice],
        "whatsapp" => vec![ChannelKind::WhatsApp],
        // Twilio has no such channel.
        "telegram" => vec![ChannelKind::Telegram],
        "email" => vec![ChannelKind::Email],
        "auto" => {
            let ways = cheapest_first(call, target, fixed);
            if ways.is_empty() {
                return Err(ApiError::new(400, 60223, "No channel is configured"));
            }
            ways
        }
        _ => return Err(ApiError::new(400, 60200, "Invalid parameter: Channel")),
    })
}

/// The ways that lead to a number at all, by what the route of each asks for a message; where they ask the same, in this order.
fn cheapest_first(call: &Call, target: &Target, fixed: bool) -> Vec<ChannelKind> {
    let table = call.api.courier().routes();
    let digits = target.number().map(|number| number.expose().trim_start_matches('+')).unwrap_or_default();
    let network = target.number().and_then(|number| numbers::look(number).mcc_mnc);
    let mut ways: Vec<(f64, ChannelKind)> = [ChannelKind::WhatsApp, ChannelKind::Sms, ChannelKind::Voice]
        .into_iter()
        .filter(|kind| call.api.courier().carries(*kind) && !(fixed && *kind != ChannelKind::Voice))
        .filter_map(|kind| {
            let found = table.of(kind, digits, network)?;
            Some((found.route.map_or(0.0, |route| route.cost), kind))
        })
        .collect();
    ways.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    ways.into_iter().map(|(_, kind)| kind).collect()
}

fn wording(form: &Form, service: &Service) -> Result<Wording, ApiError> {
    let brand = form.line("CustomFriendlyName", 30)?.unwrap_or(&service.row.name);
    let language = form.line("Locale", MAX_LOCALE)?.unwrap_or("en").to_owned();
    let app_hash = form.filled("AppHash")?;
    let of_android =
        |hash: &str| hash.len() == 11 && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    if app_hash.is_some_and(|hash| !of_android(hash)) {
        return Err(ApiError::verify_parameter("AppHash"));
    }
    Ok(Wording {
        brand: brand.to_owned(),
        language,
        warn: service.settings.do_not_share_warning_enabled,
        app_hash: app_hash.map(ToOwned::to_owned),
        bound: bound(form, service)?,
    })
}

/// The payment that a code confirms.
pub(super) fn bound(form: &Form, service: &Service) -> Result<Bound, ApiError> {
    let text = |name: &str| Ok::<_, ApiError>(form.line(name, 64)?.unwrap_or_default().to_owned());
    let bound = Bound { amount: text("Amount")?, payee: text("Payee")? };
    if bound.amount.is_empty() && bound.payee.is_empty() {
        return Ok(bound);
    }
    if !service.settings.psd2_enabled {
        return Err(ApiError::new(400, 60206, "Amount and Payee are for services with Psd2Enabled"));
    }
    if bound.amount.is_empty() || bound.payee.is_empty() {
        return Err(ApiError::verify_parameter("Amount and Payee"));
    }
    Ok(bound)
}

/// Begins a verification, or sends another code for one that is waited for.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let form = &call.form;
    if let Some(name) = form.first_of(UNSUPPORTED) {
        return Err(ApiError::unsupported(name));
    }
    let channel = form.filled("Channel")?.ok_or_else(|| ApiError::verify_parameter("Channel"))?;
    let target = target(form, channel)?;
    let custom = match form.filled("CustomCode")? {
        None => None,
        Some(_) if !service.settings.custom_code_enabled => {
            return Err(ApiError::new(403, 60204, "Service does not support this feature: CustomCode"));
        }
        Some(code) => Some(codes::custom(code).ok_or_else(|| ApiError::verify_parameter("CustomCode"))?),
    };
    let asked = Asked {
        ways: ways(&call, &service, channel, &target)?,
        wording: wording(form, &service)?,
        custom,
        source: address(form, "DeviceIp")?,
        // A number that somebody else has taken over gets no code by a way that leads there.
        sim_swap: call.api.sim_swap.clone().filter(|_| !matches!(channel, "whatsapp" | "telegram")),
        target,
    };
    limits::spend(&call, &service).await?;
    let (row, kept) = send::send(&call, &service, &asked).await?;
    Ok(Reply::created(object(&call, &call.site().await?, &service, &row, &kept, "pending")))
}

/// The verification that the path names, by its name or by its address.
async fn one(call: &Call, service: &Service) -> Result<VerificationRow, ApiError> {
    let named = call.segment(1);
    let row = match uuid_of(Prefix::VERIFICATION, named) {
        Some(id) => call.rows().verification(service.id(), VerificationId::from_uuid(id), call.now()).await?,
        None => waiting(call, service, &spelled(named)).await?,
    };
    row.ok_or_else(ApiError::not_found)
}

/// An address in its one spelling.
pub(super) fn spelled(address: &str) -> String {
    address.parse::<E164>().map_or_else(|_| address.trim().to_lowercase(), |number| number.expose().to_owned())
}

/// One verification, while its code is waited for.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let row = one(&call, &service).await?;
    let kept = open(&call, &row).await?;
    let status = if row.checks >= send::CHECKS { "max_attempts_reached" } else { "pending" };
    Ok(Reply::ok(object(&call, &call.site().await?, &service, &row, &kept, status)))
}

/// Ends a verification: taken back, or proved in another way.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let row = one(&call, &service).await?;
    let status = match call.form.filled("Status")? {
        Some("canceled") => "canceled",
        Some("approved") => "approved",
        _ => return Err(ApiError::verify_parameter("Status")),
    };
    let kept = open(&call, &row).await?;
    let mut tx = call.rows().begin().await?;
    if !tx.delete_verification(service.id(), row.id).await? {
        return Err(ApiError::not_found());
    }
    if status == "approved" {
        super::check::convert(&mut tx, &kept).await?;
    }
    tx.commit().await?;
    if status == "approved" {
        call.api.courier().verified(call.caller.tenant, None, row.message);
    }
    Ok(Reply::ok(object(&call, &call.site().await?, &service, &row, &kept, status)))
}
