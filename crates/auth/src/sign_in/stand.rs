//! How a sign-in stands: what the rules say of its person, and what may be shown and tried.
//!
//! Two answers are kept apart. What is *shown* is all that a stranger may see: at the person's own pages, in a browser that isn't
//! known, it is the same for every name, also for one that nobody has. What *works* is what the account really has.

use super::{Browser, Hidden, Level, Purpose, SignIn};
use crate::{
    Application, Auth, AuthError, Capability, Client, Decision, Device, Subject, Verdict, admit::NEW_DENIED,
    policy::Method,
};
use messaging::ChannelKind;
use store::login::Holder;
use types::UserId;

/// Which factors.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Offers {
    pub(crate) passkey: bool,
    pub(crate) push: bool,
    pub(crate) passcode: bool,
    pub(crate) sms: bool,
    pub(crate) phone: bool,
    pub(crate) recovery: bool,
    pub(crate) password: bool,
}

/// How a sign-in stands.
pub(crate) struct Stand {
    pub(crate) decision: Decision,
    /// The person; none for a name that nobody has, and where none was given.
    pub(crate) holder: Option<Holder>,
    /// Whether the browser may see nothing that depends on the person.
    pub(crate) stranger: bool,
    /// What may be asked for.
    pub(crate) shown: Offers,
    /// What leads anywhere; for strangers asked for apart, by [`Auth::works`].
    pub(crate) works: Offers,
    /// Whether the rules let the person try at all, whatever a stranger is shown.
    admitted: bool,
    /// The person's devices, where they may be seen.
    pub(crate) devices: Vec<Device>,
    pub(crate) hidden: Hidden,
}

impl Auth {
    /// Asks all rules again: each step of a sign-in is another request.
    pub(crate) async fn stand(&self, sign_in: &SignIn, browser: &Browser) -> Result<Stand, AuthError> {
        let app = &*sign_in.app;
        let client = client(browser);
        let admission = match (sign_in.user, sign_in.username()) {
            (Some(id), _) => match self.admit(app, &Subject::Id(id), &client).await {
                Err(AuthError::NoUser) => None,
                done => Some(done?),
            },
            (None, Some(name)) => Some(self.admit(app, &Subject::Name(name.to_owned()), &client).await?),
            (None, None) => None,
        };
        let (mut decision, mut holder) = match admission {
            Some(admission) => (admission.decision, admission.holder),
            None => (open_to_all(), None),
        };
        if matches!(sign_in.purpose(), Purpose::Application { .. }) {
            if let (Verdict::Challenge, Some(person)) = (decision.verdict, &holder)
                && let Some(rule) = self.remembered_here(app, person, browser).await?
            {
                decision = Decision {
                    verdict: Verdict::Allow,
                    reason: "remembered_device",
                    rule,
                    message: "Remembered device".to_owned(),
                };
            }
        } else {
            // These lead to what a person signs in with. Nobody gets there by a name alone, whatever lets them into applications,
            // and nobody enrols there before something has said who they are: a password at an application, a provider everywhere. One
            // that only a rule points at an account says too little for that. A recovery code leads to one's own pages all the same.
            let own_pages = !matches!(sign_in.purpose(), Purpose::SingleSignOn { .. });
            let enrolls = decision.verdict == Verdict::Enroll
                && !matches!(sign_in.purpose(), Purpose::StepUp { .. })
                && sign_in.request.first.as_ref().is_some_and(|first| !first.link);
            let new = decision.reason == NEW_DENIED && holder.is_some();
            if decision.verdict == Verdict::Allow || (own_pages && new && !enrolls) {
                decision = open_to_all();
            }
            if decision.verdict == Verdict::Enroll && !enrolls {
                decision = Decision { verdict: Verdict::Deny, ..decision };
            }
            // A name that came into being after it was typed here is still nobody's.
            if sign_in.user.is_none() {
                (decision, holder) = (open_to_all(), None);
            }
        }
        let known = match &holder {
            Some(holder) => self.knows(app.tenant, holder.user.id, browser).await?,
            None => {
                // As long as for somebody: a browser can bring secrets that are nobody's.
                self.knows(app.tenant, UserId::from_uuid(sign_in.id.uuid()), browser).await?;
                false
            }
        };
        // Who has given a first proof may be shown what there is to go on with.
        let stranger = sign_in.purpose().is_open_to_all() && !known && sign_in.proof().is_none();
        let admitted = decision.verdict == Verdict::Challenge;
        if stranger {
            return Ok(Stand {
                // A stranger isn't told that an account is disabled or locked either; nothing works for it.
                decision: open_to_all(),
                holder,
                stranger,
                shown: self.shown_to_strangers(sign_in),
                works: Offers::default(),
                admitted,
                devices: Vec::new(),
                hidden: if app.settings.passkey_only { Hidden::Nothing } else { Hidden::NewBrowser },
            });
        }
        let mut works = Offers::default();
        let (mut devices, mut hidden) = (Vec::new(), Hidden::Nothing);
        if let (true, Some(holder)) = (admitted, &holder) {
            devices = self.devices(app, holder).await?;
            (works, hidden) = self.offers(sign_in, holder, &devices, known);
            keep_offered(&mut devices, works);
        }
        Ok(Stand { decision, holder, stranger, shown: works, works, admitted, devices, hidden })
    }

