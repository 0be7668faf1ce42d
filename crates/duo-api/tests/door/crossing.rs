//! One organisation's keys against another's objects, at every route that there is.
//!
//! The routes are asked of the door itself; one without a case here fails the test. Each case names the other's object in a
//! parameter or in the path. Nothing of the other's may be in the answer, and nothing of the other's may have changed. On a house
//! of its own, the owner's keys then send the same request and must get what the stranger didn't: a case that can't tell is none.

use crate::{
    house::{House, Reply, each_engine, on_engine, patient},
    support::{
        organisation::Organisation,
        signing::{Keys, Version, pairs},
    },
};
use countersign_duo_api::{Route, Surface, Verb, routes};
use countersign_e2e::engines::Engine;
use std::time::Duration;
use types::AttemptId;

type Params = Vec<(String, String)>;
type IsOwners = Box<dyn Fn(&Reply) -> bool>;

/// One request, and how the owner of its objects can be told from a stranger by the answer.
pub(crate) struct Case {
    pub(crate) path: String,
    pub(crate) params: Params,
    /// What the owner sends, where it isn't the same.
    own: Option<(String, Params)>,
    /// Whether an answer is the owner's; nothing where it is the same for everybody.
    owner: Option<IsOwners>,
}

impl Case {
    /// A request that the owner is answered otherwise than a stranger.
    pub(crate) fn of(path: String, params: Params, owner: impl Fn(&Reply) -> bool + 'static) -> Self {
        Self { path, params, own: None, owner: Some(Box::new(owner)) }
    }

    /// A request that everybody may send, about what is theirs.
    pub(crate) fn same_for_all(path: String, params: Params) -> Self {
        Self { path, params, own: None, owner: None }
    }

    /// The owner names its own where the stranger named some of its own.
    pub(crate) fn sent_by_owner(self, path: String, params: Params) -> Self {
        Self { own: Some((path, params)), ..self }
    }
}

fn case(route: &Route, params: Params, owner: fn(&Reply) -> bool) -> Case {
    Case::of(route.path.to_owned(), params, owner)
}

/// Nothing of anybody's can be named, or what is named is the stranger's own.
fn same(route: &Route, params: Params) -> Case {
    Case::same_for_all(route.path.to_owned(), params)
}

/// What `house.b` has under way.
pub(crate) struct Open {
    /// A push that waits.
    txid: AttemptId,
    /// An attempt at the old API that has ended.
    ended: String,
    /// An offer that preauth made.
    offer: AttemptId,
    /// An enrolment that waits.
    activation: String,
    /// A remembered device.
    trusted: String,
}

impl Open {
    pub(crate) async fn of(house: &House) -> Self {
        for organisation in [&house.a, &house.b] {
            remember(house, organisation).await;
        }
        let b = &house.b;
        let app = house.auth.applications().get(&b.app.ikey).await.unwrap().unwrap();
        let life = Duration::from_secs(600);
        let (activation, _) = house.auth.activation(b.id, b.user, None, life).await.unwrap();
        let login = pairs(&[("username", &b.username), ("factor", "passcode"), ("passcode", &b.totp(&house.world))]);
        let login = house.call(&b.app, Version::V5, ("POST", "/auth/v2/auth"), &login).await;
        assert_eq!(login.result(), "allow", "{login:?}");
        let subject = auth::Subject::Name(b.username.clone());
        let hints = auth::Hints { shows_code: true, ..auth::Hints::default() };
        let preauth = house.auth.preauth(&app, &subject, &crate::house::nowhere(), &hints).await.unwrap();
        // The push takes an offer of its own: the one above must still be open.
        let (txid, _) = house.push(b).await;
        let again = house.auth.preauth(&app, &subject, &crate::house::nowhere(), &hints).await.unwrap();
        drop(preauth);
        let wrong = [("user", b.username.as_str()), ("factor", "passcode"), ("code", "000000"), ("async", "1")];
        let ended = house.call(&b.unix, Version::V1, ("POST", "/rest/v1/auth"), &pairs(&wrong)).await;
        Self {
            txid,
            ended: ended.said("txid").to_owned(),
            offer: again.offer.unwrap().attempt,
            activation: activation.expose().to_owned(),
            trusted: login.said("trusted_device_token").to_owned(),
        }
    }
}

