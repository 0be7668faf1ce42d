//! Sign-ins by every factor with every log line switched on, then a search of all that was written (database, its
//! write-ahead log, raw files of the server, log, metrics) for every number, code, seed, token and secret key. Nothing may be found;
//! then one row is written in clear, and it must be.

use crate::{
    authenticator::{push, send},
    needles::{Needle, search},
    program::{Caller, Site, each_engine},
    supplier::{Request, Supplier},
    support::{
        database::Database,
        device::Device,
        organisation::Organisation,
        signing::{Keys, Version, pairs},
    },
};
use auth::otp::hotp;
use countersign_e2e::{loot, postgres::Postgres};
use directory::SettingsFields;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use types::World;

const SUPPLIER_TOKEN: &str = "s3cret0fthesupplier0000000000000";
const METRICS_TOKEN: &str = "s3cretofthemetrics";
/// The number of a phone that is made over the Admin API.
const MADE: &str = "+15037261948";

async fn answered(caller: &Caller, keys: &Keys, call: (&str, &str), params: &[(&str, &str)]) -> Value {
    let version = if call.1.starts_with("/rest/") { Version::V1 } else { Version::V5 };
    let (status, body) = caller.call(keys, version, call, &pairs(params)).await.expect("an answer");
    assert!(status < 500, "{call:?}: {status} {body}");
    body["response"].clone()
}

