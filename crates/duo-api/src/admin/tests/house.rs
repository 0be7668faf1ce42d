//! A door with one tenant, and calls as they come out of the pipeline.

use crate::{
    admin::ROUTES,
    door::{Call, Door, Verb},
    wire::{ApiError, Envelope, Limits, Params},
};
use ::auth::Auth;
use directory::{Directory, IntegrationFields, NewIntegration, NewTenant, NewUser, Scope};
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::Courier;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use store::{Store, UserRow};
use tempfile::TempDir;
use types::{ManualClock, Millis, TenantId, World};

pub(super) const NOW: Millis = Millis(1_795_280_601_805);

pub(super) struct House {
    pub(super) door: Arc<Door>,
    pub(super) directory: Directory,
    pub(super) clock: Arc<ManualClock>,
    pub(super) tenant: TenantId,
    /// A key that may do everything but give what it doesn't have.
    pub(super) ikey: String,
    _scratch: TempDir,
}

impl House {
    pub(super) async fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (made, clock) = World::made(NOW, 5);
        let world = World { random: World::real().random, ..made };
        let root = FileRoot::open_or_create(&scratch.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", scratch.path().join("store.db").display());
        let engine = store::open(&url, &store::Options::default()).await.unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let marks = DayKeys::open_or_create(&scratch.path().join("log-marks.key"), &ring, &world).unwrap();
        let store = Arc::new(Store::new(engine, ring, world).with_mark_keys(Arc::new(marks)));
        let directory = Directory::new(Arc::clone(&store), crate::checks());
        let new = NewTenant { name: "t".to_owned(), api_host: "api-t.example.org".to_owned(), ..NewTenant::default() };
        let tenant = directory.create_tenant(&new, "setup").await.unwrap().id;
        let courier = Arc::new(Courier::new(Arc::clone(&store), Vec::new()));
        let auth = Auth::start(store, courier);
        let door = Arc::new(Door::new(auth, Vec::new(), Duration::from_secs(1)));
        let mut house = Self { door, directory, clock, tenant, ikey: String::new(), _scratch: scratch };
        let grants =
            ["read_resource", "write_resource", "read_log", "settings", "integrations", "info", "read_numbers"];
        house.ikey = house.key(&grants).await;
        house
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        self.directory.tenant(self.tenant, "setup")
    }

    /// A key with these grants.
    pub(super) async fn key(&self, grants: &[&str]) -> String {
        let mut fields = IntegrationFields::default();
        for grant in grants {
            fields.set(&format!("adminapi_{grant}"), &true.into()).unwrap();
        }
        let new =
            NewIntegration { name: "k".to_owned(), r#type: "adminapi".to_owned(), fields, ..NewIntegration::default() };
        self.scope().create_integration(&new).await.unwrap().0.ikey
    }

    pub(super) async fn user(&self, name: &str) -> UserRow {
        self.scope().create_user(&NewUser { username: name.to_owned(), ..NewUser::default() }).await.unwrap()
    }

    /// Calls a route with parameters in JSON, as version 5 sends them.
    pub(super) async fn call(&self, verb: Verb, path: &str, params: Value) -> Result<Envelope, ApiError> {
        self.call_by(&self.ikey, verb, path, params).await
    }

    pub(super) async fn call_by(
        &self,
        ikey: &str,
        verb: Verb,
        path: &str,
        params: Value,
    ) -> Result<Envelope, ApiError> {
        let fits = |template: &str| -> Option<Vec<String>> {
            let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            let named = |part: &&str| part.starts_with('{');
            let alike = wanted.iter().zip(&given).all(|(wanted, given)| named(wanted) || wanted == given);
            let parts =
                wanted.iter().zip(&given).filter(|(wanted, _)| named(wanted)).map(|(_, given)| (*given).to_owned());
            (wanted.len() == given.len() && alike).then(|| parts.collect())
        };
        // A path without named parts comes first, as it does in the router.
        let mut found: Vec<_> =
            ROUTES.iter().filter(|r| r.method == verb).filter_map(|r| fits(r.path).map(|parts| (parts, r))).collect();
        found.sort_by_key(|(parts, _)| parts.len());
        let (parts, route) = found.into_iter().next().unwrap();
        let app = self.door.auth.applications().get(ikey).await.unwrap().unwrap();
        let params = Params::from_json(params.to_string().as_bytes(), &Limits::DEFAULT).unwrap();
        (route.handler)(Call { door: Arc::clone(&self.door), app, params, path: parts, request_digest: None }).await
    }

    pub(super) async fn get(&self, path: &str, params: Value) -> Value {
        self.call(Verb::Get, path, params).await.unwrap().response().clone()
    }

    pub(super) async fn post(&self, path: &str, params: Value) -> Value {
        self.call(Verb::Post, path, params).await.unwrap().response().clone()
    }

    /// The code of a refusal.
    pub(super) async fn refused(&self, verb: Verb, path: &str, params: Value) -> (u32, String) {
        let error = self.call(verb, path, params).await.unwrap_err();
        (error.code(), error.detail().to_owned())
    }
}
