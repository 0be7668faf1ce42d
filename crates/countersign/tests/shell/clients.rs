//! TLS as OpenSSL, Python and Node see it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::support::{Serving, run};

fn openssl(arguments: &[&str]) -> (bool, String) {
    run(Command::new("openssl").args(arguments).stdin(Stdio::null()))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn pythons_openssl_connects_strictly_with_tls_1_2_and_1_3_and_keeps_the_connection() {
    const SCRIPT: &str = r"
import http.client, ssl, sys
host, port, ca, version = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
context.set_alpn_protocols(['http/1.1'])
connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=10)
for i in range(3):
    connection.request('GET', '/healthz')
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'alive\n'), answer.status
    if i == 0:
        sock = connection.sock
    assert connection.sock is sock, 'the connection was not kept'
assert sock.selected_alpn_protocol() == 'http/1.1'
print(sock.version(), sock.cipher()[0])
";
    let serving = Serving::start();
    for (version, expected) in [("TLSv1_2", "TLSv1.2 ECDHE-ECDSA-"), ("TLSv1_3", "TLSv1.3 TLS_AES_")] {
        for host in ["localhost", "127.0.0.1"] {
            let (port, ca) = (serving.port.to_string(), serving.file("ca.pem"));
            let (_, said) = run(Command::new("python3").args(["-c", SCRIPT, host, &port, text(&ca), version]));
            assert!(said.starts_with(expected), "{version} {host}: {said}");
        }
    }
}

#[test]
fn pythons_client_sends_chunks_and_is_told_when_they_are_too_many() {
    const SCRIPT: &str = r"
import http.client, ssl, sys
port, ca = sys.argv[1:]
for chunks in (3, 300):
    connection = http.client.HTTPSConnection('localhost', int(port), context=ssl.create_default_context(cafile=ca), timeout=10)
    body = (b'x' * 1000 for _ in range(chunks))
    connection.request('POST', '/absent', body=body, headers={'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    print(connection.getresponse().status)
";
    let serving = Serving::start();
    let (_, said) =
        run(Command::new("python3").args(["-c", SCRIPT, &serving.port.to_string(), text(&serving.file("ca.pem"))]));
    assert_eq!(said, "404\n413\n");
}

#[test]
fn node_accepts_the_own_authority() {
    const SCRIPT: &str = "
const [port, ca] = process.argv.slice(1);
require('https').get({ host: 'localhost', port, path: '/healthz', ca: require('fs').readFileSync(ca) }, answer => {
  answer.on('data', data => console.log(answer.statusCode, data.toString().trim()));
}).on('error', error => { console.log(error.message); process.exit(1); });
";
    let serving = Serving::start();
    let (_, said) =
        run(Command::new("node").args(["-e", SCRIPT, &serving.port.to_string(), text(&serving.file("ca.pem"))]));
    assert_eq!(said, "200 alive\n");
}

#[test]
fn tls_1_1_and_a_client_that_knows_no_http_1_are_refused() {
    let serving = Serving::start();
    let address = format!("127.0.0.1:{}", serving.port);
    let connects = |arguments: &[&str]| {
        let ca = serving.file("ca.pem");
        let mut all = vec!["s_client", "-connect", &address, "-CAfile", text(&ca), "-verify_return_error"];
        all.extend(arguments);
        openssl(&all).0
    };
    assert!(connects(&["-tls1_2"]), "the positive control");
    assert!(connects(&["-alpn", "h2,http/1.1"]));
    assert!(!connects(&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]));
    assert!(!connects(&["-alpn", "h2"]));
}

/// OpenSSL's strict reading of RFC 5280 is what newer Pythons use by default; and the constraints must bite.
#[test]
fn openssl_accepts_the_chain_strictly_and_keeps_the_authority_to_its_names() {
    let serving = Serving::start();
    let (ca, ca_key, server) = (serving.file("ca.pem"), serving.file("ca.key"), serving.file("server.pem"));
    let verify = |host: &str, leaf: &Path| {
        let kind = if host.contains(|c: char| c.is_ascii_lowercase()) { "-verify_hostname" } else { "-verify_ip" };
        openssl(&["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", text(&ca), kind, host, text(leaf)])
    };
    for host in ["api-1.example.com", "x.mfa.example.com", "localhost", "127.0.0.1"] {
        let (ok, said) = verify(host, &server);
        assert!(ok, "{host}: {said}");
    }
    assert!(!verify("api-2.example.com", &server).0);
    // What somebody with a stolen ca.key could make for a name that isn't the authority's.
    let (forged, request, key) = (serving.file("forged.pem"), serving.file("forged.csr"), serving.file("forged.key"));
    let (ok, said) = openssl(&[
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=bank.example.org",
        "-addext",
        "subjectAltName=DNS:bank.example.org",
        "-keyout",
        text(&key),
        "-out",
        text(&request),
    ]);
    assert!(ok, "{said}");
    let (ok, said) = openssl(&[
        "x509",
        "-req",
        "-in",
        text(&request),
        "-CA",
        text(&ca),
        "-CAkey",
        text(&ca_key),
        "-copy_extensions",
        "copyall",
        "-out",
        text(&forged),
    ]);
    assert!(ok, "{said}");
    let (ok, said) = verify("bank.example.org", &forged);
    assert!(!ok && said.contains("permitted subtree violation"), "{said}");
}