/// Sends a passcode and asserts what became of it.
async fn passcode(caller: &Caller, of: &Organisation, code: &str, result: &str) -> Value {
    // Two that are alike within one second would be one request, sent twice.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let host = format!("host{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let params =
        [("username", of.username.as_str()), ("factor", "passcode"), ("passcode", code), ("hostname", host.as_str())];
    let said = answered(caller, &of.app, ("POST", "/auth/v2/auth"), &params).await;
    assert_eq!(said["result"], result, "{said}");
    said
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// The first request to the supplier that fits: notices of what the administrator gave come in between.
async fn asked(supplier: &Supplier, fits: impl Fn(&Request) -> bool) -> Request {
    let mut count = 1;
    loop {
        if let Some(found) = supplier.wait_for(count).await.into_iter().find(&fits) {
            return found;
        }
        count += 1;
    }
}

/// Signs in by everything that there is; gives the secrets that were made on the way.
async fn sign_in_by_everything(caller: &Caller, of: &Organisation, supplier: &Supplier) -> Vec<Needle> {
    let mut needles = Vec::new();
    let mut secret = |name: &str, value: &str| needles.push(Needle::of(name, value.as_bytes()));
    let name = of.username.as_str();

    // Made over the Admin API, so that secrets come in and go out there too.
    let seed = b"seed of eight digits";
    let hex = data_encoding::HEXLOWER.encode(seed);
    let token = [("type", "h8"), ("serial", "eight"), ("secret", hex.as_str())];
    let token = answered(caller, &of.admin, ("POST", "/admin/v1/tokens"), &token).await;
    let user = of.user.to_string();
    let attach = format!("/admin/v1/users/{user}/tokens");
    answered(caller, &of.admin, ("POST", &attach), &[("token_id", text(&token["token_id"]))]).await;
    let codes = format!("/admin/v1/users/{user}/bypass_codes");
    let made = answered(caller, &of.admin, ("POST", &codes), &[("count", "1"), ("preserve_existing", "1")]).await;
    let generated = text(&made[0]).to_owned();
    secret("a bypass code that was made", &generated);
    let phone = [("number", MADE), ("type", "Mobile")];
    let phone = answered(caller, &of.admin, ("POST", "/admin/v1/phones"), &phone).await;
    let phone = text(&phone["phone_id"]).to_owned();
    answered(caller, &of.admin, ("POST", &format!("/admin/v1/users/{user}/phones")), &[("phone_id", &phone)]).await;
    answered(caller, &of.admin, ("GET", "/admin/v1/phones"), &[("number", MADE)]).await;
    let app = [("name", "made"), ("type", "authapi")];
    let app = answered(caller, &of.admin, ("POST", "/admin/v1/integrations"), &app).await;
    secret("the secret key of an application that was made", text(&app["secret_key"]));
    let skey = format!("/admin/v1/integrations/{}/skey", text(&app["integration_key"]));
    answered(caller, &of.admin, ("GET", &skey), &[]).await;

    // Passcodes: right, replayed, wrong, of a batch, of the old API.
    let eight = hotp(seed, 0, 8);
    passcode(caller, of, &eight, "allow").await;
    passcode(caller, of, &eight, "deny").await;
    secret("an HOTP code", &eight);
    let wrong = "83726154";
    passcode(caller, of, wrong, "deny").await;
    secret("a wrong code", wrong);
    let totp = of.totp(&World::real());
    passcode(caller, of, &totp, "allow").await;
    secret("a TOTP code", &totp);
    passcode(caller, of, &generated, "allow").await;
    let old = hotp(seed, 1, 8);
    let params = [("user", name), ("factor", "auto"), ("auto", old.as_str()), ("async", "1")];
    let begun = answered(caller, &of.unix, ("POST", "/rest/v1/auth"), &params).await;
    let told = answered(caller, &of.unix, ("GET", "/rest/v1/status"), &[("txid", text(&begun["txid"]))]).await;
    assert_eq!(told["result"], "allow", "{told}");
    secret("an HOTP code at the old API", &old);

    // A remembered device.
    let said = passcode(caller, of, &of.bypass_code, "allow").await;
    let trusted = text(&said["trusted_device_token"]).to_owned();
    let params = [("username", name), ("trusted_device_token", trusted.as_str())];
    let preauth = answered(caller, &of.app, ("POST", "/auth/v2/preauth"), &params).await;
    assert_eq!(preauth["result"], "allow", "{preauth}");
    secret("a remembered device's token", &trusted);

    // A text message, and the code in it.
    let params = [("username", name), ("factor", "sms"), ("device", phone.as_str())];
    let said = answered(caller, &of.app, ("POST", "/auth/v2/auth"), &params).await;
    assert_eq!(said["status"], "sent", "{said}");
    let sent = asked(supplier, |request| request.value("Body").is_some_and(|body| !body.contains("/undo/"))).await;
    assert_eq!(sent.value("To"), Some(MADE));
    let body = sent.value("Body").unwrap();
    let sms =
        body.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 7).unwrap_or_else(|| panic!("{body}"));
    passcode(caller, of, sms, "allow").await;
    secret("a code in a text message", sms);

    // A push: approved with the code, and one with a wrong code.
    let (txid, code) = push(caller, of).await;
    let yes = json!({ "answer": "approve", "code": code });
    let path = format!("/authenticator/v1/requests/{txid}");
    let (_, list) = send(caller, of, (of.id, of.phone), ("GET", "/authenticator/v1/requests"), &Value::Null).await;
    assert_eq!(list["requests"].as_array().map(Vec::len), Some(1), "{list}");
    let (_, said) = send(caller, of, (of.id, of.phone), ("POST", &path), &yes).await;
    assert_eq!(said["accepted"], true, "{said}");
    secret("the code of a push", &code);
    let preauth = [("username", name), ("client_supports_verified_push", "1")];
    let offered = answered(caller, &of.app, ("POST", "/auth/v2/preauth"), &preauth).await;
    secret("the code of an offered push", text(&offered["verification_code"]));
    let prompted = answered(caller, &of.unix, ("POST", "/rest/v1/preauth"), &[("user", name)]).await;
    assert_eq!(prompted["result"], "auth", "{prompted}");

    // A call.
    let params = [("username", name), ("factor", "phone"), ("device", phone.as_str()), ("async", "1")];
    let begun = answered(caller, &of.app, ("POST", "/auth/v2/auth"), &params).await;
    asked(supplier, |request| request.path.ends_with("Calls.json")).await;
    assert!(begun["txid"].is_string(), "{begun}");

    // An enrolment.
    let enrolled = answered(caller, &of.app, ("POST", "/auth/v2/enroll"), &[("username", "enrolled")]).await;
    let code = text(&enrolled["activation_code"]).trim_start_matches("duo://").split('-').next().unwrap().to_owned();
    secret("an activation code", &code);
    let device = Device::new(of.id);
    let key = data_encoding::BASE64URL_NOPAD.encode(device.public_key());
    let asked = json!({ "tenant": of.id.to_string(), "code": code, "public_key": key, "name": "x" });
    let url = format!("{}/authenticator/v1/activate", caller.base);
    let answer = caller.http.post(url).body(asked.to_string()).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);

    // Secrets in places where they don't belong: a query, a header, a body that can't be read, a path.
    for target in ["/auth/v2/ping", "/auth/v2/preauth", "/absent/83726154", "/admin/v1/users/83726154"] {
        for body in ["passcode=83726154&number=%2B15037261948", "{\"passcode\":\"83726154\",", "\u{0}83726154"] {
            let url = format!("{}{target}?passcode=83726154&phone={MADE}", caller.base);
            let request =
                caller.http.post(url).header("authorization", "Basic 83726154").header("x-passcode", "83726154");
            let request = request.header("cookie", format!("number={MADE}")).header("user-agent", MADE);
            request.body(body).send().await.unwrap();
        }
    }
    needles.push(Needle::of("a seed that came over the Admin API", seed));
    needles.extend(Needle::number("the made phone's number", MADE));
    needles
}