    /// What leads anywhere. A stranger's page doesn't ask this: the time that it takes would tell whether there is an account.
    pub(crate) async fn works(&self, sign_in: &SignIn, stand: &Stand) -> Result<Offers, AuthError> {
        match &stand.holder {
            Some(holder) if stand.stranger && stand.admitted => {
                let devices = self.devices(&sign_in.app, holder).await?;
                Ok(self.offers(sign_in, holder, &devices, false).0)
            }
            _ => Ok(stand.works),
        }
    }

    /// What an account can really do here.
    fn offers(&self, sign_in: &SignIn, holder: &Holder, devices: &[Device], known: bool) -> (Offers, Hidden) {
        let settings = &sign_in.app.settings;
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = sign_in.app.policies.applied(&groups);
        let can = |what: Capability| devices.iter().any(|device| device.capabilities.contains(&what));
        let passkey = holder.user.passkeys > 0 && policy.allows(Method::Passkey).0;
        // Adding or removing authenticators takes the best that the person has, whatever the setting says of signing in.
        let weaker = !passkey || (settings.weaker_with_passkey && !matches!(sign_in.purpose(), Purpose::StepUp { .. }));
        let may_push = known || settings.push_in_new_browsers;
        let typed = [Method::Token, Method::Sms, Method::Bypass].into_iter().any(|method| policy.allows(method).0);
        let enough = alone_reaches(sign_in);
        let offers = Offers {
            passkey,
            push: enough && weaker && may_push && can(Capability::Push),
            passcode: enough && weaker && typed,
            sms: enough && weaker && can(Capability::Sms),
            phone: enough && weaker && can(Capability::Phone),
            recovery: *sign_in.purpose() == Purpose::Portal,
            password: weaker && takes_password(sign_in),
        };
        let has_push = holder.phones.iter().any(|phone| phone.public_key.is_some()) && policy.allows(Method::Push).0;
        let hidden = if settings.passkey_only && !passkey {
            Hidden::PasskeyOnly
        } else if !enough && !passkey && !offers.password {
            Hidden::TooWeak
        } else if !weaker {
            Hidden::Passkey
        } else if has_push && !can(Capability::Push) {
            Hidden::Suspended
        } else if has_push && !may_push {
            Hidden::NewBrowser
        } else {
            Hidden::Nothing
        };
        (offers, hidden)
    }

    /// What the person's own pages offer to whoever types a name: it depends on the tenant, and on nobody's account.
    fn shown_to_strangers(&self, sign_in: &SignIn) -> Offers {
        let app = &*sign_in.app;
        let policy = app.policies.applied(&[]);
        let typed = [Method::Token, Method::Sms, Method::Bypass].into_iter().any(|method| policy.allows(method).0);
        let named = sign_in.username().is_some();
        let enough = alone_reaches(sign_in);
        Offers {
            passkey: policy.allows(Method::Passkey).0,
            push: false,
            passcode: enough && named && typed,
            sms: enough && named && policy.allows(Method::Sms).0 && self.courier.carries(ChannelKind::Sms),
            phone: false,
            recovery: named && *sign_in.purpose() == Purpose::Portal,
            password: named && takes_password(sign_in),
        }
    }

    /// Which rule lets a remembered browser in.
    async fn remembered_here(
        &self,
        app: &Application,
        holder: &Holder,
        browser: &Browser,
    ) -> Result<Option<String>, AuthError> {
        match &browser.trusted {
            Some(token) => self.trusted(app, holder, token).await,
            None => Ok(None),
        }
    }
}

/// Whether a factor other than a passkey is enough where it stands alone.
fn alone_reaches(sign_in: &SignIn) -> bool {
    let with = if sign_in.proof().is_some() { Level::Multi } else { Level::Single };
    sign_in.purpose().level() <= with
}

/// Whether a password is of any use: where two proofs are enough and one isn't, and it wasn't given yet.
fn takes_password(sign_in: &SignIn) -> bool {
    let settings = &sign_in.app.settings;
    let two = matches!(sign_in.purpose(), Purpose::SingleSignOn { level: Level::Multi, .. });
    two && settings.passwords && !settings.passkey_only && sign_in.request.first.is_none()
}

/// Where a request comes from, as the engine's rules want it.
pub(crate) fn client(browser: &Browser) -> Client {
    browser.client.clone()
}

fn open_to_all() -> Decision {
    Decision {
        verdict: Verdict::Challenge,
        reason: "",
        rule: "own pages".to_owned(),
        message: "Account is active".to_owned(),
    }
}

/// Takes from the devices what isn't offered here, and the devices with nothing left.
fn keep_offered(devices: &mut Vec<Device>, offers: Offers) {
    for device in devices.iter_mut() {
        device.capabilities.retain(|capability| match capability {
            Capability::Push => offers.push,
            Capability::Sms => offers.sms,
            Capability::Phone => offers.phone,
            Capability::Otp => offers.passcode,
            Capability::Auto => false,
        });
    }
    devices.retain(|device| !device.capabilities.is_empty());
}
