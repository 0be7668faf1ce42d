//! Look-ups: what a number's digits tell, and whether its card was exchanged.
//!
//! The digits tell the carrier that the number's block was given to first; where numbers are portable it may be with another now, and
//! the answer's name for it, `original_carrier`, says so. What Twilio sells from databases that nobody here has (names, forwarding,
//! whether a line is alive) is answered with an error of its own inside the package, as Twilio does for a package that has failed.

mod sim_swap;

pub use sim_swap::{SimSwap, SimSwapConfig, SimSwapError};

use crate::{
    pipeline::{Call, route},
    routes::Route,
    wire::{ApiError, Reply},
};
use numbers::{Facts, Kind, Unparsed};
use serde_json::{Map, Value, json};
use types::E164;

pub(crate) static ROUTES: &[Route] = &[route!(Get "/v2/PhoneNumbers/{number}" => fetch)];

/// The packages that Twilio has, each null unless it is asked for.
const PACKAGES: &[&str] = &[
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_type_intelligence",
    "line_status",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
];

/// What a program is told of a package that this server can't fill.
const NOT_HERE: u32 = 60600;

async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let asked = call.segment(0);
    if asked.chars().count() > 40 {
        return Err(ApiError::not_found());
    }
    let region = call.query.filled("CountryCode")?.map(str::to_ascii_uppercase);
    if region.as_ref().is_some_and(|region| region.len() != 2) {
        return Err(ApiError::parameter("CountryCode"));
    }
    let wanted: Vec<&str> = call.query.filled("Fields")?.unwrap_or_default().split(',').map(str::trim).collect();
    if let Some(_unknown) = wanted.iter().find(|field| !field.is_empty() && !PACKAGES.contains(field)) {
        return Err(ApiError::parameter("Fields"));
    }
    let site = call.site().await?;
    let mut body = match numbers::parse(asked, region.as_deref()) {
        Ok(number) => known(&call, &number, &wanted).await,
        Err(why) => unknown(asked, why),
    };
    body.insert("url".to_owned(), format!("{site}{}", call.path).into());
    Ok(Reply::ok(Value::Object(body)))
}

/// Of a text that is no number.
fn unknown(asked: &str, why: Unparsed) -> Map<String, Value> {
    let error = match why {
        Unparsed::InvalidCountryCode => "INVALID_COUNTRY_CODE",
        Unparsed::TooShort => "TOO_SHORT",
        Unparsed::TooLong => "TOO_LONG",
        _ => "NOT_A_NUMBER",
    };
    let mut body = Map::new();
    for name in ["calling_country_code", "country_code", "national_format"] {
        body.insert(name.to_owned(), Value::Null);
    }
    body.insert("phone_number".to_owned(), asked.into());
    body.insert("valid".to_owned(), false.into());
    body.insert("validation_errors".to_owned(), json!([error]));
    body.extend(PACKAGES.iter().map(|package| ((*package).to_owned(), Value::Null)));
    body
}

async fn known(call: &Call, number: &E164, wanted: &[&str]) -> Map<String, Value> {
    let facts = numbers::look(number);
    let errors: Vec<&str> = Some(facts.valid.as_str()).filter(|error| !error.is_empty()).into_iter().collect();
    let some = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let mut body = Map::new();
    body.insert("calling_country_code".to_owned(), some(facts.calling_code));
    body.insert("country_code".to_owned(), some(facts.country));
    body.insert("phone_number".to_owned(), number.expose().into());
    body.insert("national_format".to_owned(), numbers::national_format(number).into());
    body.insert("valid".to_owned(), errors.is_empty().into());
    body.insert("validation_errors".to_owned(), errors.into());
    for package in PACKAGES {
        let value = match *package {
            package if !wanted.contains(&package) => Value::Null,
            "line_type_intelligence" => line_type(&facts),
            "sim_swap" => sim_swap::package(call.api.sim_swap.as_deref(), number, &facts).await,
            _ => json!({ "error_code": NOT_HERE }),
        };
        body.insert((*package).to_owned(), value);
    }
    body
}

/// Twilio's word for a kind of line.
pub(crate) const fn line_type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Landline => "landline",
        // Where the digits don't tell, a message can go: Twilio's clients ask this to find out whether it can.
        Kind::Mobile | Kind::LandlineOrMobile => "mobile",
        Kind::TollFree => "tollFree",
        Kind::Premium => "premium",
        Kind::SharedCost => "sharedCost",
        Kind::Voip => "fixedVoip",
        Kind::Personal => "personal",
        Kind::Pager => "pager",
        Kind::Uan => "uan",
        Kind::Voicemail => "voicemail",
        _ => "unknown",
    }
}

fn network(facts: &Facts) -> (Option<&str>, Option<&str>) {
    facts.mcc_mnc.and_then(|network| network.split_once(':')).unzip()
}

fn line_type(facts: &Facts) -> Value {
    let (mcc, mnc) = network(facts);
    json!({
        "mobile_country_code": mcc,
        "mobile_network_code": mnc,
        "carrier_name": facts.original_carrier,
        "original_carrier": facts.original_carrier.is_some(),
        "type": line_type_of(facts.kind),
        "ambiguous": matches!(facts.kind, Kind::LandlineOrMobile),
        "error_code": Value::Null,
    })
}