/// Lets devices be remembered.
pub(crate) async fn remember(house: &House, organisation: &Organisation) {
    let scope = house.directory.tenant(organisation.id, "setup");
    let policies = scope.rows().policies(store::Slice { offset: 0, limit: 100 }).await.unwrap().rows;
    let global = policies.iter().find(|policy| policy.is_global).unwrap().id;
    let sections = serde_json::json!({ "remembered_devices": { "enabled": true, "days": 30 } });
    scope.change_policy(global, None, Some(sections.as_object().unwrap())).await.unwrap();
    house.auth.applications().forget_tenant(organisation.id);
}

/// The cases of a route of the Auth API or REST v1: what is B's, as A may know it.
fn auth_cases(house: &House, open: &Open, route: &Route) -> Vec<Case> {
    let (a, b) = (&house.a, &house.b);
    let (user, phone) = (b.user.to_string(), b.phone.to_string());
    let (ours, txid, offer) = (a.username.as_str(), open.txid.to_string(), open.offer.to_string());
    let allowed = |reply: &Reply| reply.result() == "allow";
    let known = |reply: &Reply| reply.status.is_success() && matches!(reply.result(), "auth" | "deny" | "allow");
    match route.path.trim_end_matches(".json").trim_end_matches(".bson") {
        "/auth/v2/check" | "/rest/v1/check" | "/rest/v1/ping" => vec![same(route, Vec::new())],
        "/auth/v2/enroll" => {
            // The name is free here, whoever has it there. Its owner is told that it is taken.
            vec![case(route, pairs(&[("username", &b.username)]), |reply| reply.code() == 40_002)]
        }
        "/auth/v2/enroll_status" => {
            vec![case(route, pairs(&[("user_id", &user), ("activation_code", &open.activation)]), |reply| {
                reply.value["response"] == "waiting"
            })]
        }
        "/auth/v2/preauth" => vec![
            case(route, pairs(&[("user_id", &user)]), known),
            case(route, pairs(&[("username", &b.username)]), |reply| reply.result() == "auth"),
            case(route, pairs(&[("username", &b.username), ("trusted_device_token", &open.trusted)]), allowed),
            case(route, pairs(&[("username", ours), ("trusted_device_token", &open.trusted)]), |reply| {
                // Here the owner has no user of that name.
                reply.result() == "enroll"
            }),
        ],
        "/auth/v2/auth" => {
            let code = b.hotp(0);
            let bypass = &b.bypass_code;
            let name = b.username.as_str();
            let mine = |reply: &Reply| reply.value["response"]["txid"].is_string();
            let no_user = |reply: &Reply| reply.said("status_msg").contains("Enroll");
            let mut cases = vec![
                case(route, pairs(&[("user_id", &user), ("factor", "passcode"), ("passcode", bypass)]), allowed),
                case(route, pairs(&[("username", name), ("factor", "passcode"), ("passcode", bypass)]), allowed),
                case(route, pairs(&[("username", name), ("factor", "passcode"), ("passcode", &code)]), allowed),
                case(route, pairs(&[("username", ours), ("factor", "passcode"), ("passcode", bypass)]), no_user),
                case(route, pairs(&[("username", ours), ("factor", "prompt"), ("prompt", bypass)]), no_user),
            ];
            for factor in ["sms", "phone", "push", "auto"] {
                let rest = [("factor", factor), ("device", phone.as_str()), ("async", "1")];
                let of = |who| pairs(&[&[who], &rest[..]].concat());
                cases.push(case(route, of(("user_id", &user)), mine));
                cases.push(same(route, of(("username", ours))));
            }
            // An offer of B's is none for A's user: the push goes out with another id.
            let params = [("username", ours), ("factor", "push"), ("device", "auto"), ("txid", &offer), ("async", "1")];
            cases.push(same(route, pairs(&params)));
            cases
        }
        "/auth/v2/auth_status" => {
            vec![case(route, pairs(&[("txid", &txid)]), |reply| reply.said("status_msg").contains("Pushed"))]
        }
        "/rest/v1/status" => {
            vec![case(route, pairs(&[("txid", &open.ended)]), |reply| reply.said("status").contains("Incorrect"))]
        }
        "/rest/v1/preauth" => vec![case(route, pairs(&[("user", &b.username)]), |reply| reply.result() == "auth")],
        "/rest/v1/auth" => {
            let bypass = &b.bypass_code;
            vec![
                case(route, pairs(&[("user", &b.username), ("factor", "passcode"), ("code", bypass)]), allowed),
                case(route, pairs(&[("user", &b.username), ("factor", "auto"), ("auto", bypass)]), allowed),
                // The old API shows no code before the prompt has: the owner is told so.
                case(route, pairs(&[("user", &b.username), ("factor", "push")]), |reply| {
                    reply.said("status").contains("push")
                }),
            ]
        }
        other => panic!("the route {other} has no case: write what of somebody else's could be named at it"),
    }
}

