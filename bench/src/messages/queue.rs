//! What the queue costs a message: its content sealed under a key that stands in a file, its row written before it leaves and removed
//! after, both with their wait for the disk where many are under way.

use super::{AT_ONCE, PART, number, text};
use crate::{process, report::Report};
use anyhow::{Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use keys::{FileRoot, KeyRing};
use messaging::{Address, Content, Outgoing, Purpose, queue_measuring::Keys};
use std::{path::Path, sync::Arc, time::Duration};
use store::{QueuedRow, Store};
use tokio::time::Instant;
use types::{MessageId, SecretString, TenantId, World};

pub(super) async fn run(count: usize, directory: &Path, report: &mut Report) -> Result<()> {
    let directory = directory.join("queue");
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    let world = World::real();
    let random = world.random.as_ref();
    let tenant = TenantId::new(world.now(), random);
    let keys = Keys::open(&directory.join("queue-keys"), world.clone())?;
    let messages: Vec<Outgoing> = (0..count)
        .map(|n| {
            let to = Address::Number(number(n).parse()?, String::new());
            let content = Content::Text(SecretString::new(text(n)));
            Ok(Outgoing::new(MessageId::new(world.now(), random), tenant, Purpose::Authentication, to, content))
        })
        .collect::<Result<_>>()?;
    let me = std::process::id();

    let before = process::cpu(me)?;
    let mut sealed = Vec::with_capacity(count);
    for message in &messages {
        sealed.push(keys.seal(message).await?);
    }
    let took = process::cpu(me)?.saturating_sub(before);
    report.add(PART, "queue, a message sealed", micros(took, count), "µs/message");
    let before = process::cpu(me)?;
    for (message, (name, sealed)) in messages.iter().zip(&sealed) {
        ensure!(keys.open_sealed(message, name, sealed)?.id == message.id, "a message didn't open");
    }
    let took = process::cpu(me)?.saturating_sub(before);
    report.add(PART, "queue, a message opened", micros(took, count), "µs/message");

    let ring = KeyRing::new(Arc::new(FileRoot::open_or_create(&directory.join("root.key"), &world)?));
    let engine =
        store::open(&format!("sqlite:{}", directory.join("q.db").display()), &store::Options::default()).await?;
    let store = &Store::new(engine, ring, world.clone());
    let (before, began) = (process::cpu(me)?, Instant::now());
    stream::iter(messages.iter().zip(sealed))
        .map(|(message, (key_id, sealed))| async move {
            let row = QueuedRow {
                tenant,
                id: message.id,
                holder: vec![0; 16],
                key_id,
                until: 0,
                state: "handed".to_owned(),
                carrier: "smsc".to_owned(),
                sealed,
            };
            let mut tx = store.tenant(tenant).begin().await?;
            tx.queue_message(&row).await?;
            tx.commit().await?;
            let mut tx = store.tenant(tenant).begin().await?;
            ensure!(tx.unqueue_message(message.id).await?, "a row was lost");
            anyhow::Ok(tx.commit().await?)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    let took = process::cpu(me)?.saturating_sub(before);
    report.add(PART, "queue, a row written and removed", micros(took, count), "µs/message");
    report.add(PART, "queue, rows written and removed", count as f64 / began.elapsed().as_secs_f64(), "messages/s");
    Ok(())
}

fn micros(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e6 / count as f64
}
