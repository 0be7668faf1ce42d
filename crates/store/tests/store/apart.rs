//! Tenant B, with the ids of tenant A's things in hand, is given nothing and changes nothing.

use crate::support::{ALL, NOW, Site, each_engine, user_name};
use countersign_store::{
    GroupChange, GroupPolicyRow, IntegrationChange, PhoneChange, PolicyChange, QueuedRow, SealedNumber, Span,
    StoreError, Tenant, UserChange,
    attempts::{AttemptRow, Ending},
    codes::{BypassRow, SmsCodeRow},
    prompting::PromptRules,
};
use std::{fmt::Write as _, fs, path::Path, time::Duration};
use types::{
    AttemptId, BypassId, GroupId, LogId, MessageId, Millis, PhoneId, PolicyId, SmsCodeId, TenantId, TokenId, UserId,
};

const IKEY: &str = "DIAAAAAAAAAAAAAAAAAA";
const DIGEST: [u8; 32] = [7; 32];
const LATER: Millis = Millis(NOW.0 + 600_000);
const ENDING: Ending<'static> = Ending { result: 2, status: "deny", reason: "denied" };
const RULES: PromptRules =
    PromptRules { spacing: Duration::from_secs(0), window: Duration::from_secs(600), unapproved: 5 };

/// One of each thing, all of tenant A.
struct Things {
    user: UserId,
    group: GroupId,
    phone: PhoneId,
    token: TokenId,
    policy: PolicyId,
    bypass: BypassId,
    sms: SmsCodeId,
    attempt: AttemptId,
    auth_log: LogId,
    admin_log: LogId,
    message: MessageId,
}

async fn things(site: &Site) -> Things {
    let (group, phone, token, policy) =
        (site.group("admins").await, site.phone().await, site.token("1").await, site.policy("strict").await);
    site.integration(IKEY).await;
    let user = site.new_user("narroway");
    let bypass = new_bypass(site, user.id);
    let sms = new_sms(site, phone);
    let sms_id = sms.id;
    let attempt = new_attempt(site, user.id, phone);
    let (auth_log, admin_log, message) =
        (site.new_auth_log(NOW, "success"), site.new_admin_log(NOW), site.new_message(NOW.day(), "sms"));
    site.write(async |tx| {
        tx.insert_user(&user, &user_name("narroway"), &[user_name("alias")]).await?;
        assert!(tx.add_member(user.id, group).await?);
        assert!(tx.attach_phone(user.id, phone).await?);
        assert!(tx.attach_token(user.id, token).await?);
        assert!(tx.set_phone_key(phone, &[1; 65], "pixel", NOW).await?);
        assert!(tx.set_integration_policy(IKEY, Some(policy)).await?);
        assert!(
            tx.set_group_policy(&GroupPolicyRow { ikey: IKEY.to_owned(), group_id: group, policy, place: 1 }).await?
        );
        tx.insert_bypass_code(&bypass).await?;
        tx.replace_sms_codes(phone, &[sms]).await?;
        tx.trust_device(DIGEST, user.id, IKEY, NOW, LATER).await?;
        tx.insert_activation(DIGEST, user.id, Some(phone), LATER, NOW).await?;
        tx.insert_attempt(&attempt).await?;
        assert!(tx.open_prompt(user.id, attempt.id, RULES, NOW, LATER).await?);
        tx.insert_auth_log(&auth_log).await?;
        tx.insert_admin_log(&admin_log).await?;
        tx.insert_message(&message).await?;
        tx.queue_message(&new_queued(site.a, message.id)).await?;
        Ok(())
    })
    .await;
    assert!(site.made(site.a, |it| it.add_receipt(message.id, b"receipt", LATER)).await);
    Things {
        user: user.id,
        group,
        phone,
        token,
        policy,
        bypass: bypass.id,
        sms: sms_id,
        attempt: attempt.id,
        auth_log: auth_log.id,
        admin_log: admin_log.id,
        message: message.id,
    }
}