pub(crate) fn cases(house: &House, open: &Open, route: &Route) -> Vec<Case> {
    match route.surface {
        Surface::Auth => auth_cases(house, open, route),
        Surface::Admin(_) => crate::admin_cases::cases(house, route),
    }
}

/// What tells that something of an organisation is in a text.
struct Marks {
    /// Nobody else has these.
    ids: Vec<String>,
    /// These are free in every other organisation: what a stranger gives such a name is the stranger's.
    names: Vec<String>,
}

impl Marks {
    fn of(of: &Organisation) -> Self {
        let (name, number) = (&of.name, &of.number);
        let mut ids = vec![
            of.id.to_string(),
            of.user.to_string(),
            of.group.to_string(),
            of.phone.to_string(),
            of.totp.to_string(),
            of.hotp.to_string(),
            of.bypass.to_string(),
            of.policy.to_string(),
            of.passkey.to_string(),
            of.passkey_user.to_string(),
            of.host.clone(),
            format!("Realname of {name}"),
            format!("mail@{name}"),
        ];
        ids.extend([&of.app, &of.unix, &of.admin].map(|keys| keys.ikey.clone()));
        ids.extend(
            ["limited", "telephone", "passkey", "policy", "unix", "authapi"].map(|words| format!("{name} {words}")),
        );
        let mut names = vec![number.clone(), format!("XXX-XXX-{}", &number[number.len() - 4..])];
        names.extend([format!("{name}.person"), format!("{name} staff"), format!("{name}-t6")]);
        Self { ids, names }
    }

    /// Those that may not stand in the answer to this request.
    fn foreign(&mut self, case: &Case) -> Vec<&String> {
        let said = |mark: &String| {
            let tail = mark.strip_prefix("XXX-XXX-").unwrap_or(mark);
            case.path.contains(mark) || case.params.iter().any(|(_, value)| value.contains(tail))
        };
        self.names.retain(|name| !said(name));
        self.ids.iter().filter(|id| !said(id)).chain(&self.names).collect()
    }
}

/// The keys of an organisation that a route is for.
pub(crate) fn keys(of: &Organisation, route: &Route) -> (Keys, Version) {
    match route.surface {
        Surface::Admin(_) => (of.admin.clone(), Version::V5),
        Surface::Auth if route.path.starts_with("/rest/") => (of.unix.clone(), Version::V1),
        Surface::Auth => (of.app.clone(), Version::V5),
    }
}

