//! Policy: what an application asks of whom, and which rule said so.
//!
//! Three layers, the nearest wins section by section: a group's policy at the application, the application's policy, the global
//! policy; below them stand the defaults. Sections have the names and shapes of Duo's Admin API v2. A policy that can't be
//! understood is an error, and an error is a denial.

use crate::Client;
use serde::Deserialize;
use std::{net::IpAddr, sync::Arc, time::Duration};
use types::GroupId;

/// A kind of proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A request on the authenticator.
    Push,
    /// A call.
    Phone,
    /// A passcode in a text message.
    Sms,
    /// A passcode of a token.
    Token,
    /// A passcode that an administrator gave.
    Bypass,
    /// A passkey, in a browser.
    Passkey,
}

impl Method {
    /// What proves a person, and is weaker than a passkey.
    pub(crate) const WEAKER: [Self; 4] = [Self::Push, Self::Phone, Self::Sms, Self::Token];

    /// Duo's names in `allowed_auth_list` and `blocked_auth_list`.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Push => &["duo-push"],
            Self::Phone => &["phonecall"],
            Self::Sms => &["sms"],
            Self::Token => &["hardware-token", "duo-passcode"],
            Self::Bypass => &["bypass"],
            Self::Passkey => &[PLATFORM, ROAMING],
        }
    }
}

/// Duo's name for a passkey that lives in the device itself …
const PLATFORM: &str = "webauthn-platform";
/// … and for one that goes along: a security key, a telephone.
const ROAMING: &str = "webauthn-roaming";

/// What happens to somebody who has nothing to authenticate with, or isn't known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum NewUser {
    /// Asked to enrol.
    #[serde(rename = "enroll")]
    Enroll,
    /// Let in.
    #[serde(rename = "no-mfa")]
    Allow,
    /// Refused.
    #[serde(rename = "deny")]
    Deny,
}

/// What is asked of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserAuth {
    /// A second factor.
    Enforce,
    /// Nothing.
    Bypass,
    /// Nobody gets in.
    Deny,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct AuthenticationMethods {
    allowed_auth_list: Option<Vec<String>>,
    blocked_auth_list: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
struct NewUserSection {
    new_user_behavior: NewUser,
}

#[derive(Clone, Debug, Deserialize)]
struct AuthenticationPolicy {
    user_auth_behavior: UserAuth,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct AuthorizedNetworks {
    no_2fa_required: NetworkList,
    mfa_required: NetworkList,
    blocked: NetworkList,
    deny_other_access: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkList {
    ip_list: Vec<Network>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RememberedDevices {
    enabled: bool,
    days: Option<u64>,
    browser_apps: Option<BrowserApps>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct BrowserApps {
    enabled: bool,
    user_based: Option<TimeLimit>,
}

#[derive(Clone, Debug, Deserialize)]
struct TimeLimit {
    max_time_units: String,
    max_time_value: u64,
}

/// One policy's sections; those that are absent leave the question to the layer below.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Sections {
    authentication_methods: Option<AuthenticationMethods>,
    new_user: Option<NewUserSection>,
    authentication_policy: Option<AuthenticationPolicy>,
    authorized_networks: Option<AuthorizedNetworks>,
    remembered_devices: Option<RememberedDevices>,
}

/// A network: an address, a CIDR block, or a range `first-last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    first: u128,
    last: u128,
}

/// The text is not an address, a block or a range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an IP address, CIDR block or range")]
pub struct InvalidNetwork;

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;
    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

/// IPv4 addresses stand where IPv6 maps them (RFC 4291 §2.5.5.2), so that both spellings of one address are one.
fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

impl std::str::FromStr for Network {
    type Err = InvalidNetwork;
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let ip = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| InvalidNetwork);
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (number(ip(first)?), number(ip(last)?));
            return if first <= last { Ok(Self { first, last }) } else { Err(InvalidNetwork) };
        }
        let Some((base, bits)) = text.split_once('/') else {
            let one = number(ip(text)?);
            return Ok(Self { first: one, last: one });
        };
        let base = ip(base)?;
        let bits: u32 = bits.trim().parse().map_err(|_| InvalidNetwork)?;
        let host_bits = if base.is_ipv4() { 32_u32 } else { 128 }.checked_sub(bits).ok_or(InvalidNetwork)?;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        let first = number(base) & mask;
        Ok(Self { first, last: first | !mask })
    }
}

impl Network {
    /// Whether `ip` lies in it.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        (self.first..=self.last).contains(&number(ip))
    }
}

