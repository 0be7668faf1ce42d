//! How an administrator helps somebody to sign in: an access pass, a link to enrol by; and how they end what is open.
//!
//! None of it adds an authenticator by itself: the person does that, and hears of it on all their channels.

use std::time::Duration;

use super::office::Office;
use crate::{cli::say, services::Services};
use anyhow::bail;
use store::UserRow;

/// Prints an access pass, this once, and tells the user who made it.
pub(super) async fn pass(office: &Office<'_>, services: &Services, user: &UserRow, minutes: i64) -> anyhow::Result<()> {
    let actor = office.scope().actor().to_owned();
    let pass = services.auth.issue_access_pass(office.tenant, user.id, minutes, &actor).await?;
    say(&format!("{}\n", pass.code.expose()))
}

/// Prints a link to enrol by.
pub(super) async fn link(office: &Office<'_>, services: &Services, user: &UserRow, hours: u64) -> anyhow::Result<()> {
    let life = life(hours);
    let scope = office.scope();
    let code = services.auth.activation_by(office.tenant, user.id, None, life, scope.actor()).await?;
    let host = scope.row().await?.api_host;
    note(office, user, life, false).await?;
    say(&format!("{}\n", services.auth.activation_url(&host, office.tenant, &code)))
}

/// Mails a link to enrol by to the user's own address.
pub(super) async fn mail(office: &Office<'_>, services: &Services, user: &UserRow, hours: u64) -> anyhow::Result<()> {
    let life = life(hours);
    if !services.auth.mail_enrolment(office.tenant, user.id, life, office.scope().actor()).await? {
        bail!("the mail could not be sent");
    }
    note(office, user, life, true).await
}

async fn note(office: &Office<'_>, user: &UserRow, life: Duration, mailed: bool) -> anyhow::Result<()> {
    let detail = serde_json::json!({ "user_id": user.id.to_string(), "valid_secs": life.as_secs(), "mailed": mailed });
    Ok(office.scope().note("user_enroll", &user.username, detail).await?)
}

/// Asks to add something to the account of somebody who has a passkey, and says what is missing.
pub(super) async fn ask(office: &Office<'_>, services: &Services, user: &UserRow) -> anyhow::Result<()> {
    let by = office.scope().actor().to_owned();
    let request = services.auth.ask_addition(office.tenant, user.id, &by).await?;
    let delay = auth::Settings::parse(&office.scope().row().await?.settings)?.operator_delay();
    let opens = jiff::Timestamp::from_millisecond(request.opens(delay).0)?;
    say(&format!(
        "{} was told. Another administrator can allow it: countersign admin user allow-addition {} --asked-by \"{by}\"\n\
         Otherwise it is possible from {opens} on, unless the user stops it.\n",
        user.username, user.username
    ))
}

/// Allows what another administrator has asked for.
pub(super) async fn allow(
    office: &Office<'_>,
    services: &Services,
    user: &UserRow,
    asked_by: &str,
) -> anyhow::Result<()> {
    services.auth.allow_addition(office.tenant, user.id, asked_by, office.scope().actor()).await?;
    say(&format!("{asked_by} may add to {}'s account for a day\n", user.username))
}

/// Sets a user's password.
pub(super) async fn set_password(
    office: &Office<'_>,
    services: &Services,
    user: &UserRow,
    file: &std::path::Path,
) -> anyhow::Result<()> {
    let password = super::office::secret(file)?;
    let hashed = services.auth.hash_password(office.tenant, user.id, &password).await?;
    let row = hashed.row(office.scope().actor(), office.world().now());
    let added = office.scope().set_password(&row).await?;
    office.announce(services, added).await?;
    if !services.auth.takes_passwords(office.tenant).await? {
        let why = if services.auth.has_user_directory(office.tenant).await? {
            "passwords are tried against the directory: this one counts for nothing while there is one\n"
        } else {
            "the setting passwords is off: nobody is asked for one\n"
        };
        say(why)?;
    }
    Ok(())
}

/// Ends everything that a user was given, and says how much that was.
pub(super) async fn revoke(
    office: &Office<'_>,
    services: &Services,
    user: &UserRow,
    reason: &str,
) -> anyhow::Result<()> {
    let by = office.scope().actor();
    let done = services.auth.revoke_user(office.tenant, user.id, by, reason).await?;
    say(&format!(
        "{}: {} sessions, {} grants of applications, {} sign-ins and {} prompts ended\n",
        user.username, done.sessions, done.grants, done.sign_ins, done.prompts
    ))
}

/// From an hour to thirty days.
fn life(hours: u64) -> Duration {
    Duration::from_secs(hours.clamp(1, 720) * 3600)
}

/// Prints the sessions in which a user's own pages are open (times in Unix seconds), or ends them.
pub(super) async fn sessions(office: &Office<'_>, user: &UserRow, end: bool) -> anyhow::Result<()> {
    let scope = office.scope();
    if end {
        return say(&format!("{} ended\n", scope.end_sessions(user.id).await?));
    }
    for session in scope.rows().sessions_of_user(user.id, office.world().now()).await? {
        say(&format!(
            "{} {:11} opened {} last used {}\n",
            session.id,
            session.strength,
            session.created.seconds(),
            session.last_seen.seconds()
        ))?;
    }
    Ok(())
}