/// Sends a case's request with A's keys, and fails if it gave or changed anything of B's.
async fn try_as_stranger(house: &House, route: &Route, case: &Case, marks: &mut Marks) -> Reply {
    let b = &house.b;
    // What the owner was told of an earlier case.
    house.auth.settle(Duration::from_secs(20)).await;
    let before = house.database.dump(b.id);
    drop(house.outbox.take());
    let (keys, version) = keys(&house.a, route);
    let method = route.method.http();
    let what = format!("{method} {} {:?}", case.path, case.params.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let reply = house.call(&keys, version, (method.as_str(), &case.path), &case.params).await;
    assert!(!reply.lets_in(), "{what}: {reply:?}");
    assert!(!reply.text().contains("already received"), "{what}: two cases are one");
    // Only what the stranger said may come back.
    let text = reply.text();
    for mark in marks.foreign(case) {
        assert!(!text.contains(mark), "{what}: the answer holds {mark}: {text}");
    }
    let sent = house.outbox.take();
    assert!(sent.iter().all(|message| message.tenant != b.id && message.to != b.number), "{what}: a message went to B");
    let after = house.database.dump(b.id);
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{what}: changed the other's table {table}");
    }
    reply
}

#[test]
fn no_route_gives_or_changes_anything_of_another_organisation() {
    each_engine(patient(), async |house| {
        let open = Open::of(house).await;
        assert!(house.database.dump(house.b.id).values().map(Vec::len).sum::<usize>() > 20, "the dump sees nothing");
        let mut marks = Marks::of(&house.b);
        for route in routes() {
            for case in cases(house, &open, route) {
                try_as_stranger(house, route, &case, &mut marks).await;
            }
        }
    });
}

#[test]
fn the_owner_gets_what_the_stranger_did_not() {
    // What only reads may share a house; what changes something has one of its own.
    let (reading, changing): (Vec<&Route>, Vec<&Route>) = routes().partition(|route| route.method == Verb::Get);
    for together in std::iter::once(reading).chain(changing.into_iter().map(|route| vec![route])) {
        on_engine(Engine::Sqlite, patient(), async |house| {
            let (open, mut marks) = (Open::of(house).await, Marks::of(&house.b));
            for route in &together {
                owner_and_stranger(house, &open, &mut marks, route).await;
            }
        });
    }
}

async fn owner_and_stranger(house: &House, open: &Open, marks: &mut Marks, route: &Route) {
    for case in cases(house, open, route) {
        let stranger = try_as_stranger(house, route, &case, marks).await;
        let (keys, version) = keys(&house.b, route);
        let method = route.method.http();
        let (path, params) = case.own.as_ref().unwrap_or(&(case.path.clone(), case.params.clone())).clone();
        if route.method != Verb::Get {
            // The owner may send what the stranger has sent, a moment later.
            house.clock.advance(Duration::from_secs(1));
        }
        let owner = house.call(&keys, version, (method.as_str(), &path), &params).await;
        let what = format!("{method} {path} {params:?}");
        if let Some(is_owner) = &case.owner {
            assert!(is_owner(&owner), "{what}: not even the owner: {owner:?}");
            assert!(!is_owner(&stranger), "{what}: the stranger as well: {stranger:?}");
        }
    }
}

/// A device of one organisation answers what waits on another's: by the id alone, with the code, and under the other's name.
#[test]
fn a_device_of_another_organisation_answers_nothing() {
    each_engine(patient(), async |house| {
        let (a, b) = (&house.a, &house.b);
        let (id, code) = house.push(b).await;
        let before = house.database.dump(b.id);
        let approve = || auth::Answer::Approve(Some(types::SecretString::new(code.clone())));
        for answer in [approve(), auth::Answer::Deny, auth::Answer::Fraud] {
            assert!(house.answer(a, id, answer).await.is_err());
        }
        // A's key under B's names.
        let signed = b"anything";
        let signature = a.device.sign(signed);
        for (tenant, phone) in [(b.id, b.phone), (b.id, a.phone), (a.id, b.phone)] {
            let proof = auth::DeviceProof { tenant, phone, at: house.world.now(), signed, signature: &signature };
            assert!(house.auth.verify_device(&proof).await.is_err(), "{tenant} {phone}");
        }
        assert_eq!(house.database.dump(b.id), before);
        assert!(house.answer(b, id, approve()).await.unwrap(), "the owner's answer counts");
    });
}
