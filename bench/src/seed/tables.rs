//! The tables that are filled, by the names of the store's schema. A column that the store adds and that has no default
//! makes the seeding fail, so this list can't fall behind unseen.

use store::engine::Type;

/// A table with the columns that are filled, in order.
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// Names and types.
    pub(crate) columns: &'static [(&'static str, Type)],
}

impl Table {
    /// `a, b, c`.
    pub(crate) fn columns(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

use Type::{Bytes, Id, Int, Text};

/// The tables; a row names its table by the place here.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "tenant",
        columns: &[("id", Id), ("name", Text), ("api_host", Text), ("created", Int), ("settings", Text)],
    },
    Table {
        name: "tenant_key",
        columns: &[("tenant", Id), ("version", Int), ("root", Text), ("wrapped", Bytes), ("created", Int)],
    },
    Table { name: "integration_key", columns: &[("ikey", Text), ("tenant", Id)] },
    Table {
        name: "integration",
        columns: &[
            ("tenant", Id),
            ("ikey", Text),
            ("name", Text),
            ("type", Text),
            ("secret", Bytes),
            ("signature_v1", Int),
            ("normalization", Text),
            ("settings", Text),
            ("created", Int),
        ],
    },
    Table {
        name: "users",
        columns: &[
            ("tenant", Id),
            ("id", Id),
            ("username", Text),
            ("realname", Text),
            ("firstname", Text),
            ("lastname", Text),
            ("email", Text),
            ("notes", Text),
            ("status", Text),
            ("failures", Int),
            ("created", Int),
            ("attributes", Text),
            ("passkeys", Int),
        ],
    },
    Table { name: "user_name", columns: &[("tenant", Id), ("name", Text), ("user_id", Id), ("place", Int)] },
    Table {
        name: "token",
        columns: &[
            ("tenant", Id),
            ("id", Id),
            ("type", Text),
            ("serial", Text),
            ("seed", Bytes),
            ("digits", Int),
            ("period", Int),
            ("counter", Int),
            ("drift", Int),
            ("last_used", Int),
            ("created", Int),
        ],
    },
    Table {
        name: "phone",
        columns: &[
            ("tenant", Id),
            ("id", Id),
            ("extension", Text),
            ("name", Text),
            ("type", Text),
            ("platform", Text),
            ("model", Text),
            ("predelay", Int),
            ("postdelay", Int),
            ("public_key", Bytes),
            ("device_name", Text),
            ("sms_sent", Int),
            ("created", Int),
        ],
    },
    Table {
        name: "passkey",
        columns: &[
            ("tenant", Id),
            ("id", Id),
            ("user_id", Id),
            ("credential_id", Bytes),
            ("credential", Bytes),
            ("name", Text),
            ("aaguid", Text),
            ("transports", Text),
            ("counter", Int),
            ("backup_eligible", Int),
            ("backed_up", Int),
            ("user_verified", Int),
            ("attestation", Text),
            ("suspended_reason", Text),
            ("created", Int),
        ],
    },
    Table { name: "user_phone", columns: &[("tenant", Id), ("user_id", Id), ("phone_id", Id)] },
    Table { name: "user_token", columns: &[("tenant", Id), ("user_id", Id), ("token_id", Id)] },
];

/// A place in [`TABLES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Into {
    Tenant,
    TenantKey,
    IntegrationKey,
    Integration,
    Users,
    UserName,
    Token,
    Phone,
    Passkey,
    UserPhone,
    UserToken,
}
