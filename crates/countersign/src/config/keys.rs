//! Every key that the configuration knows: the one list that the file, the environment, `countersign config` and
//! docs/configuration.md are all made from.
//!
//! To add a key: one entry here, one field in [`super::sections`], and `countersign config --reference` writes the
//! document anew (a test compares the two).

/// What a key's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path of a file or directory; relative ones are taken from the working directory.
    Path,
    /// A URL; a password inside it is never shown.
    Url,
    /// A whole number, both ends included.
    Number {
        /// The least that is accepted.
        min: u64,
        /// The most that is accepted.
        max: u64,
    },
    /// A list of texts; in the environment, separated by commas.
    List,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A text that is never shown. Its twin with `_file` names a file to read it from.
    Secret,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its full name, `section.name`.
    pub path: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// Its unit, or nothing.
    pub unit: &'static str,
    /// The value that holds when nothing is given, as one would write it in the environment; empty for "not set".
    pub default: &'static str,
    /// What it does, for the reference.
    pub about: &'static str,
}

impl Key {
    /// The environment variable that overrides it: `COUNTERSIGN_` and the path in capitals, dots as two underscores.
    #[must_use]
    pub fn environment(&self) -> String {
        format!("{ENVIRONMENT}{}", self.path.replace('.', "__").to_ascii_uppercase())
    }
}

/// What every environment variable of the configuration begins with.
pub const ENVIRONMENT: &str = "COUNTERSIGN_";

/// The environment variable that names the file; no key of its own.
pub const FILE_VARIABLE: &str = "COUNTERSIGN_CONFIG";

/// The key with this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

const fn key(path: &'static str, kind: Kind, unit: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { path, kind, unit, default, about }
}

const fn number(min: u64, max: u64) -> Kind {
    Kind::Number { min, max }
}