/// One layer: a policy and where it hangs.
#[derive(Clone, Debug)]
pub struct Layer {
    name: String,
    sections: Sections,
}

/// A stored policy that can't be understood. Whoever meets it is denied.
#[derive(Debug, thiserror::Error)]
#[error("policy {name} can't be understood: {cause}")]
pub struct InvalidPolicy {
    name: String,
    cause: String,
}

impl Layer {
    /// Reads a policy's sections.
    pub fn parse(name: &str, sections: &str) -> Result<Self, InvalidPolicy> {
        // By way of a map: serde would read a list of sections too, by their places.
        let sections = serde_json::from_str::<serde_json::Map<_, _>>(sections)
            .and_then(|map| serde_json::from_value(map.into()))
            .map_err(|error| InvalidPolicy { name: name.to_owned(), cause: error.to_string() })?;
        Ok(Self { name: name.to_owned(), sections })
    }
}

/// Which rule said so: for logs, for `explain`, and for the person who must change it.
pub type Rule = String;

/// An application's layers.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// For members of a group, in the order in which they are asked.
    pub groups: Vec<(GroupId, Arc<Layer>)>,
    /// For everybody at the application.
    pub application: Option<Arc<Layer>>,
    /// For everybody everywhere.
    pub global: Option<Arc<Layer>>,
    /// The tenant's switch above all of them: passkeys and nothing else.
    pub passkey_only: bool,
}

/// The layers that apply to one user.
#[derive(Debug)]
pub struct Applied<'a> {
    layers: Vec<&'a Layer>,
    passkey_only: bool,
}

/// The switch that stands above every policy.
const PASSKEY_ONLY: &str = "setting: passkey_only";

/// What the networks' rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkVerdict {
    /// No second factor from here.
    Trusted,
    /// Nobody gets in from here.
    Blocked,
    /// As from anywhere.
    Normal,
}

impl Policies {
    /// The layers for somebody in `groups`, nearest first.
    #[must_use]
    pub fn applied(&self, groups: &[GroupId]) -> Applied<'_> {
        let of_groups = self.groups.iter().filter(|(group, _)| groups.contains(group)).map(|(_, layer)| layer);
        Applied {
            layers: of_groups.chain(&self.application).chain(&self.global).map(Arc::as_ref).collect(),
            passkey_only: self.passkey_only,
        }
    }
}

