//! `countersign demo`: the whole house in a scratch directory, real logins over HTTPS, and what to try next.
//!
//! Everything goes the way that it goes in production: the server of `serve` with its own certificate authority, SQLite, sealed
//! fields; requests signed as Duo's clients sign them, over TLS that is verified; authenticators with keys of their own. Two things
//! differ. The message supplier is a channel that prints. And the pages are served by http too, on this machine only: a browser uses
//! passkeys at `http://localhost`, but not behind a certificate authority that it has never heard of. Two web applications of the demo's
//! own, on a port of their own, send people to these pages and take them back: one as Duo's clients do, one by OpenID Connect.
//!
//! To add a login to the show: a line in [`scenes`]; if it needs a person, one in [`cast`].

mod answers;
mod application;
mod browser;
mod cast;
mod codes;
mod duo;
mod manual;
mod scenes;
mod scratch;
mod show;
mod universal;
mod wiki;

use std::{
    io::{IsTerminal as _, stdin},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use anyhow::{Context as _, bail};
use clap::Args;
use messaging::Print;
use tokio::net::TcpListener;
use types::World;

use self::{
    application::{Invitation, Look},
    duo::Duo,
    manual::Places,
    scenes::Scenes,
    scratch::Scratch,
    show::Show,
    universal::Universal,
    wiki::Wiki,
};
use crate::{
    cli::say,
    client::Https,
    config::{Config, Settings},
    doors,
    serve::{Server, Shutdown, signals},
    services::Services,
    telemetry::{self, Registry},
    tls::Tls,
};

/// Arguments of `demo`.
#[derive(Args)]
pub struct DemoArgs {
    /// Where to serve HTTPS; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The port on this machine by which a browser finds the demo's web application; 0 takes a free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub application: u16,
    /// The port on this machine by which a browser finds the sign-in pages, by http; 0 takes a free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub pages: u16,
    /// An empty directory to work in, which is kept; a scratch directory if not given
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// End after the logins, with failure if one of them wasn't answered as it should be
    #[arg(long)]
    pub exit: bool,
}

/// The configuration of `serve`, as it would be for this directory.
fn config(directory: &Path, listen: SocketAddr) -> anyhow::Result<Config> {
    let values = [
        ("COUNTERSIGN_SERVER__LISTEN", listen.to_string()),
        ("COUNTERSIGN_DATA__DIR", directory.join("data").display().to_string()),
        ("COUNTERSIGN_LOG__FILTER", "error".to_owned()),
        ("COUNTERSIGN_SERVER__DRAIN_SECONDS", "2".to_owned()),
    ];
    let settings = Settings::read(None, values.map(|(name, value)| (name.to_owned(), value)))?;
    Ok(Config::from_settings(&settings)?)
}

/// A listener for a browser on this machine, and the origin by which that finds it.
async fn local(port: u16) -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.with_context(|| format!("can't listen on port {port}"))?;
    let origin = format!("http://localhost:{}", listener.local_addr()?.port());
    Ok((listener, origin))
}

