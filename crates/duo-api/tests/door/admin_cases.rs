//! What of somebody else's can be named at each route of the Admin API.

use crate::{
    crossing::Case,
    house::{House, Reply},
    support::{organisation::Organisation, signing::pairs},
};
use countersign_duo_api::{Route, Verb};

/// A path with its parts filled in from `of`; the user, where `user` says so, of another.
fn fill(path: &str, of: &Organisation, user: &Organisation) -> String {
    let filled = path
        .replace("{user}", &user.user.to_string())
        .replace("{phone}", &of.phone.to_string())
        .replace("{token}", &of.totp.to_string())
        .replace("{group}", &of.group.to_string())
        .replace("{code}", &of.bypass.to_string())
        .replace("{ikey}", &of.unix.ikey)
        .replace("{application}", &of.relying_party)
        .replace("{provider}", &of.name)
        .replace("{passkey}", &of.passkey.to_string())
        .replace("{policy}", &of.policy.to_string());
    assert!(!filled.contains('{'), "{path} has a part that isn't known here");
    filled
}

fn succeeds(reply: &Reply) -> bool {
    reply.status.is_success()
}

/// The cases of a route of the Admin API.
pub(crate) fn cases(house: &House, route: &Route) -> Vec<Case> {
    let (a, b) = (&house.a, &house.b);
    let (user, phone, totp) = (b.user.to_string(), b.phone.to_string(), b.totp.to_string());
    let (group, policy, number) = (b.group.to_string(), b.policy.to_string(), b.number.as_str());
    let path = fill(route.path, b, b);
    let id = user.clone();
    // Something of the organisation that `House` calls B.
    let tells_of_b = move |reply: &Reply| {
        reply.status.is_success() && (reply.text().contains("bravo") || reply.text().contains(&id))
    };
    // An object of B's in the path: gone for A, there for B.
    let inside = |params: &[(&str, &str)]| Case::of(path.clone(), pairs(params), succeeds);
    // An object of B's in a parameter, below A's own in the path; B sends it below its own.
    let below = |params: &[(&str, &str)]| {
        Case::of(fill(route.path, a, a), pairs(params), succeeds).sent_by_owner(path.clone(), pairs(params))
    };
    // A list, or what stands for the whole organisation.
    let list = || Case::of(path.clone(), Vec::new(), tells_of_b.clone());
    let same = |params: &[(&str, &str)]| Case::same_for_all(path.clone(), pairs(params));
    let filtered = |params: &[(&str, &str)]| Case::of(path.clone(), pairs(params), tells_of_b.clone());
    use Verb::{Delete, Get, Post, Put};
    match (route.method, route.path) {
        (Get, "/admin/v1/users") => vec![
            list(),
            filtered(&[("username", &b.username)]),
            filtered(&[("email", "mail@bravo.example.test")]),
            filtered(&[("username_list", &format!("[\"{}\"]", b.username))]),
            filtered(&[("user_id_list", &format!("[\"{user}\"]"))]),
        ],
        // The name is free here, whoever has it there: the owner is told that it is taken.
        (Post, "/admin/v1/users") => {
            vec![Case::of(path.clone(), pairs(&[("username", &b.username)]), |reply| reply.code() == 40_002)]
        }
        (Post, "/admin/v1/users/bulk_create") => {
            let users = format!("[{{\"username\":\"{}\"}}]", b.username);
            vec![Case::of(path.clone(), pairs(&[("users", &users)]), |reply| reply.code() == 40_002)]
        }
        (Post, "/admin/v1/users/bulk_send_to_trash") => vec![inside(&[("user_id_list", &format!("[\"{user}\"]"))])],
        (Post, "/admin/v1/users/bulk_restore") => vec![inside(&[("user_id_list", &format!("[\"{user}\"]"))])],
        (Post, "/admin/v1/users/enroll") => {
            vec![same(&[("username", &b.username), ("email", "somebody@example.test")])]
        }
        (Get, "/admin/v1/users/{user}" | "/admin/v1/users/{user}/groups" | "/admin/v1/users/{user}/phones")
        | (Get, "/admin/v1/users/{user}/tokens")
        | (Get, "/admin/v1/phones/{phone}" | "/admin/v1/tokens/{token}" | "/admin/v1/groups/{group}")
        | (Get, "/admin/v2/groups/{group}" | "/admin/v2/groups/{group}/users" | "/admin/v2/policies/{policy}") => {
            vec![list()]
        }
        (Get, "/admin/v1/webauthncredentials" | "/admin/v1/webauthncredentials/{passkey}") => vec![list()],
        // The owner's last one can't be taken away by an administrator who is alone, and a new key can't allow anything.
        (Delete, "/admin/v1/webauthncredentials/{passkey}") => {
            vec![Case::of(path.clone(), Vec::new(), |reply| reply.code() == 40_301)]
        }
        (Post, "/admin/v1/users/{user}/addition_request/allow") => {
            vec![Case::of(path.clone(), pairs(&[("asked_by", "somebody")]), |reply| reply.code() == 40_301)]
        }
        (Get | Post | Delete, "/admin/v1/users/{user}/addition_request") => vec![inside(&[])],
        (Get, "/admin/v1/users/{user}/webauthncredentials") => {
            let path = route.path.replace("{user}", &b.passkey_user.to_string());
            vec![Case::of(path, Vec::new(), tells_of_b)]
        }
        (Get, "/admin/v1/users/{user}/bypass_codes" | "/admin/v1/bypass_codes/{code}") => vec![inside(&[])],
        (Post, "/admin/v1/users/{user}") => {
            vec![
                inside(&[("realname", "another")]),
                inside(&[("status", "bypass")]),
                inside(&[("username", "another")]),
            ]
        }
        (Delete, "/admin/v1/users/{user}") => vec![inside(&[])],
        (Post, "/admin/v1/users/{user}/groups") => {
            vec![below(&[("group_id", &group)]), inside(&[("group_id", &group)])]
        }
        (Post, "/admin/v1/users/{user}/phones") => {
            vec![below(&[("phone_id", &phone)]), inside(&[("phone_id", &phone)])]
        }
        (Post, "/admin/v1/users/{user}/tokens") => {
            vec![below(&[("token_id", &totp)]), inside(&[("token_id", &totp)])]
        }
        (
            Delete,
            "/admin/v1/users/{user}/groups/{group}"
            | "/admin/v1/users/{user}/phones/{phone}"
            | "/admin/v1/users/{user}/tokens/{token}",
        ) => vec![
            Case::of(fill(route.path, b, a), Vec::new(), succeeds).sent_by_owner(path.clone(), Vec::new()),
            inside(&[]),
        ],
        (Post, "/admin/v1/users/{user}/bypass_codes") => {
            vec![inside(&[("count", "1")]), inside(&[("codes", "271828182")])]
        }
        (Get, "/admin/v1/phones") => vec![list(), filtered(&[("number", number)])],
        (Post, "/admin/v1/phones") => vec![same(&[("number", number)])],
        (Post, "/admin/v1/phones/{phone}") => {
            vec![inside(&[("number", "+15035550199")]), inside(&[("name", "another")])]
        }
        (Delete, "/admin/v1/phones/{phone}") => vec![inside(&[])],
        (Post, "/admin/v1/phones/{phone}/activation_url" | "/admin/v1/phones/{phone}/send_sms_passcodes")
        | (Post, "/admin/v1/phones/{phone}/send_sms_activation") => vec![inside(&[])],
        (Get, "/admin/v1/tokens") => vec![list(), filtered(&[("type", "t6"), ("serial", "bravo-t6")])],
        // The serial is free here.
        (Post, "/admin/v1/tokens") => vec![Case::of(
            path.clone(),
            pairs(&[("type", "t6"), ("serial", "bravo-t6"), ("secret", "3132333435363738393031323334353637383930")]),
            |reply| reply.code() == 40_002,
        )],
        (Post, "/admin/v1/tokens/{token}") => vec![inside(&[("totp_step", "60")])],
        (Delete, "/admin/v1/tokens/{token}") => vec![inside(&[])],
        (Post, "/admin/v1/tokens/{token}/resync") => {
            let (code1, code2) = (b.hotp(7), b.hotp(8));
            let path = route.path.replace("{token}", &b.hotp.to_string());
            vec![Case::of(path, pairs(&[("code1", &code1), ("code2", &code2)]), succeeds)]
        }
        (Get, "/admin/v1/groups" | "/admin/v2/groups" | "/admin/v2/policies" | "/admin/v2/policies/summary") => {
            vec![list()]
        }
        (Post, "/admin/v1/groups") => {
            vec![Case::of(path.clone(), pairs(&[("name", "bravo staff")]), |reply| reply.code() == 40_002)]
        }
        (Post, "/admin/v1/groups/{group}") => vec![inside(&[("name", "another")]), inside(&[("status", "disabled")])],
        (Delete, "/admin/v1/groups/{group}") => vec![inside(&[])],
        (Get, "/admin/v1/bypass_codes") => vec![list()],
        (Delete, "/admin/v1/bypass_codes/{code}") => vec![inside(&[])],
        (Get, "/admin/v1/applications") => vec![list()],
        (Get, "/admin/v1/applications/presets") => vec![same(&[])],
        (Post, "/admin/v1/applications") => {
            let ours = [("name", "n"), ("preset", "gitlab"), ("url", "https://git.example.test")];
            let with = |name: &str, value: &str| {
                let all = ours.iter().copied().chain([(name, value)]).collect::<Vec<_>>();
                Case::of(path.clone(), pairs(&all), succeeds)
            };
            vec![with("policy_key", &policy), with("groups_allowed", &group)]
        }
        (Get | Delete, "/admin/v1/applications/{application}") => vec![inside(&[])],
        (Post, "/admin/v1/applications/{application}/revoke") => vec![inside(&[])],
        (Post, "/admin/v1/applications/{application}") => {
            vec![inside(&[("key", "another")]), inside(&[("new_secret", "1")])]
        }
        (Get, "/admin/v1/providers" | "/admin/v1/users/{user}/providers") => vec![list()],
        (Post, "/admin/v1/providers") => {
            // The key is free here, whoever has it there.
            let settings = crate::support::organisation::provider(&b.name);
            let settings = serde_json::to_string(&settings).unwrap();
            let ours = [("key", b.name.as_str()), ("settings", settings.as_str()), ("secret", "s")];
            vec![Case::of(path.clone(), pairs(&ours), |reply| reply.code() == 40_002)]
        }
        (Get | Delete, "/admin/v1/providers/{provider}") => vec![inside(&[])],
        (Post, "/admin/v1/providers/{provider}") => vec![inside(&[("enabled", "0")])],
        (Delete, "/admin/v1/users/{user}/providers/{provider}") => vec![inside(&[])],
        (Post, "/admin/v1/users/{user}/providers") => {
            let of = |whose: &Organisation| route.path.replace("{user}", &whose.passkey_user.to_string());
            let with = |whose: &Organisation| pairs(&[("provider", whose.name.as_str()), ("subject", "another")]);
            // Who has a passkey is given nothing by an administrator who is alone.
            let alone = |reply: &Reply| reply.code() == 40_301;
            vec![
                Case::of(of(b), with(a), alone).sent_by_owner(of(b), with(b)),
                Case::of(of(a), with(b), alone).sent_by_owner(of(b), with(b)),
            ]
        }
        (Get, "/admin/v1/integrations" | "/admin/v2/integrations" | "/admin/v3/integrations") => {
            vec![list()]
        }
        (Post, "/admin/v1/integrations" | "/admin/v2/integrations" | "/admin/v3/integrations") => vec![
            Case::of(path.clone(), pairs(&[("name", "n"), ("type", "unix"), ("policy_key", &policy)]), succeeds),
            Case::of(path.clone(), pairs(&[("name", "n"), ("type", "unix"), ("groups_allowed", &group)]), succeeds),
        ],
        (Get | Delete, p) if p.ends_with("/integrations/{ikey}") => vec![inside(&[])],
        (Get, "/admin/v1/integrations/{ikey}/skey") => vec![inside(&[])],
        (Post, p) if p.ends_with("/integrations/{ikey}") => {
            let ours = |params: &[(&str, &str)]| below(params);
            vec![
                inside(&[("name", "another")]),
                inside(&[("reset_secret_key", "1")]),
                ours(&[("policy_key", &policy)]),
                ours(&[("groups_allowed", &group)]),
            ]
        }
        (Post, "/admin/v2/policies") => {
            let on_app = [("policy_name", "p"), ("sections", "{}"), ("apply_to_apps", b.unix.ikey.as_str())];
            let list = format!("[{{\"apply_to_apps\":[\"{}\"],\"group_id_list\":[\"{group}\"]}}]", b.unix.ikey);
            let on_groups = [("policy_name", "p"), ("sections", "{}"), ("apply_to_groups_in_apps", list.as_str())];
            let mixed = format!("[{{\"apply_to_apps\":[\"{}\"],\"group_id_list\":[\"{group}\"]}}]", a.unix.ikey);
            let mixed = [("policy_name", "p"), ("sections", "{}"), ("apply_to_groups_in_apps", mixed.as_str())];
            vec![
                Case::of(path.clone(), pairs(&on_app), succeeds),
                Case::of(path.clone(), pairs(&on_groups), succeeds),
                Case::of(path.clone(), pairs(&mixed), succeeds).sent_by_owner(path.clone(), pairs(&on_groups)),
            ]
        }
        (Get, "/admin/v2/policies/calculate") => {
            let ours = [("integration_key", a.unix.ikey.as_str()), ("user_id", &user)];
            let theirs = [("integration_key", b.unix.ikey.as_str()), ("user_id", &user)];
            vec![
                Case::of(path.clone(), pairs(&theirs), succeeds),
                Case::of(path.clone(), pairs(&ours), succeeds).sent_by_owner(path.clone(), pairs(&theirs)),
            ]
        }
        (Post, "/admin/v2/policies/copy") => {
            let params = [("policy_key", policy.as_str()), ("new_policy_names_list", "[\"copied\"]")];
            vec![Case::of(path.clone(), pairs(&params), succeeds)]
        }
        (Get, "/admin/v2/policies/global") => vec![same(&[])],
        (Put, "/admin/v2/policies/update") => {
            let which = format!("{{\"edit_list\":[\"{policy}\"]}}");
            let params = [
                ("policies_to_update", which.as_str()),
                ("policy_changes", "{\"sections\":{},\"sections_to_delete\":[]}"),
            ];
            vec![Case::of(path.clone(), pairs(&params), succeeds)]
        }
        (Put, "/admin/v2/policies/{policy}") => vec![inside(&[("policy_name", "another")])],
        (Delete, "/admin/v2/policies/{policy}") => vec![inside(&[])],
        (Get, "/admin/v1/settings") => vec![same(&[])],
        (Post, "/admin/v1/settings") => vec![same(&[("sms_message", "another")])],
        (Get, p) if p.starts_with("/admin/v1/info/") => vec![same(&[])],
        (Get, "/admin/v1/logs/authentication" | "/admin/v1/logs/administrator") => vec![list()],
        (Get, "/admin/v2/logs/authentication") => {
            let span = [("mintime", "1795194201805"), ("maxtime", "1795367001805")];
            let with = |more: &[(&str, &str)]| filtered(&[&span[..], more].concat());
            vec![with(&[]), with(&[("users", &user)]), with(&[("applications", &b.app.ikey)])]
        }
        (Get, "/admin/v2/logs/activity") => {
            vec![filtered(&[("mintime", "1795194201805"), ("maxtime", "1795367001805")])]
        }
        // Nothing was sent when this is asked.
        (Get, "/admin/v1/logs/telephony") => vec![same(&[])],
        (Get, "/admin/v2/logs/telephony") => vec![same(&[("mintime", "1795194201805"), ("maxtime", "1795367001805")])],
        // Not by `user`: the asker's own log repeats whom they have asked about.
        (Get, "/admin/v1/logs/messages") => vec![same(&[])],
        // A number is nobody's object: each organisation has its own list of those that want nothing from it.
        (Get | Post, "/admin/v1/messages/opt_outs") => vec![same(&[("number", "+15035550100"), ("opted_out", "1")])],
        (Get, "/admin/v1/messages/blocks") => vec![same(&[])],
        (method, path) => {
            panic!("{} {path} has no case: write what of somebody else's could be named at it", method.http())
        }
    }
}