impl Applied<'_> {
    fn first<'s, T>(&'s self, section: &'static str, get: impl Fn(&'s Sections) -> Option<T>) -> (Option<T>, Rule) {
        self.layers
            .iter()
            .find_map(|layer| Some((Some(get(&layer.sections)?), format!("policy {}: {section}", layer.name))))
            .unwrap_or_else(|| (None, format!("default: {section}")))
    }

    /// What happens to a new user. Default: enrol.
    #[must_use]
    pub fn new_user(&self) -> (NewUser, Rule) {
        let (found, rule) = self.first("new_user", |s| s.new_user.as_ref().map(|n| n.new_user_behavior));
        match found.unwrap_or(NewUser::Enroll) {
            NewUser::Allow if self.passkey_only => (NewUser::Deny, PASSKEY_ONLY.to_owned()),
            found => (found, rule),
        }
    }

    /// What is asked of everybody. Default: a second factor.
    #[must_use]
    pub fn user_auth(&self) -> (UserAuth, Rule) {
        let get = |s: &Sections| s.authentication_policy.as_ref().map(|p| p.user_auth_behavior);
        let (found, rule) = self.first("authentication_policy", get);
        match found.unwrap_or(UserAuth::Enforce) {
            UserAuth::Bypass if self.passkey_only => (UserAuth::Enforce, PASSKEY_ONLY.to_owned()),
            found => (found, rule),
        }
    }

    /// Whether a kind of proof is accepted. Default: all are.
    #[must_use]
    pub fn allows(&self, method: Method) -> (bool, Rule) {
        if method == Method::Passkey {
            // Of either kind; which passkeys those are says `allows_passkey`.
            let (platform, rule) = self.allows_passkey(true);
            return (platform || self.allows_passkey(false).0, rule);
        }
        if self.passkey_only {
            return (false, PASSKEY_ONLY.to_owned());
        }
        self.listed(method.names(), method)
    }

    /// Whether a passkey is accepted that lives in the device itself (`platform`), or one that goes along.
    #[must_use]
    pub fn allows_passkey(&self, platform: bool) -> (bool, Rule) {
        self.listed(&[if platform { PLATFORM } else { ROAMING }], Method::Passkey)
    }

    fn listed(&self, names: &[&str], method: Method) -> (bool, Rule) {
        let (found, rule) = self.first("authentication_methods", |s| s.authentication_methods.as_ref());
        let Some(section) = found else { return (true, rule) };
        let listed = |list: &[String]| list.iter().any(|name| names.contains(&name.as_str()));
        let allowed = match (&section.allowed_auth_list, &section.blocked_auth_list) {
            (_, Some(blocked)) if listed(blocked) => false,
            // Bypass codes are an administrator's act: a list of allowed methods that doesn't name them leaves them be, as
            // Duo does; a list of blocked ones can name them.
            (Some(allowed), _) => listed(allowed) || method == Method::Bypass,
            (None, _) => true,
        };
        (allowed, rule)
    }

    /// What the networks' rules say of `ip`. An unknown address is never a trusted one.
    #[must_use]
    pub fn network(&self, ip: Option<IpAddr>) -> (NetworkVerdict, Rule) {
        let (found, rule) = self.first("authorized_networks", |s| s.authorized_networks.as_ref());
        let Some(section) = found else { return (NetworkVerdict::Normal, rule) };
        let within = |list: &NetworkList| ip.is_some_and(|ip| list.ip_list.iter().any(|network| network.contains(ip)));
        let trusts = !self.passkey_only;
        let verdict = if within(&section.blocked) {
            NetworkVerdict::Blocked
        } else if within(&section.mfa_required) {
            NetworkVerdict::Normal
        } else if within(&section.no_2fa_required) {
            if trusts { NetworkVerdict::Trusted } else { NetworkVerdict::Normal }
        } else if section.deny_other_access {
            NetworkVerdict::Blocked
        } else {
            NetworkVerdict::Normal
        };
        (verdict, rule)
    }

    /// What they say of a client. Where some networks are blocked, an address that can't be read may be in one of them.
    #[must_use]
    pub fn network_of(&self, client: &Client) -> (NetworkVerdict, Rule) {
        let (found, rule) = self.first("authorized_networks", |s| s.authorized_networks.as_ref());
        if client.networks_asked {
            return (NetworkVerdict::Normal, rule);
        }
        if client.unreadable_ip && found.is_some_and(|section| !section.blocked.ip_list.is_empty()) {
            return (NetworkVerdict::Blocked, rule);
        }
        self.network(client.ip)
    }

    /// For how long a device may be remembered. Default: not at all.
    #[must_use]
    pub fn remember(&self) -> (Option<Duration>, Rule) {
        if self.passkey_only {
            return (None, PASSKEY_ONLY.to_owned());
        }
        let (found, rule) = self.first("remembered_devices", |s| s.remembered_devices.as_ref());
        let length = found.and_then(|section| {
            if section.enabled {
                return Some(Duration::from_secs(section.days.unwrap_or(30).min(365) * 86_400));
            }
            let limit = section.browser_apps.as_ref().filter(|apps| apps.enabled)?.user_based.as_ref()?;
            let unit = match limit.max_time_units.as_str() {
                "days" => 86_400,
                "hours" => 3_600,
                _ => return None,
            };
            Some(Duration::from_secs(limit.max_time_value.saturating_mul(unit).min(365 * 86_400)))
        });
        (length, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, sections: &str) -> Arc<Layer> {
        Arc::new(Layer::parse(name, sections).unwrap())
    }

    fn group() -> GroupId {
        "DGAAAAAAAAAAAAAAAAAA".parse().unwrap()
    }

    #[test]
    fn the_nearest_layer_wins_section_by_section_and_is_named() {
        let policies = Policies {
            groups: vec![(group(), layer("admins", r#"{"new_user":{"new_user_behavior":"deny"}}"#))],
            application: Some(layer("vpn", r#"{"authentication_methods":{"blocked_auth_list":["sms","phonecall"]}}"#)),
            global: Some(layer("global", r#"{"new_user":{"new_user_behavior":"no-mfa"}}"#)),
            passkey_only: false,
        };
        let member = policies.applied(&[group()]);
        assert_eq!(member.new_user(), (NewUser::Deny, "policy admins: new_user".to_owned()));
        assert_eq!(member.allows(Method::Sms), (false, "policy vpn: authentication_methods".to_owned()));
        assert!(member.allows(Method::Push).0);
        assert_eq!(policies.applied(&[]).new_user(), (NewUser::Allow, "policy global: new_user".to_owned()));
        assert_eq!(policies.applied(&[]).user_auth(), (UserAuth::Enforce, "default: authentication_policy".to_owned()));
    }

    #[test]
    fn networks() {
        let policies = Policies {
            application: Some(layer(
                "vpn",
                r#"{"authorized_networks":{"no_2fa_required":{"ip_list":["10.0.0.0/8","192.0.2.1-192.0.2.9"]},
                    "mfa_required":{"ip_list":["10.9.0.0/16"]},"blocked":{"ip_list":["2001:db8::/32"]},"deny_other_access":true}}"#,
            )),
            ..Policies::default()
        };
        let applied = policies.applied(&[]);
        let verdict = |ip: &str| applied.network(Some(ip.parse().unwrap())).0;
        assert_eq!(verdict("10.1.2.3"), NetworkVerdict::Trusted);
        assert_eq!(verdict("::ffff:10.1.2.3"), NetworkVerdict::Trusted);
        assert_eq!(verdict("10.9.2.3"), NetworkVerdict::Normal);
        assert_eq!(verdict("192.0.2.9"), NetworkVerdict::Trusted);
        assert_eq!(verdict("192.0.2.10"), NetworkVerdict::Blocked);
        assert_eq!(verdict("2001:db8::1"), NetworkVerdict::Blocked);
        assert_eq!(applied.network(None).0, NetworkVerdict::Blocked);
        assert_eq!(applied.network_of(&Client::default()).0, NetworkVerdict::Blocked);
        assert_eq!(applied.network_of(&Client::by_grant()).0, NetworkVerdict::Normal);
    }

    #[test]
    fn passkeys_of_one_kind_can_be_blocked() {
        let blocked = layer("keys", r#"{"authentication_methods":{"blocked_auth_list":["webauthn-platform"]}}"#);
        let policies = Policies { global: Some(blocked), ..Policies::default() };
        let applied = policies.applied(&[]);
        assert!(
            applied.allows(Method::Passkey).0 && applied.allows_passkey(false).0 && !applied.allows_passkey(true).0
        );
    }

    #[test]
    fn passkey_only_stands_above_every_policy() {
        let mild = r#"{"new_user":{"new_user_behavior":"no-mfa"},"authentication_policy":{"user_auth_behavior":"bypass"},
            "authorized_networks":{"no_2fa_required":{"ip_list":["10.0.0.0/8"]}},"remembered_devices":{"enabled":true}}"#;
        let policies = Policies { global: Some(layer("mild", mild)), passkey_only: true, ..Policies::default() };
        let applied = policies.applied(&[]);
        for method in [Method::Push, Method::Phone, Method::Sms, Method::Token, Method::Bypass] {
            assert_eq!(applied.allows(method), (false, "setting: passkey_only".to_owned()), "{method:?}");
        }
        assert!(applied.allows(Method::Passkey).0);
        assert_eq!(applied.new_user().0, NewUser::Deny);
        assert_eq!(applied.user_auth().0, UserAuth::Enforce);
        assert_eq!(applied.network(Some("10.1.2.3".parse().unwrap())).0, NetworkVerdict::Normal);
        assert_eq!(applied.remember().0, None);
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        for sections in ["", "[]", r#"{"new_user":{"new_user_behavior":"maybe"}}"#, r#"{"new_user":{}}"#] {
            assert!(Layer::parse("x", sections).is_err(), "{sections}");
        }
        assert!(Layer::parse("x", r#"{"authorized_networks":{"blocked":{"ip_list":["10.0.0.0/33"]}}}"#).is_err());
        assert!("9.0.0.0-1.0.0.0".parse::<Network>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_network_or_an_error(text in "[0-9a-f.:/ -]{0,50}") {
            if let Ok(network) = text.parse::<Network>() {
                proptest::prop_assert!(network.first <= network.last);
            }
        }

        #[test]
        fn a_block_holds_its_ends_and_not_its_neighbours(base: u32, bits in 1_u32..=32) {
            let mask = u32::MAX << (32 - bits);
            let (first, last) = (base & mask, (base & mask) | !mask);
            let network: Network = format!("{}/{bits}", std::net::Ipv4Addr::from(base)).parse().unwrap();
            let holds = |ip: u32| network.contains(std::net::Ipv4Addr::from(ip).into());
            proptest::prop_assert!(holds(first) && holds(last) && holds(base));
            proptest::prop_assert!(first == 0 || !holds(first - 1));
            proptest::prop_assert!(last == u32::MAX || !holds(last + 1));
        }

        #[test]
        fn any_sections_are_read_or_an_error(text in "\\PC{0,200}") {
            let _ = Layer::parse("x", &text);
        }
    }
}
