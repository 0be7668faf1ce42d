//! The carriers of messages: those of the gateway file, and those that the configuration names by itself.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use messaging::{
    Carrier, Courier, Gateway, Outgoing, Retry, Smtp, SmtpConfig, Surroundings, Twilio, TwilioConfig, routing::Table,
};
use types::World;

use crate::{
    config::{Config, SmtpSecurity},
    serve::{Shutdown, signals::Reload},
};

/// Where the keys of queued messages stand: in the data directory, which is in no backup.
#[must_use]
pub fn queue_keys(config: &Config) -> PathBuf {
    config.data_dir.join("queue-keys")
}

/// The carriers and the routes as they are described now. What `standing` has already, and is described as it was, stays.
///
/// # Errors
/// What is wrong with a carrier or the file, for the administrator.
pub fn carriers(config: &Config, world: &World, standing: &[Carrier]) -> anyhow::Result<(Vec<Carrier>, Table)> {
    let (mut carriers, table) = match &config.gateway_file {
        None => (Vec::new(), Table::default()),
        Some(path) => {
            let gateway = Gateway::open(path).with_context(|| path.display().to_string())?;
            let carriers = gateway.set_up(standing, &surroundings(config, world));
            (carriers.with_context(|| path.display().to_string())?, gateway.table().clone())
        }
    };
    let is_free = |carriers: &[Carrier], name: &str| !carriers.iter().any(|it| it.channel.name() == name);
    let stands = |name: &str| standing.iter().find(|it| it.channel.name() == name && !it.is_described()).cloned();
    if config.supplier.is_some() && is_free(&carriers, Twilio::NAME) {
        carriers.extend(match stands(Twilio::NAME) {
            Some(carrier) => Some(carrier),
            None => twilio(config, world)?.map(|twilio| Carrier::new(Arc::new(twilio))),
        });
    }
    if config.smtp.is_some() && is_free(&carriers, Smtp::NAME) {
        carriers.extend(match stands(Smtp::NAME) {
            Some(carrier) => Some(carrier),
            None => smtp(config, world)?.map(|smtp| Carrier::new(Arc::new(smtp))),
        });
    }
    Ok((carriers, table))
}

/// Where carriers find themselves.
#[must_use]
pub fn surroundings(config: &Config, world: &World) -> Surroundings {
    Surroundings {
        world: world.clone(),
        public_url: Some(format!("https://{}", config.public_host())),
        data_dir: Some(config.data_dir.clone()),
    }
}

/// Reads the gateway file again on each SIGHUP, until the server stops. A file that is wrong changes nothing but a line in the log.
pub async fn keep(config: Config, courier: Arc<Courier>, world: World, shutdown: Shutdown, mut reload: Reload) {
    if config.gateway_file.is_none() {
        return;
    }
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            changed = reload.changed() => if changed.is_err() { return },
        }
        match carriers(&config, &world, &courier.carriers()) {
            Ok((carriers, table)) => {
                tracing::info!(
                    carriers = carriers.len(),
                    routes = table.routes.len(),
                    "the gateway file was read again"
                );
                courier.set_routes(carriers, table);
            }
            Err(error) => tracing::error!("the gateway file is not taken: {error:#}"),
        }
    }
}

fn smtp(config: &Config, world: &World) -> anyhow::Result<Option<Smtp>> {
    let Some(smtp) = &config.smtp else { return Ok(None) };
    let smtp = SmtpConfig {
        host: smtp.host.clone(),
        port: smtp.port,
        security: match smtp.security {
            SmtpSecurity::StartTls => messaging::SmtpSecurity::StartTls,
            SmtpSecurity::Tls => messaging::SmtpSecurity::Tls,
            SmtpSecurity::Plain => messaging::SmtpSecurity::Plain,
        },
        sign_in: smtp.credentials.clone(),
        from: smtp.from.clone(),
        authority: None,
    };
    Smtp::new(smtp, world.clone()).context("smtp").map(Some)
}

fn twilio(config: &Config, world: &World) -> anyhow::Result<Option<Twilio>> {
    let Some(supplier) = &config.supplier else { return Ok(None) };
    let twilio = TwilioConfig {
        base_url: supplier.base_url.clone(),
        account_sid: supplier.account_sid.clone(),
        token: supplier.token.clone(),
        from: supplier.from.clone(),
        voice_from: None,
        public_url: Some(format!("https://{}", config.public_host())),
        validity: Outgoing::VALID_FOR,
        retry: Retry::default(),
    };
    Twilio::new(twilio, world.clone()).context("supplier").map(Some)
}
