//! `countersign admin user …`

use super::{
    access,
    office::{Office, every},
    passkeys,
};
use crate::{cli::say, services::Services};
use clap::{Args, Subcommand};
use directory::{NewUser, Status, UserPatch};
use store::{UserNameRow, UserRow};
use types::{E164, UserId};

/// What can be done to users. A user is named by id, user name or alias.
#[derive(Subcommand)]
pub enum Action {
    /// Make a user
    Create(Create),
    /// List the users
    List,
    /// Show a user with groups and devices
    Show {
        /// Who
        user: String,
    },
    /// Let nobody in by this name
    Disable {
        /// Who
        user: String,
    },
    /// Let the user in without a second factor
    Bypass {
        /// Who
        user: String,
    },
    /// Ask the user for a second factor again
    Activate {
        /// Who
        user: String,
    },
    /// End a lock-out
    Unlock {
        /// Who
        user: String,
    },
    /// Send prompts to the user again, after too many that were not approved
    ResumePrompts {
        /// Who
        user: String,
    },
    /// Forget the browsers and machines that are remembered for the user
    ForgetDevices {
        /// Who
        user: String,
    },
    /// Set the user's password, for a first sign-in; the user is told
    SetPassword {
        /// Who
        user: String,
        /// The file that holds it in its first line; - for standard input
        #[arg(long, default_value = "-", value_name = "FILE")]
        file: std::path::PathBuf,
    },
    /// Take the user's password away
    ClearPassword {
        /// Who
        user: String,
    },
    /// End everything that the user was given: sessions, applications' tokens, remembered browsers, links, waiting prompts
    Revoke {
        /// Who
        user: String,
        /// Why, for the log and for applications that are told
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Make an access pass and print it, this once: it lets the user register a passkey and nothing else; the user is told
    Pass {
        /// Who
        user: String,
        /// For how many minutes: 10 to 60
        #[arg(long, default_value_t = 20, value_name = "MINUTES")]
        minutes: i64,
    },
    /// Print a link by which the user enrols
    EnrollmentLink {
        /// Who
        user: String,
        /// For how many hours: 1 to 720
        #[arg(long, default_value_t = 24, value_name = "HOURS")]
        hours: u64,
    },
    /// Send the user a link to enrol by
    Enroll {
        /// Who
        user: String,
        /// By mail, to the user's own address
        #[arg(long, required = true)]
        mail: bool,
        /// For how many hours: 1 to 720
        #[arg(long, default_value_t = 24, value_name = "HOURS")]
        hours: u64,
    },
    /// Ask to add something to the account of a user who has a passkey; the user is told
    AskAddition {
        /// Who
        user: String,
    },
    /// Allow what another administrator has asked for; the user is told
    AllowAddition {
        /// Who
        user: String,
        /// The administrator or key that asked
        #[arg(long, value_name = "NAME")]
        asked_by: String,
    },
    /// List the user's passkeys
    Passkeys {
        /// Who
        user: String,
    },
    /// List the user's sessions, or sign the user out everywhere; `revoke` ends also what applications were granted for longer
    Sessions {
        /// Who
        user: String,
        /// End them all
        #[arg(long)]
        end: bool,
    },
    /// Delete a user at once, for good
    Delete {
        /// Who
        user: String,
    },
}

/// Arguments of `user create`.
#[derive(Args)]
pub struct Create {
    /// The name to sign in with
    username: String,
    /// Another name of the same user; at most eight
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// The full name
    #[arg(long, default_value = "", value_name = "NAME")]
    realname: String,
    /// The mail address
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    email: String,
    /// A group to put the user in; can be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

async fn create(arguments: Create, office: &Office<'_>) -> anyhow::Result<()> {
    let mut groups = Vec::with_capacity(arguments.groups.len());
    for group in &arguments.groups {
        groups.push(office.group(group).await?.id);
    }
    let new = NewUser {
        username: arguments.username,
        aliases: arguments.aliases,
        realname: arguments.realname,
        email: arguments.email,
        ..NewUser::default()
    };
    let row = office.scope().create_user(&new).await?;
    for group in groups {
        office.scope().add_to_group(row.id, group).await?;
    }
    say(&format!("{}\n", row.id))
}

/// What an administrator should see first.
fn state(row: &UserRow) -> &str {
    match row.status.as_str() {
        _ if row.deleted_at.is_some() => "pending deletion",
        _ if row.locked_at.is_some() => "locked out",
        status => status,
    }
}

async fn show(office: &Office<'_>, row: UserRow) -> anyhow::Result<()> {
    let (rows, id) = (office.scope().rows(), [row.id]);
    say(&format!(
        "id        {}\nusername  {}\nstatus    {}\nrealname  {}\nemail     {}\nnotes     {}\n",
        row.id,
        row.username,
        state(&row),
        row.realname,
        row.email,
        row.notes
    ))?;
    for (_, UserNameRow { name, .. }) in rows.user_names(&id).await?.into_iter().filter(|(_, name)| name.place > 0) {
        say(&format!("alias     {name}\n"))?;
    }
    for (_, group) in rows.groups_of_users(&id).await? {
        say(&format!("group     {} {} ({})\n", group.id, group.name, group.status))?;
    }
    for (_, phone) in rows.phones_of_users(&id).await? {
        // The last four digits only: no command reads a number.
        let tail = match &phone.tail {
            Some(tail) => {
                let tail = rows.open(store::fields::phone_tail(&phone.id), tail).await?;
                E164::masked(&String::from_utf8_lossy(tail.expose()))
            }
            None => "no number".to_owned(),
        };
        let push = if phone.public_key.is_some() { "push" } else { "no push" };
        say(&format!("phone     {} {tail} {push} {}\n", phone.id, phone.name))?;
    }
    for (_, token) in rows.tokens_of_users(&id).await? {
        say(&format!("token     {} {} {}\n", token.id, token.r#type, token.serial))?;
    }
    for passkey in rows.passkeys_of_user(row.id).await? {
        let state = if passkey.suspended_at.is_some() { " suspended" } else { "" };
        say(&format!("passkey   {}{state} {}\n", passkey.id, passkey.name))?;
    }
    if let Some(prompting) = rows.prompting(row.id).await?
        && prompting.suspended_at.is_some()
    {
        say(&format!("prompts   suspended: {}\n", prompting.reason))?;
    }
    Ok(())
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    let id = async |user: &str| -> anyhow::Result<UserId> { Ok(office.user(user).await?.id) };
    let set = async |user: &str, status: Status| -> anyhow::Result<()> {
        let patch = UserPatch { status: Some(status), ..UserPatch::default() };
        Ok(scope.change_user(office.user(user).await?.id, &patch).await?)
    };
    match action {
        Action::Create(arguments) => create(arguments, office).await,
        Action::List => {
            let rows = scope.rows();
            let each = async |row: UserRow| say(&format!("{} {:16} {}\n", row.id, state(&row), row.username));
            every(async |slice| rows.users(None, slice).await, each).await
        }
        Action::Show { user } => show(office, office.user(&user).await?).await,
        Action::Disable { user } => set(&user, Status::Disabled).await,
        Action::Bypass { user } => set(&user, Status::Bypass).await,
        Action::Activate { user } => set(&user, Status::Active).await,
        Action::Unlock { user } => Ok(scope.unlock_user(id(&user).await?).await?),
        Action::ResumePrompts { user } => Ok(scope.resume_prompts(id(&user).await?).await?),
        Action::ForgetDevices { user } => Ok(scope.distrust_devices(id(&user).await?).await?),
        Action::SetPassword { user, file } => {
            access::set_password(office, services, &office.user(&user).await?, &file).await
        }
        Action::ClearPassword { user } => {
            anyhow::ensure!(scope.clear_password(id(&user).await?).await?, "{user} has no password");
            Ok(())
        }
        Action::Revoke { user, reason } => access::revoke(office, services, &office.user(&user).await?, &reason).await,
        Action::Pass { user, minutes } => access::pass(office, services, &office.user(&user).await?, minutes).await,
        Action::EnrollmentLink { user, hours } => {
            access::link(office, services, &office.user(&user).await?, hours).await
        }
        Action::Enroll { user, mail: _, hours } => {
            access::mail(office, services, &office.user(&user).await?, hours).await
        }
        Action::AskAddition { user } => access::ask(office, services, &office.user(&user).await?).await,
        Action::AllowAddition { user, asked_by } => {
            access::allow(office, services, &office.user(&user).await?, &asked_by).await
        }
        Action::Passkeys { user } => passkeys::list(office, &user).await,
        Action::Sessions { user, end } => access::sessions(office, &office.user(&user).await?, end).await,
        Action::Delete { user } => Ok(scope.delete_user(id(&user).await?).await?),
    }
}
