//! What to do with the demo's server: configurations and commands that work as they are printed.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use directory::IntegrationKeys;

use super::{
    cast::{Cast, INVITED, YOUR_NAME},
    wiki,
};
use crate::cli::say;

/// Where everything is.
pub(super) struct Places<'a> {
    pub(super) directory: &'a Path,
    pub(super) ca: &'a Path,
    pub(super) port: u16,
    /// Where a browser finds the pages, and the demo's web application.
    pub(super) site: &'a str,
    pub(super) application: &'a str,
    /// Whether somebody can type answers to pushes here.
    pub(super) keyboard: bool,
}

impl Places<'_> {
    /// Where the configuration of `login_duo` is written.
    pub(super) fn login_duo(&self) -> PathBuf {
        self.directory.join("login_duo.conf")
    }

    /// Where the Python script is written.
    pub(super) fn duo_client(&self) -> PathBuf {
        self.directory.join("login.py")
    }

    /// Where your authenticator's key is.
    pub(super) fn device(&self) -> PathBuf {
        self.directory.join("authenticator.json")
    }
}

/// Writes the files that the commands name, each for its owner only.
pub(super) fn write(cast: &Cast, places: &Places<'_>) -> anyhow::Result<()> {
    let texts =
        [(places.login_duo(), login_duo(&cast.unix, places)), (places.duo_client(), duo_client(&cast.api, places))];
    for (path, text) in texts {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
    }
    cast.you.1.keep(&places.device(), Some(places.ca))
}

fn login_duo(keys: &IntegrationKeys, places: &Places<'_>) -> String {
    let (ca, port) = (places.ca.display(), places.port);
    let (ikey, skey) = (&keys.ikey, keys.secret.text().expose());
    format!("[duo]\nhost = localhost:{port}\nikey = {ikey}\nskey = {skey}\ncafile = {ca}\n")
}

fn duo_client(keys: &IntegrationKeys, places: &Places<'_>) -> String {
    let (ca, port) = (places.ca.display(), places.port);
    let (ikey, skey) = (&keys.ikey, keys.secret.text().expose());
    format!(
        "import duo_client\n\
         duo = duo_client.Auth(ikey=\"{ikey}\", skey=\"{skey}\",\n    host=\"localhost\", port={port}, ca_certs=\"{ca}\")\n\
         print(duo.preauth(username=\"{YOUR_NAME}\"))\n\
         print(duo.auth(username=\"{YOUR_NAME}\", factor=\"passcode\", passcode=input(\"Passcode: \")))\n"
    )
}

/// Prints it all.
pub(super) fn print(cast: &Cast, places: &Places<'_>) -> anyhow::Result<()> {
    let config = places.login_duo();
    let seed = cast.you.0.to_base32();
    let program = std::env::current_exe().unwrap_or_else(|_| "countersign".into());
    let answer = if places.keyboard {
        "type the six digits here to approve it, n to deny it, f to report it"
    } else {
        "answer it with the authenticator below"
    };
    let (application, site) = (places.application, places.site);
    say(&format!(
        "In a browser on this machine, open\n\n{}\n\
         a web application that sends you to the sign-in page. Sign in as \"{INVITED}\", once you have set up a passkey there:\n\n{}\n",
        indented(&format!("{application}/\n")),
        indented(&format!(
            "Set up a passkey as \"{INVITED}\"   {site}{}\n\
             {INVITED}'s own page              {site}/account\n\
             {INVITED}'s applications          {site}/apps\n\
             A wiki, by OpenID Connect     {application}/wiki\n\
             The authenticator, an app     {site}/authenticator/\n",
            cast.invitation
        )),
    ))?;
    say(&format!(
        "The wiki is an application that speaks OpenID Connect. One like it is connected by\n\n{}\n",
        indented(&wiki::command(application))
    ))?;
    say(&format!(
        "At a terminal you sign in as \"{YOUR_NAME}\", who has a token, an authenticator and a telephone.\n\n\
         A passcode of your token (each works once)\n\n{}\n\
         login_duo (Debian's, as root): {}, which holds\n\n{}\n{}\n\
         pam_duo: the same file; in /etc/pam.d, \"auth required pam_duo.so conf={}\"\n\n\
         duo_client (pip install duo_client): {}, which holds\n\n{}\n{}\n\
         Choose 1 in login_duo for a push: {answer}.\n\
         From another terminal:\n\n{}\n\
         Mails, text messages and calls are shown here, and a call's digits are pressed for you.\n",
        indented(&format!("oathtool --totp --base32 {}\n", seed.expose())),
        config.display(),
        indented(&login_duo(&cast.unix, places)),
        indented(&format!("login_duo -c {} -f {YOUR_NAME} echo in\n", config.display())),
        config.display(),
        places.duo_client().display(),
        indented(&duo_client(&cast.api, places)),
        indented(&format!("python3 {}\n", places.duo_client().display())),
        indented(&format!(
            "{} authenticator --key {} wait | approve CODE | deny | report\n",
            program.display(),
            places.device().display()
        )),
    ))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
