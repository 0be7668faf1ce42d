//! What applications were granted beyond a session, and every act after which it is of no use.

use crate::{
    account_house::{SOON, SoftKey, client, undo_code},
    soft_passkey::{ORIGIN, SoftPasskey},
    support::{House, each_engine},
    visit::{Visit, refusal},
};
use countersign_auth::{
    Answer, DeviceId,
    account::{Action, Held, Session, Strength},
};
use store::{DeviceGrantRow, GrantFamilyRow};
use types::{GrantId, Millis, SecretString, SessionId, UserId};

const DAY: i64 = 86_400_000;

/// What a person granted: to an application until the session ends, to another for longer, and to a device that has not fetched it.
struct Granted<'h> {
    house: &'h House,
    in_session: GrantId,
    for_longer: GrantId,
    device: Vec<u8>,
}

impl<'h> Granted<'h> {
    async fn by(house: &'h House, user: UserId, session: SessionId) -> Self {
        let now = house.world.now();
        let later = Millis(now.0 + DAY);
        let family = |session_id| GrantFamilyRow {
            id: GrantId::new(now, house.world.random.as_ref()),
            user_id: Some(user),
            ikey: "DICLIENT000000000000".to_owned(),
            session_id,
            detail: vec![1; 40],
            created: now,
            expires: later,
            revoked_at: None,
        };
        let (in_session, for_longer) = (family(Some(session)), family(None));
        let device = DeviceGrantRow {
            digest: house.world.bytes::<32>().to_vec(),
            user_code: house.world.bytes::<32>().to_vec(),
            ikey: "DICLIENT000000000000".to_owned(),
            state: "allowed".to_owned(),
            sealed: vec![2; 40],
            user_id: Some(user),
            session_id: None,
            next_poll: now,
            pause: 5,
            created: now,
            expires: later,
        };
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.insert_device_grant(&device).await.unwrap();
        tx.commit().await.unwrap();
        let mut plan = house.store.tenant(house.tenant).plan();
        plan.insert_grant_family(&in_session);
        plan.insert_grant_family(&for_longer);
        plan.commit().await.unwrap();
        Self { house, in_session: in_session.id, for_longer: for_longer.id, device: device.digest }
    }

    /// Which of the three go on.
    async fn left(&self) -> [bool; 3] {
        let scope = self.house.store.tenant(self.house.tenant);
        let times = self.house.auth.session_times(self.house.tenant).await.unwrap();
        let lives = async |id| {
            let found = scope.grant_family(id, times).await.unwrap().unwrap();
            found.family.revoked_at.is_none() && found.session_lasts
        };
        let device = scope.device_grant(&self.device).await.unwrap().unwrap();
        [lives(self.in_session).await, lives(self.for_longer).await, device.state == "allowed"]
    }
}

async fn undo_link(house: &House, name: &str, session: &Session) -> String {
    let permit = house.permit(session, Action::AddPasskey).await;
    house.register(&permit, &SoftKey::new()).await.unwrap();
    let notice = house.outbox.wait_for(&format!("{name}@acme.example"), SOON).await.unwrap();
    undo_code(notice.text.expose())
}

/// A new way to end a person's sessions belongs into this list, or among those that only sign out.
const ACTS: [&str; 9] =
    ["fraud", "report", "link", "undo", "copy", "password", "removal", "revocation", "others signed out"];

#[test]
fn whatever_says_that_somebody_else_may_be_in_ends_what_was_granted_for_longer_too() {
    each_engine(r#"{"passwords": true}"#, async |house| {
        for (at, act) in ACTS.into_iter().enumerate() {
            let name = format!("ana{at}");
            let (user, _, session) = house.settled(&name).await;
            let (_, other) = house.session(user, Strength::Push).await;
            let here = Granted::by(house, user, session.id()).await;
            let there = Granted::by(house, user, other.id()).await;
            assert_eq!((here.left().await, there.left().await), ([true; 3], [true; 3]));
            // Whether the session in which the person did it stays, with what depends on it.
            let stays = match act {
                "fraud" => {
                    let key = house.auth.authenticators(&session).await.unwrap().passkeys[0].id;
                    let device = house.authenticator(user).await;
                    // Who has a passkey isn't sent a push.
                    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
                    assert!(tx.delete_passkey(user, key).await.unwrap());
                    tx.commit().await.unwrap();
                    let (push, _) = house.push(&name).await.unwrap_or_else(|outcome| panic!("{}", outcome.message));
                    assert!(device.answer(house, push, Answer::Fraud).await.unwrap());
                    false
                }
                "report" => {
                    house.auth.report(&session, &client()).await.unwrap();
                    true
                }
                "link" => {
                    let link = undo_link(house, &name, &session).await;
                    house.auth.report_by_link(house.tenant, &link, &client()).await.unwrap();
                    false
                }
                "undo" => {
                    let link = undo_link(house, &name, &session).await;
                    house.auth.undo(house.tenant, &link, &client()).await.unwrap();
                    false
                }
                "copy" => {
                    let key = SoftPasskey::register(house, user, &["usb"]).await;
                    for counter in [7, 7] {
                        let visit = Visit::application(house, &name).await;
                        let step = visit.passkey_from(&key, ORIGIN, counter).await;
                        assert!(matches!(refusal(&step), "" | "deny"));
                    }
                    false
                }
                "password" => {
                    let permit = house.permit(&session, Action::Password).await;
                    let new = SecretString::new("a lamp in the green hall".to_owned());
                    house.auth.change_password(&permit, &new, &client()).await.unwrap();
                    true
                }
                "removal" => {
                    let phone = house.phone(user, &format!("+1503555010{at}")).await;
                    let permit = house.permit(&session, Action::Remove).await;
                    house.auth.remove(&permit, &Held::Device(DeviceId::Phone(phone)), &client()).await.unwrap();
                    true
                }
                "revocation" => {
                    let done = house.auth.revoke_user(house.tenant, user, "helpdesk", "").await.unwrap();
                    assert_eq!(done.grants, 4);
                    false
                }
                _ => {
                    house.auth.end_other_sessions(&session).await.unwrap();
                    true
                }
            };
            let only_left = act == "others signed out";
            assert_eq!(here.left().await, [stays, only_left, only_left], "{act}");
            assert_eq!(there.left().await, [false, only_left, only_left], "{act}");
        }
    });
}
