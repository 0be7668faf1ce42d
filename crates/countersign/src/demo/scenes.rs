//! The logins that the demo performs, each as its client and its person would.

use std::time::Duration;

use anyhow::Context as _;
use messaging::Outbox;
use types::World;

use super::{
    browser::Browser,
    cast::{Cast, GUS, HANA},
    codes,
    duo::{Duo, Told},
    show::{ALLOW, DENY_AT_ONCE, Show, deny},
    universal::{NotRedeemed, Universal, text},
};
use crate::device::{Answer, Device};

/// How long a message may take to the telephone.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a device waits for its request, in seconds.
const DEVICE_PATIENCE: u8 = 10;
/// Wrong answers until a user is locked out: the default of a tenant.
const TOO_MANY: usize = 10;

/// Everyone's part.
pub(super) struct Scenes<'a> {
    pub(super) duo: &'a Duo,
    /// What the demo's web application is to the server.
    pub(super) universal: &'a Universal,
    /// Where people find that application.
    pub(super) application: &'a str,
    pub(super) cast: &'a Cast,
    pub(super) outbox: &'a Outbox,
    pub(super) world: &'a World,
    pub(super) show: &'a mut Show,
}

impl Scenes<'_> {
    /// Performs them all.
    pub(super) async fn perform(&mut self) -> anyhow::Result<()> {
        self.show.heads()?;
        self.passcodes().await?;
        self.pushes().await?;
        self.messages().await?;
        self.pages().await?;
        self.refusals().await
    }

    async fn passcodes(&mut self) -> anyhow::Result<()> {
        let (duo, cast) = (self.duo, self.cast);
        let code = codes::totp(cast.anna.bytes(), self.world.now());
        self.line("anna", "passcode of a TOTP token", duo.passcode("anna", &code).await, &ALLOW)?;
        self.line("anna", "the same passcode again", duo.passcode("anna", &code).await, &deny("deny"))?;
        let code = codes::not_totp(cast.anna.bytes(), self.world.now());
        self.line("anna", "a wrong passcode", duo.passcode("anna", &code).await, &deny("deny"))?;
        let code = codes::counter(cast.ben.bytes(), 0);
        self.line("ben", "passcode of an HOTP token", duo.passcode("ben", &code).await, &ALLOW)?;
        let code = codes::counter(cast.ben.bytes(), 4);
        self.line("ben", "passcode four presses further on", duo.passcode("ben", &code).await, &ALLOW)?;
        let code = codes::counter(cast.ben.bytes(), 2);
        self.line("ben", "a passcode that was passed over", duo.passcode("ben", &code).await, &deny("deny"))?;
        let code = codes::yubico(&cast.chris.0, &cast.chris.1, 1, 0).context("no code of the key")?;
        self.line("chris", "touch of a YubiKey", duo.passcode("chris", &code).await, &ALLOW)?;
        self.line("chris", "the same touch again", duo.passcode("chris", &code).await, &deny("deny"))
    }

    async fn pushes(&mut self) -> anyhow::Result<()> {
        let cast = self.cast;
        let approved = self.push("dora", &cast.dora, |code| Answer::Approve(Some(code))).await;
        self.line("dora", "push; the six digits typed on the device", approved, &ALLOW)?;
        let denied = self.push("emil", &cast.emil, |_| Answer::Deny).await;
        self.line("emil", "push; denied on the device", denied, &deny("deny"))?;
        let reported = self.push("fay", &cast.fay, |_| Answer::Fraud).await;
        self.line("fay", "push; \"it wasn't me\"", reported, &deny("fraud"))?;
        let refused = self.refused_push("fay").await;
        self.line("fay", "push; somebody tries it once more", refused, &deny("deny"))
    }

    /// The code of preauth is shown at the sign-in; the person types it into the device, or answers otherwise.
    async fn push(
        &self,
        who: &str,
        device: &Device,
        answer: impl for<'c> FnOnce(&'c str) -> Answer<'c>,
    ) -> anyhow::Result<Told> {
        let (txid, code) = self.duo.preauth(who).await?.offer.context("preauth offered no push")?;
        let txid = self.duo.begin(who, "push", Some(&txid)).await?;
        let waiting = device.requests(DEVICE_PATIENCE).await?;
        let request = waiting.first().context("no request came to the device")?;
        device.answer(&request.id, answer(&code)).await?;
        Ok(self.duo.finish(&txid).await?.0)
    }

    async fn refused_push(&self, who: &str) -> anyhow::Result<Told> {
        let offer = self.duo.preauth(who).await?.offer.map(|(txid, _)| txid);
        let txid = self.duo.begin(who, "push", offer.as_deref()).await?;
        Ok(self.duo.finish(&txid).await?.0)
    }

    async fn messages(&mut self) -> anyhow::Result<()> {
        let duo = self.duo;
        let sms = [("username", "gus"), ("factor", "sms"), ("device", "auto")];
        self.line("gus", "SMS, please", duo.auth(&sms).await, &deny("sent"))?;
        let text = self.arrived(GUS).await?;
        let digits = |word: &&str| word.len() > 5 && word.bytes().all(|byte| byte.is_ascii_digit());
        let code = text.split_whitespace().find(digits).context("no passcode in the message")?;
        self.line("gus", "passcode of the message", duo.passcode("gus", code).await, &ALLOW)?;
        self.line("gus", "the same passcode again", duo.passcode("gus", code).await, &deny("deny"))?;
        let called = match duo.begin("hana", "phone", None).await {
            Ok(txid) => duo.finish(&txid).await.map(|(told, _)| told),
            Err(error) => Err(error),
        };
        self.arrived(HANA).await?;
        self.line("hana", "call; the two digits of the screen pressed", called, &ALLOW)
    }

    /// Shows the message that came to a telephone.
    async fn arrived(&self, number: &str) -> anyhow::Result<String> {
        let message = self.outbox.wait_for(number, PATIENCE).await.context("no message came")?;
        let kind = match message.kind {
            messaging::ChannelKind::Sms => "SMS to",
            messaging::ChannelKind::Voice => "call to",
            messaging::ChannelKind::Email => "mail to",
            messaging::ChannelKind::WhatsApp => "WhatsApp to",
            messaging::ChannelKind::Telegram => "Telegram to",
        };
        let text = message.text.expose().to_owned();
        self.show.message(&format!("{kind} {number}\n{text}"))?;
        Ok(text)
    }

    /// The demo's web application, in a browser without script: passkeys need one, and somebody at it.
    async fn pages(&mut self) -> anyhow::Result<()> {
        let mut browser = Browser::new()?;
        let stranger = self.stranger(&mut browser).await;
        self.line("lena", "her sign-in page, opened by somebody else", stranger, &deny("403"))?;
        let code = codes::totp(self.cast.lena.bytes(), self.world.now());
        let told = self.typed(&mut browser, &code).await;
        self.line("lena", "passcode on the web application's page", told, &ALLOW)?;
        let address = browser.page().address.clone();
        let again = self.redeemed_again(&address).await;
        self.line("lena", "what her browser brought back, a second time", again, &deny("invalid_grant"))
    }

    /// The way from the application to the page, which belongs to the browser that went it.
    async fn stranger(&self, browser: &mut Browser) -> anyhow::Result<Told> {
        browser.open(self.application).await?;
        let page = browser.send("/sign-in", &[("username", "lena")]).await?.address.clone();
        let mut other = Browser::new()?;
        let shown = other.open(&page).await?;
        let result = if shown.status == 200 { "allow" } else { "deny" };
        let message = shown.heading().unwrap_or_default();
        Ok(Told { result: result.to_owned(), status: shown.status.to_string(), message })
    }

    /// From the page back to the application, which shows what it was told.
    async fn typed(&self, browser: &mut Browser, code: &str) -> anyhow::Result<Told> {
        let shown = browser.send("/passcode", &[("code", code)]).await?;
        let claims = shown.text("claims").with_context(|| shown.text("error").unwrap_or_default())?;
        let claims = serde_json::from_str(&claims)?;
        let of = |name| text(&claims, &format!("/auth_result/{name}")).unwrap_or_default().to_owned();
        Ok(Told { result: of("result"), status: of("status"), message: of("status_msg") })
    }

    async fn redeemed_again(&self, address: &str) -> anyhow::Result<Told> {
        let query = address.split_once('?').context("the browser brought nothing back")?.1;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, code) = pairs.find(|(name, _)| name == "duo_code").context("the browser brought no code back")?;
        Ok(match self.universal.redeem(&code, "lena").await? {
            Ok(_) => Told { result: "allow".to_owned(), ..Told::default() },
            Err(NotRedeemed(why)) => Told { result: "deny".to_owned(), message: why.clone(), status: why },
        })
    }

    async fn refusals(&mut self) -> anyhow::Result<()> {
        let (duo, cast) = (self.duo, self.cast);
        let code = cast.ivan.expose();
        self.line("ivan", "bypass code", duo.passcode("ivan", code).await, &ALLOW)?;
        self.line("ivan", "the same bypass code again", duo.passcode("ivan", code).await, &deny("deny"))?;
        let mut last = Err(anyhow::anyhow!("nothing was asked"));
        for wrong in codes::not_counter(cast.jan.bytes()).take(TOO_MANY) {
            last = duo.passcode("jan", &wrong).await;
        }
        self.line("jan", "ten wrong passcodes, the last of which:", last, &deny("locked_out"))?;
        let code = codes::counter(cast.jan.bytes(), 0);
        self.line("jan", "the right passcode, too late", duo.passcode("jan", &code).await, &deny("locked_out"))?;
        let told = duo.preauth("kim").await.map(|preauth| preauth.told);
        self.line("kim", "nothing yet: the account is disabled", told, &DENY_AT_ONCE)
    }

    fn line(
        &mut self,
        who: &str,
        asked: &str,
        told: anyhow::Result<Told>,
        expected: &super::show::Expected,
    ) -> anyhow::Result<()> {
        self.show.login(who, asked, &told, expected)
    }
}
