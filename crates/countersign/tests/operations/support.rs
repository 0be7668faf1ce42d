//! The program as a process, and a house of its own in this process, on the same directory.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use auth::{Application, Begin, Begun, Client, Factor, Outcome, Subject, otp::hotp};
use countersign::{
    config::{Config, Settings},
    services::Services,
};
use directory::{NewIntegration, NewTenant, NewToken, NewUser, Scope, Seed};
use store::TokenRow;
use types::{SecretString, TenantId, World};

/// The program with `dir` as its data directory, and nothing of this process's environment that it would read.
pub(crate) fn countersign(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
        command.env_remove(name);
    }
    command.env("COUNTERSIGN_DATA__DIR", dir);
    command
}

/// Runs it to its end: whether it was content, and all it said.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

/// The same, which must be content.
pub(crate) fn done(dir: &Path, arguments: &[&str]) -> String {
    let (ok, text) = run(&mut countersign(dir, arguments));
    assert!(ok, "{arguments:?}: {text}");
    text
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The floors on `dir`, as `serve` opens them.
pub(crate) struct House {
    pub(crate) services: Services,
    pub(crate) world: World,
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) seed: Seed,
    pub(crate) token: types::TokenId,
}

impl House {
    pub(crate) async fn open(dir: &Path) -> Self {
        let values = [("COUNTERSIGN_DATA__DIR".to_owned(), path(dir).to_owned())];
        let config = Config::from_settings(&Settings::read(None, values).unwrap()).unwrap();
        let world = World::real();
        Self { services: Services::open(&config, &world, Vec::new()).await.unwrap(), world }
    }

    /// A tenant with an application, whose key is given.
    pub(crate) async fn tenant(&self, name: &str) -> (TenantId, String) {
        let directory = self.services.directory();
        let new =
            NewTenant { name: name.to_owned(), api_host: format!("api-{name}.example.org"), ..NewTenant::default() };
        let tenant = directory.create_tenant(&new, "test").await.unwrap().id;
        let new = NewIntegration { name: "VPN".to_owned(), r#type: "authapi".to_owned(), ..NewIntegration::default() };
        let (_, keys) = directory.tenant(tenant, "test").create_integration(&new).await.unwrap();
        (tenant, keys.ikey)
    }

    pub(crate) async fn with_scope<T>(&self, tenant: TenantId, act: impl AsyncFnOnce(Scope<'_>) -> T) -> T {
        let directory = self.services.directory();
        act(directory.tenant(tenant, "test")).await
    }

    /// A person with an HOTP token, or with a TOTP token.
    pub(crate) async fn person(&self, tenant: TenantId, name: &str, timed: bool) -> Person {
        let (seed, serial) = (Seed::generate(&self.world), name.to_owned());
        let token = if timed {
            NewToken::Totp { serial, seed: seed.clone(), digits: 6, step: 30 }
        } else {
            NewToken::Hotp { serial, seed: seed.clone(), digits: 6, next: 0 }
        };
        let token = self
            .with_scope(tenant, async |scope| {
                let user =
                    scope.create_user(&NewUser { username: name.to_owned(), ..NewUser::default() }).await.unwrap();
                let token = scope.create_token(&token).await.unwrap();
                scope.attach_token(user.id, token.id).await.unwrap();
                token.id
            })
            .await;
        Person { name: name.to_owned(), seed, token }
    }

    pub(crate) async fn application(&self, ikey: &str) -> Arc<Application> {
        self.services.auth.applications().get(ikey).await.unwrap().unwrap()
    }

    pub(crate) async fn login(&self, ikey: &str, name: &str, code: String) -> Outcome {
        let begin = Begin {
            subject: Subject::Name(name.to_owned()),
            factor: Factor::Passcode(SecretString::new(code)),
            device: None,
            client: Client::default(),
            offer: None,
            details: Vec::new(),
            request_digest: None,
            later: false,
        };
        match self.services.auth.begin(&*self.application(ikey).await, begin).await.unwrap() {
            Begun::Finished(outcome) => outcome,
            Begun::Pending(_) => panic!("a passcode waits for nobody"),
        }
    }

    pub(crate) async fn token(&self, tenant: TenantId, person: &Person) -> TokenRow {
        self.services.store.tenant(tenant).token(person.token).await.unwrap().unwrap()
    }

    pub(crate) fn stop(&self) {
        self.services.auth.stop();
    }
}

impl Person {
    pub(crate) fn code(&self, counter: i64) -> String {
        hotp(self.seed.bytes().expose(), counter.unsigned_abs(), 6)
    }
}

pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}
