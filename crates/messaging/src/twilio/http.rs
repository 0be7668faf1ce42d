//! What is made and what is deleted at the supplier. How it is asked, and what its answers mean, stands in `suppliers`.

use super::{Retry, is_id};
use ::suppliers::{
    Asker, No, Patience, Refusal, Secret, Taken, presets,
    recipe::{Answer, Auth, Method, Step},
    template::Template,
};
use types::{SecretString, World};

pub(super) struct Api {
    asker: Asker,
    answer: Answer,
    base: String,
    account: String,
    pub(super) token: SecretString,
    world: World,
}

impl Api {
    pub(super) fn new(
        base: String,
        account: String,
        token: SecretString,
        retry: &Retry,
        world: World,
    ) -> Result<Self, reqwest::Error> {
        let patience =
            Patience { tries: retry.tries, pause: retry.pause, request: retry.request, ..Patience::default() };
        let asker = Asker::new(&patience, world.clone())?;
        Ok(Self { asker, answer: presets::twilio::answer(), base, account, token, world })
    }

    pub(super) fn random(&self) -> &dyn types::Random {
        self.world.random.as_ref()
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Makes a message or a call.
    ///
    /// It is tried again only where the supplier certainly made nothing: the connection failed, or it said 429 or 5xx. A request
    /// that was sent and not answered is not repeated, because a person would get the same code twice.
    pub(super) async fn create(&self, collection: &str, form: &[(&str, String)]) -> Result<Taken, No> {
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), Template::plain(value))).collect();
        let step = Step { form: Some(form), ..self.step(Method::Post, &format!("{collection}.json")) };
        let taken = self.asker.ask(&step, &self.answer).await?;
        // It said yes, but what it made can't be named: no error that may be repeated.
        if is_id(&taken.id) { Ok(taken) } else { Err(Refusal::Unknown.into()) }
    }

    /// Deletes a message or a call. Whether it is gone.
    pub(super) async fn delete(&self, collection: &str, id: &str) -> bool {
        self.asker.forget(&self.step(Method::Delete, &format!("{collection}/{id}.json"))).await
    }

    fn step(&self, method: Method, path: &str) -> Step {
        let url = format!("{}/2010-04-01/Accounts/{}/{path}", self.base, self.account);
        let password = Secret::new(self.token.expose().to_owned());
        Step {
            method,
            url: Template::plain(&url),
            query: [].into(),
            headers: [].into(),
            form: None,
            json: None,
            auth: Auth::Basic { user: self.account.clone(), password },
        }
    }
}