fn new_bypass(site: &Site, user_id: UserId) -> BypassRow {
    BypassRow {
        id: site.id(),
        user_id,
        digest: vec![1; 32],
        uses_left: Some(1),
        expires: None,
        created: NOW,
        created_by: "DI".to_owned(),
    }
}

/// A message that waits; the tenant in the row counts for nothing.
pub(crate) fn new_queued(tenant: TenantId, id: MessageId) -> QueuedRow {
    QueuedRow {
        tenant,
        id,
        holder: vec![1; 16],
        key_id: vec![2; 16],
        until: 7,
        state: "queued".to_owned(),
        carrier: String::new(),
        sealed: vec![3; 64],
    }
}

fn new_sms(site: &Site, phone_id: PhoneId) -> SmsCodeRow {
    SmsCodeRow {
        id: SmsCodeId::new(NOW, site.world.random.as_ref()),
        phone_id,
        digest: vec![2; 32],
        first_digit: "4".to_owned(),
        expires: None,
        used_at: None,
        created: NOW,
    }
}

fn new_attempt(site: &Site, user_id: UserId, phone: PhoneId) -> AttemptRow {
    AttemptRow {
        id: site.id(),
        user_id,
        ikey: IKEY.to_owned(),
        factor: "push".to_owned(),
        phone_id: Some(phone),
        result: 0,
        status: "offered".to_owned(),
        reason: String::new(),
        sequence: 0,
        code_digest: None,
        context: vec![1],
        request_digest: None,
        created: NOW,
        expires: LATER,
        decided_at: None,
    }
}

/// All that a tenant has, as text.
async fn snapshot(tenant: Tenant<'_>, of: &Things) -> Result<String, StoreError> {
    let span = Span::new(Millis(0), Millis(i64::MAX), 1000);
    let mut text = String::new();
    let (user, phone) = (of.user, of.phone);
    let mut add = |part: &dyn std::fmt::Debug| writeln!(text, "{part:?}").unwrap();
    add(&tenant.row().await?);
    add(&tenant.users(None, ALL).await?);
    add(&tenant.user_names(&[user]).await?);
    add(&tenant.groups(ALL).await?);
    add(&tenant.members(of.group, ALL).await?);
    add(&tenant.phones(ALL).await?);
    add(&tenant.phones_of_users(&[user]).await?);
    add(&tenant.tokens(ALL).await?);
    add(&tenant.tokens_of_users(&[user]).await?);
    add(&tenant.integrations(ALL).await?);
    add(&tenant.policies(ALL).await?);
    add(&tenant.group_policies(IKEY).await?);
    add(&tenant.bypass_code_page(None, ALL).await?);
    add(&tenant.sms_codes(phone, NOW).await?);
    add(&tenant.trusted_since(&DIGEST, user, IKEY, NOW).await?);
    add(&tenant.activation(&DIGEST).await?);
    add(&tenant.attempt(of.attempt).await?);
    add(&tenant.prompting(user).await?);
    add(&tenant.auth_log(&span).await?);
    add(&tenant.admin_log(&span).await?);
    add(&tenant.messages(&span).await?);
    Ok(text)
}

#[test]
fn what_is_read_with_anothers_id_is_not_there() {
    each_engine(async |site| {
        let of = things(site).await;
        for (tenant, there) in [(site.a(), true), (site.b(), false)] {
            let found = reads(tenant, &of).await.unwrap();
            for (what, found) in found {
                assert_eq!(found, there, "{what}");
            }
        }
    });
}

