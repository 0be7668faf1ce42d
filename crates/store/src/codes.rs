//! Codes and tokens that may be used so many times and no more, stored as keyed hashes.
//!
//! Spending a code at a login stands in [`crate::login`], with everything else that a login spends.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Tenant, Tx, record},
    values,
};
use types::{BypassId, Millis, PhoneId, SmsCodeId, UserId};

record! {
    /// A bypass code.
    #[derive(Clone, Debug)]
    pub struct BypassRow {
        /// Its id.
        pub id: BypassId,
        /// Whose.
        pub user_id: UserId,
        /// Keyed hash of the code.
        pub digest: Vec<u8>,
        /// Uses that are left; none means without limit.
        pub uses_left: Option<i64>,
        /// Until when; none means for ever.
        pub expires: Option<Millis>,
        /// When it was made.
        pub created: Millis,
        /// Which administrator or key made it.
        pub created_by: String,
    }
}

record! {
    /// A passcode that was sent to a phone.
    #[derive(Clone, Debug)]
    pub struct SmsCodeRow {
        /// Its id.
        pub id: SmsCodeId,
        /// To which phone.
        pub phone_id: PhoneId,
        /// Keyed hash of the code.
        pub digest: Vec<u8>,
        /// Its first digit, which a prompt shows so that a person finds the next code of a batch.
        pub first_digit: String,
        /// Until when; none means for ever.
        pub expires: Option<Millis>,
        /// When it was used.
        pub used_at: Option<Millis>,
        /// When it was made.
        pub created: Millis,
    }
}