/// The secrets that the organisation was made with.
fn of_organisation(of: &Organisation) -> Vec<Needle> {
    let mut needles = Needle::number("the first phone's number", &of.number);
    for (name, seed) in [("the TOTP seed", &of.totp_seed), ("the HOTP seed", &of.hotp_seed)] {
        needles.push(Needle::of(name, seed));
        needles.push(Needle::of(&format!("{name} in base 32"), data_encoding::BASE32_NOPAD.encode(seed).as_bytes()));
    }
    needles.push(Needle::of("the chosen bypass code", of.bypass_code.as_bytes()));
    for keys in [&of.app, &of.unix, &of.admin] {
        needles.push(Needle::of("a secret key", keys.skey.as_bytes()));
    }
    needles.push(Needle::of("the supplier's token", SUPPLIER_TOKEN.as_bytes()));
    needles.push(Needle::of("the metrics' token", METRICS_TOKEN.as_bytes()));
    needles
}

/// All that was written on this machine.
fn written(site: &Site, server: Option<&Postgres>) -> Vec<(String, Vec<u8>)> {
    let mut places = loot::files(site.scratch.path()).unwrap();
    if let Some(server) = server {
        server.sql("postgres", "CHECKPOINT").unwrap();
        // The data directory lies beside the log: tables, indexes and write-ahead log as they are on the disk.
        places.extend(loot::files(server.log().parent().unwrap()).unwrap());
    }
    places
}

#[test]
fn m1_nothing_that_was_written_holds_a_number_a_code_a_seed_a_token_or_a_key() {
    each_engine(false, async |site, server| {
        let house = site.open().await;
        let settings = SettingsFields::default().with("prompt_spacing", 0).unwrap();
        let a = Organisation::make(&house.directory, &house.auth, "alfa", 7, settings).await;
        let scope = house.directory.tenant(a.id, "setup");
        let policies = scope.rows().policies(store::Slice { offset: 0, limit: 9 }).await.unwrap().rows;
        let global = policies.iter().find(|policy| policy.is_global).unwrap().id;
        let remember = json!({ "remembered_devices": { "enabled": true, "days": 30 } });
        scope.change_policy(global, None, Some(remember.as_object().unwrap())).await.unwrap();
        drop(house);
        let supplier = Supplier::start().await;
        let sid = format!("AC{}", "0".repeat(32));
        let mut program = site
            .serve(&[
                ("COUNTERSIGN_LOG__FILTER", "trace"),
                ("COUNTERSIGN_METRICS__TOKEN", METRICS_TOKEN),
                ("COUNTERSIGN_SUPPLIER__BASE_URL", &supplier.url),
                ("COUNTERSIGN_SUPPLIER__ACCOUNT_SID", &sid),
                ("COUNTERSIGN_SUPPLIER__TOKEN", SUPPLIER_TOKEN),
                ("COUNTERSIGN_SUPPLIER__FROM", "+15005550006"),
                ("COUNTERSIGN_SERVER__API_HOSTS", "api-alfa.example.test,localhost"),
            ])
            .await;
        let caller = program.caller();
        let mut needles = of_organisation(&a);
        needles.extend(sign_in_by_everything(&caller, &a, &supplier).await);
        let url = format!("{}/metrics", caller.base);
        let metrics = caller.http.get(url).bearer_auth(METRICS_TOKEN).send().await.unwrap().bytes().await.unwrap();
        assert!(String::from_utf8_lossy(&metrics).contains("countersign_authentications_total"), "no metrics");
        let log = std::fs::read_to_string(site.log()).unwrap();
        assert!(
            log.contains("\"level\":\"TRACE\"") || log.contains("\"level\":\"DEBUG\""),
            "the log was not at its loudest"
        );

        // While it serves, after it was killed, and after the next start has taken the write-ahead log in.
        let mut places = written(site, server);
        places.push(("the metrics".to_owned(), metrics.to_vec()));
        program.kill9();
        places.extend(written(site, server));
        drop(site.serve(&[]).await);
        places.extend(written(site, server));
        let rows: usize = site.database.dump(a.id).values().map(Vec::len).sum();
        assert!(rows > 40 && places.len() > 5, "{rows} rows, {} files", places.len());
        // As rows too: what is long lies compressed in the files.
        let rows = site.database.dump(a.id).into_iter().map(|(table, rows)| (table, rows.join("\n").into_bytes()));
        places.extend(rows);
        let hits = search(&needles, &places);
        assert!(hits.is_empty(), "{hits:#?}");

        // The control: the same search finds each secret once it stands in a row in clear, on the disk of either engine.
        for (number, needle) in
            [MADE, &a.bypass_code, &a.app.skey].into_iter().zip(["made phone", "bypass code", "secret key"])
        {
            let sql = format!("UPDATE users SET notes = 'see {number}'");
            match (&site.database, server) {
                (Database::Postgres(server, name), _) => drop(server.sql(name, &sql).unwrap()),
                (database @ Database::Sqlite(_), _) => database.execute(&sql),
            }
            let hits = search(&needles, &written(site, server));
            assert!(hits.iter().any(|hit| hit.contains(needle) && !hit.ends_with("log")), "{number}: {hits:#?}");
        }
    });
}