/// Runs it.
///
/// # Errors
/// What kept it from running; with `--exit`, also that a login was answered wrongly.
pub async fn run(arguments: DemoArgs) -> anyhow::Result<()> {
    let world = World::real();
    let scratch = Scratch::make(arguments.directory, &world)?;
    let mut config = config(scratch.path(), arguments.listen)?;
    telemetry::start(&config.log)?;
    let registry = Registry::new();
    registry.install();
    let shutdown = Shutdown::new();
    let reload = signals::listen(shutdown.clone()).context("can't listen to signals")?;
    let tls = Tls::start(&config, &world, &registry, &shutdown, reload).await?;
    let mut server = Server::bind(&config, &tls, registry, &world).await?;
    let port = server.addresses().first().map(SocketAddr::port).context("no listener")?;
    // Any free port may have been asked for: pages and links name the one that it is.
    config.server.public_port = Some(port);
    let ca = tls.ca_file().context("no certificate authority")?.clone();

    let (pages, site) = local(arguments.pages).await?;
    let (application_listener, application) = local(arguments.application).await?;

    // Messages are shown as they come once the show is over; until then the scenes show their own.
    let live = Arc::new(AtomicBool::new(false));
    let shows = Arc::clone(&live);
    // The links in them are those of a real server; here a browser goes the way that it trusts.
    let (ours, open) = (format!("https://localhost:{port}/"), format!("{site}/"));
    let print = Print::new(move |text| {
        if shows.load(Ordering::Relaxed) {
            let _ = say(&format!("\n  {}\n", text.replace(&ours, &open).replace('\n', "\n  ")));
        }
    });
    let outbox = print.outbox();
    let services = Services::open(&config, &world, vec![Arc::new(print)]).await?;
    let plain_port = pages.local_addr()?.port();
    let (whole, plain) = doors::with_plain(&config, &services, tls.has_certificate(), &shutdown, plain_port)?;
    server.also_plain(pages, plain);
    let serving = tokio::spawn(server.run(whole, shutdown.clone()));

    let https = Https::new(&format!("https://localhost:{port}"), Some(&ca))?;
    let place = scratch.path().display();
    say(&format!("\nCountersign demo: {} with SQLite in {place}\n\n", https.base()))?;
    let shown = async {
        let cast = cast::make(&services, &https, &world, &application).await?;
        let api = &cast.api;
        let duo = Duo {
            https: https.clone(),
            ikey: api.ikey.clone(),
            skey: api.secret.text().clone(),
            world: world.clone(),
            logins: AtomicU8::new(1),
        };
        let universal = Universal {
            https: https.clone(),
            site: site.clone(),
            ikey: cast.web.ikey.clone(),
            skey: cast.web.secret.text().clone(),
            redirect_uri: format!("{application}/callback"),
            world: world.clone(),
        };
        let invitation = Invitation { name: cast::INVITED, link: format!("{site}{}", cast.invitation) };
        let stop = shutdown.clone();
        let client = wiki::Client {
            issuer: site.clone(),
            client_id: cast.wiki.key.clone(),
            secret: cast.wiki.secret.clone().context("the wiki's secret")?,
            home: application.clone(),
        };
        let look = Look { name: "Demo wiki", site: site.clone() };
        let wiki = wiki::routes(Arc::new(Wiki::new(client, look, world.clone())?));
        tokio::spawn(application::serve(application_listener, universal.clone(), invitation, wiki, stop));
        let mut show = Show::default();
        Scenes {
            duo: &duo,
            universal: &universal,
            application: &application,
            cast: &cast,
            outbox: &outbox,
            world: &world,
            show: &mut show,
        }
        .perform()
        .await?;
        anyhow::Ok((cast, show.counted()))
    };
    let (cast, (logins, wrong)) = tokio::select! {
        shown = shown => shown?,
        () = shutdown.begun() => bail!("stopped before the end of the show"),
    };
    say(&format!("\n{} of {logins} logins were answered as they should be.\n", logins - wrong))?;
    if !arguments.exit {
        let keyboard = stdin().is_terminal();
        let places =
            Places { directory: scratch.path(), ca: &ca, port, site: &site, application: &application, keyboard };
        manual::write(&cast, &places)?;
        say("\n")?;
        manual::print(&cast, &places)?;
        let end = if scratch.is_kept() { "ends it" } else { "ends it and removes its directory" };
        say(&format!("\nServing. Ctrl-C {end}.\n"))?;
        live.store(true, Ordering::Relaxed);
        let answers = keyboard.then(|| tokio::spawn(answers::take(cast.you.1)));
        shutdown.begun().await;
        if let Some(answers) = answers {
            answers.abort();
        }
    }
    shutdown.begin();
    serving.await?;
    drop(services);
    scratch.remove()?;
    if wrong > 0 {
        bail!("{wrong} of {logins} logins were not answered as they should be");
    }
    Ok(())
}
