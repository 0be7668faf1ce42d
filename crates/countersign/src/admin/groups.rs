//! `countersign admin group …`

use super::office::{Office, every};
use crate::cli::say;
use clap::Subcommand;
use directory::{GroupPatch, NewGroup, Status};
use store::{GroupRow, UserRow};

/// What can be done to groups. A group is named by id or name.
#[derive(Subcommand)]
pub enum Action {
    /// Make a group
    Create {
        /// Its name
        name: String,
        /// For people
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
    },
    /// List the groups
    List,
    /// List a group's members
    Members {
        /// Which
        group: String,
    },
    /// Put a user in
    Add {
        /// Which
        group: String,
        /// Who
        user: String,
    },
    /// Take a user out
    Remove {
        /// Which
        group: String,
        /// Who
        user: String,
    },
    /// What holds for the members: active, bypass or disabled
    Status {
        /// Which
        group: String,
        /// active, bypass or disabled
        status: String,
    },
    /// End the policy that holds for the members at an application: its own holds for them again
    Unapply {
        /// Which
        group: String,
        /// The application's integration key
        ikey: String,
    },
    /// Delete a group; its members stay
    Delete {
        /// Which
        group: String,
    },
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>) -> anyhow::Result<()> {
    let scope = office.scope();
    let rows = scope.rows();
    match action {
        Action::Create { name, description } => {
            let new = NewGroup { name, description, status: Status::Active };
            say(&format!("{}\n", scope.create_group(&new).await?.id))
        }
        Action::List => {
            let each = async |row: GroupRow| say(&format!("{} {:8} {}\n", row.id, row.status, row.name));
            every(async |slice| rows.groups(slice).await, each).await
        }
        Action::Members { group } => {
            let group = office.group(&group).await?.id;
            let each = async |row: UserRow| say(&format!("{} {}\n", row.id, row.username));
            every(async |slice| rows.members(group, slice).await, each).await
        }
        Action::Add { group, user } => {
            Ok(scope.add_to_group(office.user(&user).await?.id, office.group(&group).await?.id).await?)
        }
        Action::Remove { group, user } => {
            Ok(scope.remove_from_group(office.user(&user).await?.id, office.group(&group).await?.id).await?)
        }
        Action::Status { group, status } => {
            let patch = GroupPatch { status: Some(status.parse()?), ..GroupPatch::default() };
            Ok(scope.change_group(office.group(&group).await?.id, &patch).await?)
        }
        Action::Unapply { group, ikey } => Ok(scope.unapply_to_group(&ikey, office.group(&group).await?.id).await?),
        Action::Delete { group } => Ok(scope.delete_group(office.group(&group).await?.id).await?),
    }
}
