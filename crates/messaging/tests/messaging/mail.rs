//! Mail to a real server: aiosmtpd from PyPI, in clear on this machine, with STARTTLS, and with TLS from the first byte.

use crate::support::{Fixture, python};
use messaging::{Address, Content, Courier, ErrorClass, Outgoing, Purpose, SendError, Smtp, SmtpConfig, SmtpSecurity};
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, mpsc},
    time::Duration,
};
use types::{SecretString, TenantId};

/// Prints its port, then one line of JSON for each mail; ends when its standard input does.
const SERVER: &str = r#"
import asyncio, base64, json, os, ssl, sys, threading
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, certificate, password, port = sys.argv[1:5]
context = None
if mode != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        answers = {"nobody": "550 5.1.1 <%s>: no such mailbox", "busy": "451 4.7.1 <%s>: try again later",
                   "strange": "555 %s"}
        for name, answer in answers.items():
            if address.startswith(name + "@"):
                return answer % address
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None or mode == "tls",
            "user": session.auth_data.login.decode() if session.auth_data else "",
            "peer": session.peer[1], "data": base64.b64encode(envelope.content).decode()}), flush=True)
        return "250 OK queued as 4711"

def check(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and data.password == password.encode()
    return AuthResult(success=ok, handled=False, auth_data=data if ok else None)

def smtp():
    return SMTP(Handler(), hostname="mail.test", tls_context=context if mode == "starttls" else None,
        require_starttls=mode == "starttls", authenticator=check if password else None,
        auth_required=bool(password), auth_require_tls=mode == "starttls")

async def main():
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", int(port), ssl=context if mode == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
asyncio.run(main())
"#;

#[derive(Deserialize)]
struct Mail {
    from: String,
    to: Vec<String>,
    tls: bool,
    user: String,
    peer: u16,
    data: String,
}

impl Mail {
    fn text(&self) -> String {
        String::from_utf8(data_encoding::BASE64.decode(self.data.as_bytes()).unwrap()).unwrap()
    }
}

struct Server {
    child: Child,
    _stdin: ChildStdin,
    port: u16,
    mails: mpsc::Receiver<Mail>,
    /// The certificate, which is its own authority.
    authority: Vec<u8>,
    _directory: tempfile::TempDir,
}

impl Server {
    fn start(mode: &str, password: &str) -> Self {
        Self::on_port(mode, password, 0)
    }

    fn on_port(mode: &str, password: &str, port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let path = directory.path().join("certificate.pem");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(made.cert.pem().as_bytes()).unwrap();
        file.write_all(made.signing_key.serialize_pem().as_bytes()).unwrap();
        let mut child = Command::new(python())
            .args(["-W", "ignore", "-c", SERVER, mode])
            .arg(&path)
            .arg(password)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let (sender, mails) = mpsc::channel();
        std::thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        let stdin = child.stdin.take().unwrap();
        let authority = made.cert.pem().into_bytes();
        Self { child, _stdin: stdin, port, mails, authority, _directory: directory }
    }

    fn config(&self, security: SmtpSecurity) -> SmtpConfig {
        SmtpConfig {
            host: "localhost".to_owned(),
            port: self.port,
            security,
            sign_in: None,
            from: "Acme MFA <mfa@acme.example>".to_owned(),
            authority: Some(self.authority.clone()),
        }
    }

    fn mail(&self) -> Mail {
        self.mails.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Post {
    fixture: Fixture,
    courier: Courier,
    tenant: TenantId,
}

async fn post(config: SmtpConfig) -> Post {
    let fixture = Fixture::new().await;
    let smtp = Smtp::new(config, fixture.store.world().clone()).unwrap();
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::new(smtp)]);
    let (tenant, _) = fixture.tenant("{}", true).await;
    Post { fixture, courier, tenant }
}

impl Post {
    fn message(&self, to: &str) -> Outgoing {
        let mut message = self.fixture.text(self.tenant, "+15035550100", "");
        message.purpose = Purpose::Enrollment;
        message.to = Address::Mail(to.parse().unwrap());
        message.content = Content::Mail {
            subject: "Grüße von Acme".to_owned(),
            text: SecretString::new("Your code is 778899.\n.\nMAIL FROM:<eve@example.org>\n".to_owned()),
        };
        message
    }

    async fn send(&self, to: &str) -> Result<(), SendError> {
        self.courier.deliver(self.message(to)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_clear_on_this_machine() {
    let server = Server::start("plain", "");
    let post = post(server.config(SmtpSecurity::Plain)).await;
    let message = post.message("anna@example.org");
    let id = messaging::log::day_id(message.id);
    post.courier.deliver(message).await.unwrap();
    let mail = server.mail();
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("mfa@acme.example", &["anna@example.org".to_owned()][..]));
    assert!(!mail.tls);
    let text = mail.text();
    // A line with a single dot would end the mail if it were not doubled on the way (RFC 5321 §4.5.2).
    assert!(text.contains("Your code is 778899.\r\n.\r\nMAIL FROM:<eve@example.org>"), "{text}");
    assert!(text.contains("Subject: =?utf-8?") && text.contains("Auto-Submitted: auto-generated"), "{text}");
    assert_eq!(text.matches("MAIL FROM").count(), 1);
    let row = post.fixture.store.tenant(post.tenant).message(id).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.channel.as_str(), row.supplier.as_str()), ("sent", "email", "smtp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_and_a_password() {
    for (mode, security) in [("starttls", SmtpSecurity::StartTls), ("tls", SmtpSecurity::Tls)] {
        let server = Server::start(mode, "geheim");
        let sign_in = |password: &str| Some(("acme".to_owned(), SecretString::new(password.to_owned())));
        let good = post(SmtpConfig { sign_in: sign_in("geheim"), ..server.config(security) }).await;
        good.send("anna@example.org").await.unwrap();
        let first = server.mail();
        assert!(first.tls, "{mode}");
        assert_eq!(first.user, "acme");
        good.send("anna@example.org").await.unwrap();
        assert_eq!(server.mail().peer, first.peer, "{mode}: a second mail goes over the same connection");

        let bad = post(SmtpConfig { sign_in: sign_in("falsch"), ..server.config(security) }).await;
        let error = bad.send("anna@example.org").await.unwrap_err();
        assert!(matches!(error, SendError::Refused(ErrorClass::Account)), "{mode}: {error}");

        let stranger =
            post(SmtpConfig { authority: None, sign_in: sign_in("geheim"), ..server.config(security) }).await;
        let error = stranger.send("anna@example.org").await.unwrap_err();
        assert!(matches!(error, SendError::Unavailable), "{mode}: a certificate of nobody: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_at_the_server_nothing_is_sent() {
    let server = Server::start("plain", "");
    let post = post(server.config(SmtpSecurity::StartTls)).await;
    assert!(matches!(post.send("anna@example.org").await, Err(SendError::Unavailable)));
    assert!(server.mails.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_a_class_and_no_address() {
    let server = Server::start("plain", "");
    let post = post(server.config(SmtpSecurity::Plain)).await;
    for (to, class) in [
        ("nobody@example.org", ErrorClass::BadAddress),
        ("busy@example.org", ErrorClass::Throttled),
        ("strange@example.org", ErrorClass::Other),
    ] {
        let error = post.send(to).await.unwrap_err();
        assert_eq!(error.class(), class, "{to}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("example.org"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarted_is_found_again() {
    let server = Server::start("plain", "");
    let post = post(server.config(SmtpSecurity::Plain)).await;
    post.send("anna@example.org").await.unwrap();
    let port = server.port;
    drop(server);
    let error = post.send("anna@example.org").await.unwrap_err();
    assert!(matches!(error, SendError::Unavailable), "{error}");
    let again = Server::on_port("plain", "", port);
    post.send("anna@example.org").await.unwrap();
    assert_eq!(again.mail().to, ["anna@example.org"]);
}
