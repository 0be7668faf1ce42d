//! AWS SNS: `Publish` to a telephone number, signed with Signature Version 4.
//!
//! Sources: Amazon SNS API Reference, `Publish` and "Common errors"; Developer Guide, "Sending SMS messages". SNS calls nobody back:
//! what becomes of a text message stands in CloudWatch Logs only, if the account has turned that on (then with the number in it: leave
//! it off). So a message through SNS ends with being taken. The text itself is not kept; SNS has nothing to delete.

use crate::{
    driver::InvalidDriver,
    letter::{Class, Kind},
    place::Place,
    recipe::{Answer, Auth, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    sigv4::Credentials,
};
use serde::Deserialize;

/// A carrier of `kind = "sns"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    region: String,
    access_key_id: String,
    secret_access_key: Secret,
    #[serde(default)]
    session_token: Option<Secret>,
    /// A sender id, where the country has them.
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let region = super::segment(&self.region)?;
        let base = super::base(self.base_url.as_deref(), &format!("https://sns.{region}.amazonaws.com"))?;
        let mut fields = vec![
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("PhoneNumber", "{to}"),
            ("Message", "{text}"),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
        ];
        if self.from.is_some() {
            fields.extend([
                ("MessageAttributes.entry.2.Name", "AWS.SNS.SMS.SenderID"),
                ("MessageAttributes.entry.2.Value.DataType", "String"),
                ("MessageAttributes.entry.2.Value.StringValue", "{from}"),
            ]);
        }
        let auth = Auth::Sigv4(Credentials {
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key,
            session_token: self.session_token,
            region: region.to_owned(),
            service: "sns".to_owned(),
        });
        let recipe = Recipe {
            prepare: None,
            send: Step::form(&format!("{base}/"), &fields, auth)?,
            answer: Answer {
                id: Some(Place::between("<MessageId>", "</MessageId>")),
                code: vec![Place::between("<Code>", "</Code>")],
                classes: table(&[
                    (&["Throttling", "Throttled", "ThrottlingException", "KMSThrottling"], Class::Throttled),
                    (&["OptedOut", "OptedOutException"], Class::OptedOut),
                    (&["InvalidParameter", "ParameterValueInvalid", "ValidationError"], Class::BadAddress),
                    (&["InternalError", "InternalFailure", "ServiceUnavailable"], Class::Supplier),
                    (
                        &[
                            "AuthorizationError",
                            "AccessDenied",
                            "AccessDeniedException",
                            "InvalidClientTokenId",
                            "SignatureDoesNotMatch",
                            "ExpiredToken",
                            "RequestExpired",
                            "IncompleteSignature",
                            "MissingAuthenticationToken",
                            "OptInRequired",
                        ],
                        Class::Account,
                    ),
                ]),
                ..Answer::default()
            },
            languages: None,
            receipts: None,
            one_address: false,
            forget: None,
        };
        Ok(Made { recipe, kind: Kind::Sms, from: self.from, verify_token: None })
    }
}