/// Each reading method that takes an id, and whether it found something.
async fn reads(tenant: Tenant<'_>, of: &Things) -> Result<Vec<(&'static str, bool)>, StoreError> {
    let users = [of.user];
    let span = Span::new(NOW, LATER, 10);
    Ok(vec![
        ("user", tenant.user(of.user).await?.is_some()),
        ("user_by_name", tenant.user_by_name(&user_name("alias")).await?.is_some()),
        ("user_names", !tenant.user_names(&users).await?.is_empty()),
        ("users_of_phones", !tenant.users_of_phones(&[of.phone]).await?.is_empty()),
        ("users_of_tokens", !tenant.users_of_tokens(&[of.token]).await?.is_empty()),
        ("members", tenant.members(of.group, ALL).await?.total > 0),
        ("members' rows", !tenant.members(of.group, ALL).await?.rows.is_empty()),
        ("last_logins", !tenant.last_logins(&users).await?.is_empty()),
        ("group", tenant.group(of.group).await?.is_some()),
        ("groups_of_users", !tenant.groups_of_users(&users).await?.is_empty()),
        ("phone", tenant.phone(of.phone).await?.is_some()),
        ("phones_of_users", !tenant.phones_of_users(&users).await?.is_empty()),
        ("token", tenant.token(of.token).await?.is_some()),
        ("token_by_serial", tenant.token_by_serial("t6", "1").await?.is_some()),
        ("tokens_of_users", !tenant.tokens_of_users(&users).await?.is_empty()),
        ("integration", tenant.integration(IKEY).await?.is_some()),
        ("integrations_of_policy", !tenant.integrations_of_policy(of.policy).await?.is_empty()),
        ("policy", tenant.policy(of.policy).await?.is_some()),
        ("group_policies", !tenant.group_policies(IKEY).await?.is_empty()),
        ("group_policies_of", !tenant.group_policies_of(of.policy).await?.is_empty()),
        ("bypass_code", tenant.bypass_code(of.bypass).await?.is_some()),
        ("bypass_code_page", tenant.bypass_code_page(Some(of.user), ALL).await?.total > 0),
        ("bypass_codes", !tenant.bypass_codes(of.user, NOW).await?.is_empty()),
        ("sms_codes", !tenant.sms_codes(of.phone, NOW).await?.is_empty()),
        ("trusted_since", tenant.trusted_since(&DIGEST, of.user, IKEY, NOW).await?.is_some()),
        ("activation", tenant.activation(&DIGEST).await?.is_some()),
        ("activation_phone", tenant.activation_phone(&DIGEST).await?.is_some()),
        ("attempt", tenant.attempt(of.attempt).await?.is_some()),
        ("open_attempts", !tenant.open_attempts(of.user, NOW).await?.is_empty()),
        ("prompting", tenant.prompting(of.user).await?.is_some()),
        ("auth_log_entry", tenant.auth_log_entry(of.auth_log).await?.is_some()),
        ("auth_log", !tenant.auth_log(&span).await?.is_empty()),
        ("admin_log_entry", tenant.admin_log_entry(of.admin_log).await?.is_some()),
        ("admin_log", !tenant.admin_log(&span).await?.is_empty()),
        ("message", tenant.message(of.message).await?.is_some()),
    ])
}

#[test]
fn what_is_written_with_anothers_id_changes_nothing() {
    each_engine(async |site| {
        let of = things(site).await;
        let before = (snapshot(site.a(), &of).await.unwrap(), snapshot(site.b(), &of).await.unwrap());
        let changed = site.write_as(site.b, async |tx| changes(tx, &of).await).await;
        for (what, changed) in changed {
            assert!(!changed, "{what}");
        }
        let after = (snapshot(site.a(), &of).await.unwrap(), snapshot(site.b(), &of).await.unwrap());
        assert_eq!(before, after);
    });
}