static BYPASS_OF_USER: Statement = Statement::new(
    "code_bypass_of_user",
    "SELECT id, user_id, digest, uses_left, expires, created, created_by FROM bypass_code WHERE tenant = $1 AND user_id = $2 \
     AND (uses_left IS NULL OR uses_left > 0) AND (expires IS NULL OR expires > $3) ORDER BY id",
    &[Type::Id, Type::Id, Type::Int],
);
static INSERT_BYPASS: Statement = Statement::new(
    "code_insert_bypass",
    "INSERT INTO bypass_code (tenant, id, user_id, digest, uses_left, expires, created, created_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    &[Type::Id, Type::Id, Type::Id, Type::Bytes, Type::Int, Type::Int, Type::Int, Type::Text],
);
static DELETE_BYPASS_OF_USER: Statement = Statement::new(
    "code_delete_bypass_of_user",
    "DELETE FROM bypass_code WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);
static DELETE_BYPASS: Statement = Statement::new(
    "code_delete_bypass",
    "DELETE FROM bypass_code WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static SMS_OF_PHONE: Statement = Statement::new(
    "code_sms_of_phone",
    "SELECT id, phone_id, digest, first_digit, expires, used_at, created FROM sms_code WHERE tenant = $1 AND phone_id = $2 \
     AND used_at IS NULL AND (expires IS NULL OR expires > $3) ORDER BY id",
    &[Type::Id, Type::Id, Type::Int],
);
static INSERT_SMS: Statement = Statement::new(
    "code_insert_sms",
    "INSERT INTO sms_code (tenant, id, phone_id, digest, first_digit, expires, used_at, created) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    &[Type::Id, Type::Id, Type::Id, Type::Bytes, Type::Text, Type::Int, Type::Int, Type::Int],
);
static DELETE_SMS_OF_PHONE: Statement = Statement::new(
    "code_delete_sms_of_phone",
    "DELETE FROM sms_code WHERE tenant = $1 AND phone_id = $2",
    &[Type::Id, Type::Id],
);
static DELETE_SMS_OF_USER: Statement = Statement::new(
    "sms_code_delete_of_user",
    "DELETE FROM sms_code WHERE tenant = $1 AND phone_id IN \
     (SELECT phone_id FROM user_phone WHERE tenant = $1 AND user_id = $2)",
    &[Type::Id, Type::Id],
);
static DELETE_SMS: Statement = Statement::new(
    "code_delete_sms",
    "DELETE FROM sms_code WHERE tenant = $1 AND phone_id = $2 AND id = $3",
    &[Type::Id, Type::Id, Type::Id],
);
static TAKE_SMS: Statement = Statement::new(
    "code_take_sms",
    "DELETE FROM sms_code WHERE tenant = $1 AND phone_id = $2 AND id = $3 AND used_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Id],
);
static COUNT_SMS: Statement = Statement::new(
    "code_count_sms",
    "UPDATE phone SET sms_sent = sms_sent + $3 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static TRUST: Statement = Statement::new(
    "code_trust_device",
    "INSERT INTO trusted_device (tenant, digest, user_id, ikey, created, expires) VALUES ($1, $2, $3, $4, $5, $6)",
    &[Type::Id, Type::Bytes, Type::Id, Type::Text, Type::Int, Type::Int],
);
static TRUSTED: Statement = Statement::new(
    "code_trusted_device",
    "SELECT created FROM trusted_device WHERE tenant = $1 AND digest = $2 AND user_id = $3 AND ikey = $4 AND expires > $5",
    &[Type::Id, Type::Bytes, Type::Id, Type::Text, Type::Int],
);
static DISTRUST: Statement = Statement::new(
    "code_distrust_devices_of_user",
    "DELETE FROM trusted_device WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);
static INSERT_ACTIVATION: Statement = Statement::new(
    "code_insert_activation",
    "INSERT INTO activation (tenant, digest, user_id, phone_id, expires, used_at, created, provider) \
     VALUES ($1, $2, $3, $4, $5, NULL, $6, $7)",
    &[Type::Id, Type::Bytes, Type::Id, Type::Id, Type::Int, Type::Int, Type::Text],
);
// One that comes of a provider's word: only while the provider has stood, and the user was linked there, ever since it was made. Whoever
// switches the provider off and on again, or links the user again, brings none back.
static SPEND_ACTIVATION: Statement = Statement::new(
    "code_spend_activation",
    "UPDATE activation SET used_at = $3 WHERE tenant = $1 AND digest = $2 AND used_at IS NULL AND expires > $3 \
     AND (provider IS NULL OR EXISTS (SELECT 1 FROM provider p, provider_link l WHERE p.tenant = $1 AND p.key = activation.provider \
        AND p.enabled <> 0 AND p.set_at <= activation.created AND l.tenant = $1 AND l.user_id = activation.user_id \
        AND l.provider = activation.provider AND l.created <= activation.created)) \
     RETURNING user_id, phone_id",
    &[Type::Id, Type::Bytes, Type::Int],
);
static VOID_ACTIVATIONS: Statement = Statement::new(
    "code_void_activations",
    "UPDATE activation SET used_at = $3 WHERE tenant = $1 AND user_id = $2 AND used_at IS NULL AND phone_id IS NULL",
    &[Type::Id, Type::Id, Type::Int],
);
static ACTIVATION: Statement = Statement::new(
    "code_activation",
    "SELECT user_id, expires, used_at FROM activation WHERE tenant = $1 AND digest = $2",
    &[Type::Id, Type::Bytes],
);
static ACTIVATION_PHONE: Statement = Statement::new(
    "code_activation_phone",
    "SELECT phone_id FROM activation WHERE tenant = $1 AND digest = $2",
    &[Type::Id, Type::Bytes],
);

static PURGE_SMS: Statement =
    Statement::new("code_purge_sms", "DELETE FROM sms_code WHERE tenant = $1 AND expires < $2", &[Type::Id, Type::Int]);
static PURGE_BYPASS: Statement = Statement::new(
    "code_purge_bypass",
    "DELETE FROM bypass_code WHERE tenant = $1 AND (expires < $2 OR uses_left <= 0)",
    &[Type::Id, Type::Int],
);
static PURGE_TRUSTED: Statement = Statement::new(
    "code_purge_trusted",
    "DELETE FROM trusted_device WHERE tenant = $1 AND expires < $2",
    &[Type::Id, Type::Int],
);
static PURGE_ACTIVATIONS: Statement = Statement::new(
    "code_purge_activations",
    "DELETE FROM activation WHERE tenant = $1 AND expires < $2",
    &[Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &PURGE_SMS,
    &PURGE_BYPASS,
    &PURGE_TRUSTED,
    &PURGE_ACTIVATIONS,
    &BYPASS_OF_USER,
    &INSERT_BYPASS,
    &DELETE_BYPASS_OF_USER,
    &DELETE_BYPASS,
    &SMS_OF_PHONE,
    &INSERT_SMS,
    &DELETE_SMS_OF_USER,
    &DELETE_SMS_OF_PHONE,
    &DELETE_SMS,
    &TAKE_SMS,
    &COUNT_SMS,
    &TRUST,
    &TRUSTED,
    &DISTRUST,
    &INSERT_ACTIVATION,
    &SPEND_ACTIVATION,
    &VOID_ACTIVATIONS,
    &ACTIVATION,
    &ACTIVATION_PHONE,
];

impl Tenant<'_> {
    /// The user's bypass codes that can still be used.
    pub async fn bypass_codes(&self, user: UserId, now: Millis) -> Result<Vec<BypassRow>, StoreError> {
        self.list(&BYPASS_OF_USER, values![user, now]).await
    }

    /// The passcodes sent to a phone that can still be used, oldest first.
    pub async fn sms_codes(&self, phone: PhoneId, now: Millis) -> Result<Vec<SmsCodeRow>, StoreError> {
        self.list(&SMS_OF_PHONE, values![phone, now]).await
    }

    /// Since when this browser or machine is remembered for the user at the application.
    pub async fn trusted_since(
        &self,
        digest: &[u8],
        user: UserId,
        ikey: &str,
        now: Millis,
    ) -> Result<Option<Millis>, StoreError> {
        let rows = self.read(&TRUSTED, values![digest.to_vec(), user, ikey, now]).await?;
        rows.into_iter().next().map(|row| row.read().take()).transpose()
    }

    /// Whose an activation code is, until when it lives, and when it was used.
    pub async fn activation(&self, digest: &[u8]) -> Result<Option<(UserId, Millis, Option<Millis>)>, StoreError> {
        let rows = self.read(&ACTIVATION, values![digest.to_vec()]).await?;
        rows.into_iter()
            .next()
            .map(|row| {
                let mut columns = row.read();
                Ok((columns.take()?, columns.take()?, columns.take()?))
            })
            .transpose()
    }
}

impl Tenant<'_> {
    /// The telephone that an activation code is for; none for a code of the user's own, and for one that isn't there.
    pub async fn activation_phone(&self, digest: &[u8]) -> Result<Option<PhoneId>, StoreError> {
        let rows = self.read(&ACTIVATION_PHONE, values![digest.to_vec()]).await?;
        rows.into_iter().next().map_or(Ok(None), |row| row.read().take())
    }
}

impl Tx {
    /// Adds a bypass code.
    pub async fn insert_bypass_code(&mut self, code: &BypassRow) -> Result<(), StoreError> {
        self.run(&INSERT_BYPASS, code.values()).await.map(drop)
    }

    /// Removes all passcodes that were sent to a user's telephones.
    pub async fn delete_sms_codes_of_user(&mut self, user: UserId) -> Result<(), StoreError> {
        self.run(&DELETE_SMS_OF_USER, values![user]).await.map(drop)
    }

    /// Removes all bypass codes of a user.
    pub async fn delete_bypass_codes(&mut self, user: UserId) -> Result<(), StoreError> {
        self.run(&DELETE_BYPASS_OF_USER, values![user]).await.map(drop)
    }

    /// Removes one bypass code; whether there was one.
    pub async fn delete_bypass_code(&mut self, id: BypassId) -> Result<bool, StoreError> {
        self.changed(&DELETE_BYPASS, values![id]).await
    }

    /// Replaces a phone's passcodes by a new batch.
    pub async fn replace_sms_codes(&mut self, phone: PhoneId, codes: &[SmsCodeRow]) -> Result<(), StoreError> {
        self.run(&DELETE_SMS_OF_PHONE, values![phone]).await?;
        for code in codes {
            self.run(&INSERT_SMS, code.values()).await?;
        }
        Ok(())
    }

    /// Adds a batch of passcodes beside those that a phone has.
    pub async fn insert_sms_codes(&mut self, codes: &[SmsCodeRow]) -> Result<(), StoreError> {
        for code in codes {
            self.run(&INSERT_SMS, code.values()).await?;
        }
        Ok(())
    }

    /// Removes these passcodes of a phone.
    pub async fn delete_sms_codes(&mut self, phone: PhoneId, codes: &[SmsCodeId]) -> Result<(), StoreError> {
        for code in codes {
            self.run(&DELETE_SMS, values![phone, *code]).await?;
        }
        Ok(())
    }

    /// Removes those of a phone's passcodes that nobody has used: how many.
    pub async fn take_sms_codes(&mut self, phone: PhoneId, codes: &[SmsCodeId]) -> Result<usize, StoreError> {
        let mut taken = 0;
        for code in codes {
            taken += usize::from(self.changed(&TAKE_SMS, values![phone, *code]).await?);
        }
        Ok(taken)
    }

    /// Counts passcodes that are sent to a phone.
    pub async fn count_sms(&mut self, phone: PhoneId, sent: i64) -> Result<(), StoreError> {
        self.run(&COUNT_SMS, values![phone, sent]).await.map(drop)
    }

    /// Remembers a browser or machine.
    pub async fn trust_device(
        &mut self,
        digest: [u8; 32],
        user: UserId,
        ikey: &str,
        now: Millis,
        expires: Millis,
    ) -> Result<(), StoreError> {
        self.run(&TRUST, values![digest, user, ikey, now, expires]).await.map(drop)
    }

    /// Forgets all remembered devices of a user.
    pub async fn distrust_devices(&mut self, user: UserId) -> Result<(), StoreError> {
        self.run(&DISTRUST, values![user]).await.map(drop)
    }

    /// Adds an activation code for a user, or for one phone of the user.
    pub async fn insert_activation(
        &mut self,
        digest: [u8; 32],
        user: UserId,
        phone: Option<PhoneId>,
        expires: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.run(&INSERT_ACTIVATION, values![digest, user, phone, expires, now, None::<String>]).await.map(drop)
    }

    /// Adds an activation code for somebody whom a provider has named: it can be spent as long as people may come from there, and the user
    /// stays linked.
    pub async fn insert_activation_of_provider(
        &mut self,
        digest: [u8; 32],
        user: UserId,
        provider: &str,
        expires: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let nobodys: Option<PhoneId> = None;
        self.run(&INSERT_ACTIVATION, values![digest, user, nobodys, expires, now, provider]).await.map(drop)
    }

    /// Makes a user's other activation codes useless.
    pub async fn void_activations(&mut self, user: UserId, now: Millis) -> Result<(), StoreError> {
        self.run(&VOID_ACTIVATIONS, values![user, now]).await.map(drop)
    }

    /// Uses an activation code up: whose it was, if this call and no other used it.
    pub async fn spend_activation(
        &mut self,
        digest: &[u8],
        now: Millis,
    ) -> Result<Option<(UserId, Option<PhoneId>)>, StoreError> {
        let rows = self.run(&SPEND_ACTIVATION, values![digest.to_vec(), now]).await?;
        rows.into_iter()
            .next()
            .map(|row| {
                let mut columns = row.read();
                Ok((columns.take()?, columns.take()?))
            })
            .transpose()
    }

    /// Removes what expired before `before` or has no use left.
    pub async fn purge_codes(&mut self, before: Millis) -> Result<(), StoreError> {
        for statement in [&PURGE_SMS, &PURGE_BYPASS, &PURGE_TRUSTED, &PURGE_ACTIVATIONS] {
            self.run(statement, values![before]).await?;
        }
        Ok(())
    }
}
