use std::{path::Path, time::Duration};

use super::*;

fn settings(text: &str) -> Settings {
    Settings::parse(Path::new("countersign.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn config(text: &str) -> Config {
    Config::from_settings(&settings(text)).unwrap_or_else(|error| panic!("{error}"))
}

fn mistakes(text: &str) -> String {
    Config::from_settings(&settings(text)).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn nothing_given_is_a_working_configuration() {
    let config = config("");
    assert_eq!(config.server.listen, ["127.0.0.1:8443".parse().expect("an address")]);
    assert!(matches!(&config.tls, TlsMode::OwnCa { dir } if dir == Path::new("countersign-data/tls")));
    assert!(
        matches!(&config.store.url, StoreUrl::Sqlite(path) if path == Path::new("countersign-data/countersign.db"))
    );
    assert_eq!(config.keys.root, Root::File("countersign-data/root.key".into()));
    assert!(config.smtp.is_none() && config.supplier.is_none() && config.metrics.listen.is_none());
    assert_eq!(config.limits.long_poll, Duration::from_secs(20));
    assert_eq!(config.public_host(), "localhost:8443");
    assert_eq!(config.certificate_names(), ["localhost", "127.0.0.1", "::1"]);
}

#[test]
fn everything_given_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let pin = dir.path().join("pin");
    std::fs::write(&pin, "1234\n").expect("write");
    let config = config(&format!(
        r#"
        [server]
        listen = ["[::]:443", "10.1.2.3:8443"]
        api_hosts = ["API-1a2b.Example.com", "*.mfa.example.com", "10.9.9.9"]
        trusted_proxies = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]
        [tls]
        mode = "acme"
        [tls.acme]
        domains = ["api-1a2b.example.com"]
        contact = ["mailto:ops@example.com"]
        [store]
        url = "postgres://app@db/mfa"
        password = "s3cret"
        read_connections = 9
        [keys]
        root = "pkcs11:"
        older_roots = ["file:/var/old.key"]
        [keys.pkcs11]
        module = "/usr/lib/x.so"
        token_label = "mfa"
        pin_file = {pin:?}
        [smtp]
        host = "mail.example.com"
        username = "mfa"
        password = "s3cret"
        from = "mfa@example.com"
        [supplier]
        base_url = "http://127.0.0.1:9999/"
        account_sid = "AC1"
        token = "s3cret"
        from = "+15550100"
        [log]
        format = "json"
        [metrics]
        listen = "127.0.0.1:9464"
        token = "s3cret"
        "#
    ));
    assert_eq!(config.server.api_hosts, ["api-1a2b.example.com", "*.mfa.example.com", "10.9.9.9"]);
    assert_eq!(config.server.trusted_proxies.len(), 3);
    assert_eq!(config.public_host(), "api-1a2b.example.com");
    assert!(config.certificate_names().contains(&"10.1.2.3".to_owned()));
    assert!(matches!(&config.tls, TlsMode::Acme(acme) if acme.cache_dir == Path::new("countersign-data/acme")));
    assert!(
        matches!(&config.store.url, StoreUrl::Postgres { password: Some(password), .. } if password.ct_eq("s3cret"))
    );
    assert_eq!(config.keys.root, Root::Token);
    assert_eq!(config.keys.older, [Root::File("/var/old.key".into())]);
    assert!(config.keys.token.as_ref().is_some_and(|token| token.pin.ct_eq("1234")));
    assert!(config.smtp.as_ref().is_some_and(|smtp| smtp.credentials.is_some() && smtp.port == 587));
    assert!(config.supplier.as_ref().is_some_and(|supplier| supplier.base_url == "http://127.0.0.1:9999"));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn what_cannot_work_is_refused_all_at_once() {
    let text = mistakes(
        r#"
        [server]
        listen = ["localhost"]
        api_hosts = ["https://api.example.com"]
        trusted_proxies = ["10.0.0.0/99"]
        [limits]
        request_seconds = 20
        long_poll_seconds = 15
        [tls]
        mode = "files"
        [store]
        url = "mysql://x"
        [keys]
        root = "vault:x"
        [smtp]
        host = "mail.example.com"
        security = "none"
        username = "x"
        [supplier]
        base_url = "http://supplier.example.com"
        account_sid = "AC1"
        token_file = "/nonexistent/token"
        [log]
        filter = "info,,=x=y"
        [metrics]
        listen = "9464"
        "#,
    );
    for expected in [
        "countersign.toml:3: `server.listen` must be IP addresses",
        "`server.api_hosts` must be host names",
        "`server.trusted_proxies` must be networks",
        "`limits.request_seconds` must be at least ten seconds more",
        "`tls.cert_file` is needed where",
        "`tls.key_file` is needed where",
        "`store.url` must be sqlite:",
        "`keys.root` must be file:",
        "`smtp.security` must be starttls or tls",
        "`smtp.from` is needed",
        "`smtp.password` is needed",
        "`supplier.base_url` must be a URL that begins with https://",
        "`supplier.token_file`: /nonexistent/token: ",
        "`supplier.from` is needed",
        "`log.filter` must be a tracing filter",
        "`metrics.listen` must be an IP address",
    ] {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
}

#[test]
fn acme_asks_for_no_wildcards_and_no_plain_http() {
    let text = mistakes(
        "[server]\napi_hosts = [\"*.example.com\"]\n[tls]\nmode = \"acme\"\n[tls.acme]\ndirectory_url = \"http://x\"\n",
    );
    assert!(text.contains("`tls.acme.domains` is needed"), "{text}");
    assert!(text.contains("`tls.acme.directory_url` must be"), "{text}");
}

#[test]
fn metadata_and_its_roots_come_together() {
    let text = mistakes("[fido]\nmetadata_file = \"a\"\n");
    assert!(text.contains("`fido.roots_file` is needed where `fido.metadata_file` is set"), "{text}");
    let text = mistakes("[fido]\nroots_file = \"a\"\n");
    assert!(text.contains("`fido.metadata_file` is needed where `fido.roots_file` is set"), "{text}");
    assert!(config("").fido.is_none());
    let fido = config("[fido]\nmetadata_file = \"a\"\nroots_file = \"b\"\n").fido.expect("both are there");
    assert_eq!((fido.metadata_file.as_path(), fido.roots_file.as_path()), (Path::new("a"), Path::new("b")));
}

#[test]
fn a_secret_twice_in_one_place_is_refused() {
    let text = mistakes("[metrics]\ntoken = \"a\"\ntoken_file = \"/b\"\n");
    assert!(text.contains("`metrics.token_file` must be left out"), "{text}");
}

#[test]
fn what_is_printed_holds_no_secret_and_reads_back() {
    let given = "[store]\nurl = \"postgres://app:s3cret@db/mfa\"\n[supplier]\naccount_sid = \"AC1\"\ntoken = \"s3cret\"\n\
                 [log]\nfilter = \"info,a=\\\"b\\\"\"\n[metrics]\ntoken = \"s3cret\"\n";
    let settings = settings(given);
    let shown = print::effective(&settings);
    assert!(!shown.contains("s3cret"), "{shown}");
    // The positive control: the same search finds the secret where it does stand.
    assert!(given.contains("s3cret"));
    assert!(shown.contains("url = \"postgres://app:<redacted>@db/mfa\"  # countersign.toml:2"), "{shown}");
    assert!(shown.contains("token = \"<redacted>\"  # countersign.toml:5"), "{shown}");
    let again = Settings::parse(Path::new("again.toml"), &shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
    assert_eq!(again.number("limits.connections"), 10_000);
    assert_eq!(again.text("log.filter"), settings.text("log.filter"));
}

#[test]
fn the_reference_on_disk_is_what_the_program_knows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let on_disk = std::fs::read_to_string(&path).expect("docs/configuration.md");
    assert!(
        on_disk == print::reference(),
        "docs/configuration.md differs from the program: countersign config --reference > docs/configuration.md"
    );
}

#[test]
fn the_example_in_the_reference_works() {
    let reference = print::reference();
    let example = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let dir = tempfile::tempdir().expect("a directory");
    let password = dir.path().join("password");
    std::fs::write(&password, "x").expect("write");
    let example = example.replace("/run/secrets/db-password", password.to_str().expect("a path"));
    assert_eq!(config(&example).server.api_hosts, ["api-1a2b3c4d.example.com"]);
}

proptest::proptest! {
    #[test]
    fn whatever_text_was_given_is_printed_as_a_file_that_gives_it_back(text in "(?s).{1,60}", item in "[!-~]{1,30}") {
        let value = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let given = format!("[smtp]\nusername = {}\n[tls.acme]\ncontact = [{}]\n", value(&text), value(&item));
        let first = settings(&given);
        let second = settings(&print::effective(&first));
        proptest::prop_assert_eq!(second.text("smtp.username"), first.text("smtp.username"));
        proptest::prop_assert_eq!(second.list("tls.acme.contact"), first.list("tls.acme.contact"));
    }
}