/// Each writing method that takes an id, and whether it says that it changed something.
async fn changes(tx: &mut countersign_store::Tx, of: &Things) -> Result<Vec<(&'static str, bool)>, StoreError> {
    let (user, group, phone, token, policy) = (of.user, of.group, of.phone, of.token, of.policy);
    let text = || Some("changed".to_owned());
    let link = GroupPolicyRow { ikey: IKEY.to_owned(), group_id: group, policy, place: 9 };
    let sealed = SealedNumber { number: Some(vec![1, 2, 3]), tail: Some(vec![4]) };
    let done = vec![
        ("rename_user", tx.rename_user(user, "Changed", &user_name("changed")).await?),
        ("set_aliases", tx.set_aliases(user, &[user_name("changed")]).await?),
        ("change_user", tx.change_user(user, &UserChange { notes: text(), ..UserChange::default() }).await?),
        ("set_user_status", tx.set_user_status(user, "bypass").await?),
        ("lock_user", tx.lock_user(user, NOW).await?),
        ("unlock_user", tx.unlock_user(user).await?),
        ("end_lockout", tx.end_lockout(user, NOW).await?),
        ("mark_user_deleted", tx.mark_user_deleted(user, NOW).await?),
        ("restore_user", tx.restore_user(user).await?),
        ("delete_user", tx.delete_user(user).await?),
        ("change_group", tx.change_group(group, &GroupChange { status: text(), ..GroupChange::default() }).await?),
        ("delete_group", tx.delete_group(group).await?),
        ("add_member", tx.add_member(user, group).await?),
        ("remove_member", tx.remove_member(user, group).await?),
        ("change_phone", tx.change_phone(phone, &PhoneChange { name: text(), ..PhoneChange::default() }).await?),
        ("set_phone_number", tx.set_phone_number(phone, SealedNumber::default()).await?),
        ("reseal_phone", tx.reseal_phone(phone, sealed, SealedNumber::default()).await?),
        ("set_phone_key", tx.set_phone_key(phone, &[9; 65], "theirs", NOW).await?),
        ("clear_phone_key", tx.clear_phone_key(phone).await?),
        ("phone_seen", tx.phone_seen(phone, LATER).await?),
        ("delete_phone", tx.delete_phone(phone).await?),
        ("attach_phone", tx.attach_phone(user, phone).await?),
        ("detach_phone", tx.detach_phone(user, phone).await?),
        ("resync_token", tx.resync_token(token, 7, 8, 0).await?),
        ("set_token_period", tx.set_token_period(token, 60).await?),
        ("reseal_token", tx.reseal_token(token, &[9; 20], &[8; 20]).await?),
        ("delete_token", tx.delete_token(token).await?),
        ("attach_token", tx.attach_token(user, token).await?),
        ("detach_token", tx.detach_token(user, token).await?),
        (
            "change_integration",
            tx.change_integration(IKEY, &IntegrationChange { name: text(), ..IntegrationChange::default() }).await?,
        ),
        ("set_integration_policy", tx.set_integration_policy(IKEY, None).await?),
        ("set_integration_secret", tx.set_integration_secret(IKEY, &[5; 40], &[6; 40]).await?),
        ("delete_integration", tx.delete_integration(IKEY).await?),
        ("change_policy", tx.change_policy(policy, &PolicyChange { name: text(), ..PolicyChange::default() }).await?),
        ("delete_policy", tx.delete_policy(policy).await?),
        ("set_group_policy", tx.set_group_policy(&link).await?),
        ("remove_group_policy", tx.remove_group_policy(IKEY, group).await?),
        ("delete_bypass_code", tx.delete_bypass_code(of.bypass).await?),
        ("spend_activation", tx.spend_activation(&DIGEST, NOW).await?.is_some()),
        ("decide_attempt", tx.decide_attempt(of.attempt, ENDING, NOW).await?),
        ("deliver_attempt", tx.deliver_attempt(of.attempt, NOW).await?),
        ("expire_attempt", tx.expire_attempt(of.attempt, ENDING, LATER).await?),
        ("prompt_approved", tx.prompt_approved(user, of.attempt).await?),
        ("prompt_unapproved", tx.prompt_unapproved(user, of.attempt, RULES, NOW).await?),
        ("suspend_prompts", tx.suspend_prompts(user, "", NOW).await?),
        ("resume_prompts", tx.resume_prompts(user).await?),
        ("set_message_state", tx.set_message_state(of.message, "queued", "sent", "", None).await?),
        ("unqueue_message", tx.unqueue_message(of.message).await?),
        ("take_back_message", tx.take_back_message(of.message).await?),
        ("take_sms_codes", tx.take_sms_codes(phone, &[of.sms]).await? > 0),
        ("delete_auth_log", tx.delete_auth_log(LATER, 10).await? > 0),
        ("delete_admin_log", tx.delete_admin_log(LATER, 10).await? > 0),
        ("delete_messages", tx.delete_messages(LATER, 10).await? > 0),
    ];
    // These say nothing of what they did.
    tx.delete_bypass_codes(user).await?;
    tx.replace_sms_codes(phone, &[]).await?;
    tx.delete_sms_codes_of_user(of.user).await?;
    tx.delete_sms_codes(phone, &[of.sms]).await?;
    tx.distrust_devices(user).await?;
    tx.void_activations(user, NOW).await?;
    tx.count_sms(phone, 1).await?;
    Ok(done)
}

