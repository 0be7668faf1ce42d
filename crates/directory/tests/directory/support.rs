//! A directory with two tenants in a scratch directory.

use countersign_directory::{Checks, Directory, NewTenant, NewUser, Scope};
use keys::{FileRoot, KeyRing};
use std::{path::PathBuf, sync::Arc};
use store::{AdminLogRow, Options, Slice, Span, Store, UserRow};
use tempfile::TempDir;
use types::{Millis, TenantId, World};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);
pub(crate) const ALL: Slice = Slice { offset: 0, limit: 1000 };

pub(crate) struct Site {
    pub(crate) directory: Arc<Directory>,
    pub(crate) a: TenantId,
    pub(crate) b: TenantId,
    scratch: TempDir,
}

/// The engine's readers in small: anything that names "refused" is.
fn checks() -> Checks {
    let check = |text: &str| if text.contains("refused") { Err("refused".to_owned()) } else { Ok(()) };
    fn policy(_: &str, sections: &str) -> Result<(), String> {
        if sections.contains("refused") { Err("refused".to_owned()) } else { Ok(()) }
    }
    Checks { policy, settings: check, operator_delay: |_| Some(std::time::Duration::from_secs(86_400)) }
}

impl Site {
    pub(crate) async fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        // Chance of the real kind: ids and keys of two tests in one process must differ.
        let (world, _) = World::made(NOW, 77);
        let world = World { random: World::real().random, ..world };
        let root = FileRoot::open_or_create(&scratch.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", scratch.path().join("store.db").display());
        let engine = store::open(&url, &Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world));
        let directory = Arc::new(Directory::new(store, checks()));
        let mut tenants = Vec::new();
        for name in ["a", "b"] {
            let new = NewTenant {
                name: name.to_owned(),
                api_host: format!("api-{name}.example.org"),
                ..NewTenant::default()
            };
            tenants.push(directory.create_tenant(&new, "setup").await.unwrap().id);
        }
        Self { directory, a: tenants[0], b: tenants[1], scratch }
    }

    pub(crate) fn a(&self) -> Scope<'_> {
        self.directory.tenant(self.a, "admin of a")
    }

    pub(crate) fn b(&self) -> Scope<'_> {
        self.directory.tenant(self.b, "admin of b")
    }

    pub(crate) async fn user(&self, name: &str) -> UserRow {
        self.a().create_user(&named(name)).await.unwrap()
    }

    /// The administrator log of tenant A, oldest first.
    pub(crate) async fn log(&self) -> Vec<AdminLogRow> {
        self.a().rows().admin_log(&Span::new(Millis(0), Millis(i64::MAX), 1000)).await.unwrap()
    }

    /// Everything that the database keeps, read from its files.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.scratch.path()).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path: &PathBuf| path.to_string_lossy().contains("store.db"))
            .flat_map(|p| std::fs::read(p).unwrap())
            .collect()
    }
}

pub(crate) fn named(name: &str) -> NewUser {
    NewUser { username: name.to_owned(), ..NewUser::default() }
}

/// The words of a refusal.
pub(crate) fn refused<T>(result: Result<T, countersign_directory::DirectoryError>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}
