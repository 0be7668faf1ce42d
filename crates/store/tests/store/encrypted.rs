//! PostgreSQL over TLS: what a server must prove before anything is said to it.

use crate::support::block_on;
use countersign_e2e::{
    engines::{Engine as Kind, wanted},
    postgres::Postgres,
};
use countersign_store::{Options, StoreError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::path::Path;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { pem, issuer: Issuer::new(params, key) }
}

/// Gives the server a certificate for `name`. Its files are written by the server itself, which must own its key.
fn identify(server: &Postgres, authority: &Authority, name: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority.issuer).unwrap();
    for (file, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let lines = text.trim_end().replace('\r', "");
        let copy = format!(
            "COPY (SELECT unnest(string_to_array('{lines}', E'\\n'))) TO PROGRAM 'umask 077; /bin/cat > {file}'"
        );
        server.sql("postgres", &copy).unwrap();
    }
    server.sql("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    server.restart().unwrap();
}

async fn open(server: &Postgres, ca_file: &Path) -> Result<(), StoreError> {
    let options = Options { ca_file: Some(ca_file.to_owned()), ..Options::default() };
    let url = format!("{}?sslmode=require", server.url());
    let engine = countersign_store::open(&url, &options).await?;
    let kinds =
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'countersign'";
    assert_eq!(server.sql("postgres", kinds).unwrap().trim(), "t");
    drop(engine);
    Ok(())
}

#[test]
fn a_server_proves_its_name_or_is_told_nothing() {
    if wanted().unwrap().contains(&Kind::Postgres) {
        block_on(refused_until_it_proves_it());
    }
}

async fn refused_until_it_proves_it() {
    let server = Postgres::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (ours, strangers) = (authority(), authority());
    let ca = |name: &str, authority: &Authority| {
        let path = directory.path().join(name);
        std::fs::write(&path, &authority.pem).unwrap();
        path
    };
    let (our_file, strangers_file) = (ca("ours.pem", &ours), ca("strangers.pem", &strangers));

    // It has no TLS: that is no reason to go on in clear.
    open(&server, &our_file).await.unwrap_err();
    identify(&server, &ours, "db.example");
    open(&server, &our_file).await.unwrap_err();
    identify(&server, &ours, "127.0.0.1");
    open(&server, &strangers_file).await.unwrap_err();
    open(&server, &our_file).await.unwrap();
}