/// All keys, in the order of the reference.
pub const KEYS: &[Key] = &[
    key(
        "server.listen",
        Kind::List,
        "address:port",
        "127.0.0.1:8443",
        "Where HTTPS is served. `[::]:443` takes IPv6 and IPv4 on every interface. Sockets that a service manager hands over (systemd's `LISTEN_FDS`) stand in for these, in order: then no connection is refused during a restart.",
    ),
    key(
        "server.api_hosts",
        Kind::List,
        "host names",
        "",
        "The names under which clients reach this server, the first being the one that is shown in enrolment links. `api-<letters and digits>.<your domain>` suits the most clients; `*.mfa.example.com` covers one label. The server's certificate is made or asked for these names.",
    ),
    key(
        "server.public_port",
        number(0, 65_535),
        "",
        "0",
        "The port under which browsers and phones reach this server, for links and QR codes. 0: that of the first address of `server.listen`. Behind a proxy, the proxy's.",
    ),
    key(
        "server.mtls_listen",
        Kind::List,
        "address:port",
        "",
        "Where OAuth clients that show a certificate reach the token endpoint and its neighbours (RFC 8705): HTTPS that asks for one. No page is served there, because browsers would ask their people. The discovery document names it. Not set: no client can show a certificate.",
    ),
    key(
        "server.mtls_public_port",
        number(0, 65_535),
        "",
        "0",
        "The port under which those clients reach it. 0: that of the first address of `server.mtls_listen`. A proxy before it must pass the connection through: a certificate in a header is not believed.",
    ),
    key(
        "server.beacon_host",
        Kind::Text,
        "host name",
        "",
        "A second name of this server, a neighbour of the `api_host`s under the same domain (`beacon.mfa.example.com`), which no page is served under: pages that take a code load a beacon from it, and a copy of the page under a foreign name gives itself away by that. Not set: there is no canary.",
    ),
    key(
        "server.trusted_proxies",
        Kind::List,
        "networks (CIDR)",
        "",
        "Reverse proxies whose `X-Forwarded-For` is believed. From any other peer the header is ignored.",
    ),
    key(
        "server.drain_seconds",
        number(0, 600),
        "seconds",
        "15",
        "How long a stop waits for requests that are under way. Every open long-poll is answered at once.",
    ),
    key(
        "limits.body_bytes",
        number(1024, 67_108_864),
        "bytes",
        "262144",
        "The largest request body, with or without a Content-Length.",
    ),
    key(
        "limits.header_bytes",
        number(1024, 262_144),
        "bytes",
        "16384",
        "The largest request line and headers together. Past it, 431.",
    ),
    key(
        "limits.connections",
        number(16, 1_000_000),
        "connections",
        "10000",
        "Open connections. When all are taken, the one that has been quiet the longest makes room; one with a request under way never does.",
    ),
    key(
        "limits.connections_per_address",
        number(1, 1_000_000),
        "connections",
        "2000",
        "Open connections from one IPv4 address or one IPv6 /64, trusted proxies excepted.",
    ),
    key("limits.handshake_seconds", number(1, 300), "seconds", "10", "How long a TLS handshake may take."),
    key(
        "limits.header_seconds",
        number(1, 300),
        "seconds",
        "10",
        "How long a client may take over a request's headers.",
    ),
    key("limits.body_seconds", number(1, 300), "seconds", "15", "How long a client may take over a request's body."),
    key(
        "limits.idle_seconds",
        number(1, 3600),
        "seconds",
        "75",
        "How long a connection is kept open between two requests.",
    ),
    key(
        "limits.request_seconds",
        number(5, 900),
        "seconds",
        "120",
        "How long a request may be worked on. Longer than `limits.long_poll_seconds` by ten seconds at least, and longer than a sign-in attempt lives.",
    ),
    key(
        "limits.long_poll_seconds",
        number(1, 120),
        "seconds",
        "20",
        "How long a request for the state of an attempt waits for news.",
    ),
    key(
        "tls.mode",
        Kind::Choice(&["own-ca", "files", "acme"]),
        "",
        "own-ca",
        "Where the certificate comes from: a certificate authority of the server's own, PEM files, or an ACME authority such as Let's Encrypt.",
    ),
    key(
        "tls.cert_file",
        Kind::Path,
        "",
        "",
        "`files`: the certificate and its chain, PEM. Read again when it changes and on SIGHUP.",
    ),
    key("tls.key_file", Kind::Path, "", "", "`files`: the private key, PEM (PKCS#8, PKCS#1 or SEC1), not encrypted."),
    key(
        "tls.own_ca.dir",
        Kind::Path,
        "",
        "",
        "Where `own-ca` keeps `ca.pem` (give it to clients), `ca.key` and `server.pem`. Not set: `tls` under `data.dir`.",
    ),
    key(
        "tls.acme.directory_url",
        Kind::Url,
        "",
        "https://acme-v02.api.letsencrypt.org/directory",
        "`acme`: the authority's directory. Using it means that you agree to the authority's terms.",
    ),
    key(
        "tls.acme.contact",
        Kind::List,
        "",
        "",
        "`acme`: addresses for the authority's notices, such as `mailto:ops@example.com`.",
    ),
    key(
        "tls.acme.domains",
        Kind::List,
        "host names",
        "",
        "`acme`: the names to ask for. Not set: `server.api_hosts`. Wildcards can't be had by TLS-ALPN-01; port 443 of each name must reach this server.",
    ),
    key(
        "tls.acme.cache_dir",
        Kind::Path,
        "",
        "",
        "`acme`: where the account's key and the certificate are kept. Not set: `acme` under `data.dir`.",
    ),
    key(
        "tls.acme.directory_ca_file",
        Kind::Path,
        "",
        "",
        "`acme`: the certificate authority, PEM, that signed the directory's own certificate. Not set: the system's.",
    ),
    key(
        "data.dir",
        Kind::Path,
        "",
        "countersign-data",
        "Where the server keeps what it makes: the database, keys, certificates.",
    ),
    key(
        "store.url",
        Kind::Url,
        "",
        "",
        "`sqlite:/path/of/file.db` or `postgres://user@host:port/database`. Not set: `countersign.db` under `data.dir`.",
    ),
    key("store.password", Kind::Secret, "", "", "PostgreSQL's password, when it isn't in the URL."),
    key("store.password_file", Kind::Path, "", "", "A file with PostgreSQL's password."),
    key(
        "store.ca_file",
        Kind::Path,
        "",
        "",
        "The certificate authorities, PEM, one of which must have signed PostgreSQL's certificate. Not set: the system's.",
    ),
    key("store.read_connections", number(1, 256), "connections", "4", "Connections for reading, on either engine."),
    key(
        "store.write_connections",
        number(1, 256),
        "connections",
        "4",
        "PostgreSQL's connections for writing. SQLite has one writer, which commits in groups.",
    ),
    key(
        "keys.root",
        Kind::Text,
        "",
        "",
        "The root key: `file:/path`, made at the first start, or `pkcs11:` for a token (`keys.pkcs11.*`). Not set: `root.key` under `data.dir`.",
    ),
    key(
        "keys.older_roots",
        Kind::List,
        "",
        "",
        "Root keys that were in use before, as `keys.root` had them: what they wrapped is opened with them and wrapped anew.",
    ),
    key(
        "keys.log_days",
        Kind::Path,
        "",
        "",
        "The file of the message log's day keys, the same on all nodes. Not set: `log-days.key` under `data.dir`.",
    ),
    key("keys.pkcs11.module", Kind::Path, "", "", "The PKCS#11 library, such as `/usr/lib/softhsm/libsofthsm2.so`."),
    key("keys.pkcs11.token_label", Kind::Text, "", "", "The label of the token that holds the root key."),
    key("keys.pkcs11.key_label", Kind::Text, "", "countersign-root", "The label of the root key on the token."),
    key("keys.pkcs11.pin", Kind::Secret, "", "", "The token's user PIN."),
    key("keys.pkcs11.pin_file", Kind::Path, "", "", "A file with the token's user PIN."),
    key("smtp.host", Kind::Text, "", "", "The mail server. Not set: no mail is sent."),
    key("smtp.port", number(1, 65_535), "", "587", "The mail server's port."),
    key(
        "smtp.security",
        Kind::Choice(&["starttls", "tls", "none"]),
        "",
        "starttls",
        "`starttls` (required, not tried), `tls` from the first byte (port 465), or `none` for a server on this machine.",
    ),
    key("smtp.username", Kind::Text, "", "", "The name to sign in to the mail server with. Not set: no sign-in."),
    key("smtp.password", Kind::Secret, "", "", "The password to sign in to the mail server with."),
    key("smtp.password_file", Kind::Path, "", "", "A file with that password."),
    key("smtp.from", Kind::Text, "", "", "The sender of every mail, such as `Countersign <mfa@example.com>`."),
    key(
        "supplier.base_url",
        Kind::Url,
        "",
        "https://api.twilio.com",
        "The message supplier: Twilio, or anything that speaks its Messages and Calls API. Plain http only on this machine.",
    ),
    key("supplier.account_sid", Kind::Text, "", "", "The account at the supplier. Not set: no SMS and no calls."),
    key("supplier.token", Kind::Secret, "", "", "The account's token."),
    key("supplier.token_file", Kind::Path, "", "", "A file with the account's token."),
    key("supplier.from", Kind::Text, "", "", "The number or sender id that messages come from."),
    key(
        "messaging.file",
        Kind::Path,
        "",
        "",
        "The gateway file: the carriers of messages and calls, and the routes over them, see messaging.md. Read at the start and on SIGHUP. Not set: what `smtp` and `supplier` name is all.",
    ),
    key(
        "callbacks.networks",
        Kind::List,
        "networks",
        "",
        "Networks beside the public Internet that status callbacks and TwiML addresses of tenants' programs may lead to, such as `10.20.0.0/16`. Whoever may send messages can then make this server ask addresses there.",
    ),
    key(
        "sim_swap.url",
        Kind::Url,
        "",
        "",
        "An API of CAMARA's *SIM Swap*, up to its version: `https://api.example.com/sim-swap/v1`. It is told the numbers that a Lookup with `sim_swap` names, and with `sim_swap.gate` those that a code is wanted for. Plain http only on this machine. Not set: nobody is asked.",
    ),
    key("sim_swap.token", Kind::Secret, "", "", "The bearer token that it wants."),
    key("sim_swap.token_file", Kind::Path, "", "", "A file with that token."),
    key(
        "sim_swap.max_age",
        number(1, 2400),
        "hours",
        "240",
        "A card that was exchanged within so many hours counts as exchanged.",
    ),
    key(
        "sim_swap.gate",
        Kind::Choice(&["no", "yes"]),
        "",
        "no",
        "`yes`: Verify sends no code by SMS or call to a number whose card was exchanged.",
    ),
    key(
        "sim_swap.on_failure",
        Kind::Choice(&["refuse", "send"]),
        "",
        "refuse",
        "What the gate does with a number that the API doesn't know, or when it doesn't answer.",
    ),
    key(
        "web.texts_dir",
        Kind::Path,
        "",
        "",
        "A directory with texts of the pages in other languages (`de.ftl`, `pt-BR.ftl`), or with other texts for a language that is built in. What a catalogue lacks is said in English.",
    ),
    key(
        "geo.database",
        Kind::Path,
        "",
        "",
        "A MaxMind DB of cities or countries (`GeoLite2-City.mmdb` and the like), read at the start: requests on phones, messages and logs then say where a sign-in comes from. Not set: they show the address only.",
    ),
    key(
        "web_push.hosts",
        Kind::List,
        "host names",
        "fcm.googleapis.com,updates.push.services.mozilla.com,*.notify.windows.com,*.push.apple.com",
        "The push services of browsers that authenticators may be woken through. A device names the address, so no other host is ever asked. `*.` stands for any labels before a name. Empty: no pushes; authenticators ask by themselves.",
    ),
    key(
        "web_push.allow_http_loopback",
        Kind::Choice(&["no", "yes"]),
        "",
        "no",
        "`yes` also takes push services at `http://127.0.0.1`, at any port: for tests.",
    ),
    key(
        "fido.metadata_file",
        Kind::Path,
        "",
        "",
        "FIDO's metadata of authenticators (MDS3), the signed blob as `https://mds3.fidoalliance.org/` gives it: fetch it once a month and exchange the file whole. Read at the start, again when it changes, and on SIGHUP; an issue older than one that was in use is refused. Passkeys whose model it reports as unsafe are suspended. Not set: no authenticator's make can be proven.",
    ),
    key(
        "fido.roots_file",
        Kind::Path,
        "",
        "",
        "The certificates, PEM, one of which the metadata's signature must lead to: GlobalSign's `Root CA - R3`, and `Root R46` for the next one, as FIDO names them.",
    ),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        "",
        "text",
        "How log lines are written, to standard error: for people, or one JSON object a line.",
    ),
    key(
        "log.filter",
        Kind::Text,
        "",
        "info,countersign::access=warn",
        "What is logged, as `tracing` filters say it. `countersign::access=info` logs every request (route, status, duration; never a query, body or name).",
    ),
    key(
        "metrics.listen",
        Kind::Text,
        "address:port",
        "",
        "A second listener, plain HTTP, for `/metrics`, `/healthz` and `/readyz` only, such as `127.0.0.1:9464`.",
    ),
    key(
        "metrics.token",
        Kind::Secret,
        "",
        "",
        "With it, `/metrics` is also answered on `server.listen`, to `Authorization: Bearer <token>`.",
    ),
    key("metrics.token_file", Kind::Path, "", "", "A file with that token."),
];