#[test]
fn what_is_made_with_anothers_id_reaches_nothing_of_theirs() {
    each_engine(async |site| {
        let of = things(site).await;
        let before = snapshot(site.a(), &of).await.unwrap();
        let mut attempt = new_attempt(site, of.user, of.phone);
        site.write_as(site.b, async |tx| {
            tx.insert_bypass_code(&new_bypass(site, of.user)).await?;
            tx.replace_sms_codes(of.phone, &[new_sms(site, of.phone)]).await?;
            tx.trust_device([8; 32], of.user, IKEY, NOW, LATER).await?;
            tx.insert_activation([8; 32], of.user, Some(of.phone), LATER, NOW).await?;
            tx.insert_attempt(&attempt).await?;
            // Under its own tenant, whatever the row says: and so nothing of the other's.
            tx.queue_message(&new_queued(site.a, of.message)).await?;
            assert!(tx.take_back_message(of.message).await?);
            assert!(tx.open_prompt(of.user, attempt.id, RULES, NOW, LATER).await?);
            attempt.id = of.attempt;
            assert!(!tx.claim_offer(&attempt).await?);
            Ok(())
        })
        .await;
        assert_eq!(before, snapshot(site.a(), &of).await.unwrap());
        // An integration key is once among all tenants.
        let mut tx = site.b().begin().await.unwrap();
        let taken = tx.insert_integration(&site.new_integration(IKEY)).await;
        assert!(matches!(taken, Err(StoreError::Duplicate)));
    });
}

#[test]
fn the_tests_above_leave_no_method_out() {
    let mine = concat!(
        include_str!("apart.rs"),
        include_str!("apart_browser.rs"),
        include_str!("apart_api.rs"),
        include_str!("log_segments.rs"),
        include_str!("numbers.rs"),
        include_str!("signals.rs"),
        include_str!("passwords.rs"),
        include_str!("grants.rs"),
        include_str!("single_sign_on.rs"),
        include_str!("directories.rs"),
        include_str!("providers.rs")
    );
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for block in
            text.split("\nimpl ").skip(1).filter(|block| block.starts_with("Tenant<") || block.starts_with("Tx "))
        {
            let block = block.split("\n}\n").next().unwrap();
            for method in block.split("pub async fn ").skip(1) {
                let (name, rest) = method.split_once('(').unwrap();
                let parameters = rest.split(") ->").next().unwrap();
                // A row that is made comes with an id of its own.
                let row = parameters.contains("Row") && !name.starts_with("insert_");
                if row || parameters.contains("Id") || parameters.contains("ikey") {
                    seen += 1;
                    assert!(
                        mine.contains(&format!(".{name}(")),
                        "{}: {name} is not tried by another tenant",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(seen > 110, "the scan has found only {seen} methods: it no longer understands the source");
}
