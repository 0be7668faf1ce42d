//! What is sealed under an older key of a tenant is opened and sealed under the newest.

use keys::{Field, TenantKeys};
use store::{SealedNumber, Slice, Store, StoreError, Tenant, fields, numbers::number_again, sealed};
use types::{TenantId, World};

/// Rows of a page, each page in one transaction: short, because logins wait behind it.
const PAGE: i64 = 100;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) resealed: u64,
    pub(super) current: u64,
}

struct Sealer<'a> {
    keys: TenantKeys,
    world: &'a World,
    done: Done,
}

impl Sealer<'_> {
    /// The value sealed anew, or nothing where it needs no change. Seen together: a phone's number and its last digits.
    fn again(&mut self, values: &[(Field<'_>, &[u8])]) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let old = |sealed: &[u8]| TenantKeys::version_of(sealed).is_some_and(|version| version < self.keys.newest());
        if !values.iter().any(|(_, sealed)| old(sealed)) {
            self.done.current += 1;
            return Ok(None);
        }
        let anew = values.iter().map(|(field, sealed)| {
            let plain = self.keys.open(*field, sealed)?;
            self.keys.seal(*field, plain.expose(), self.world.random.as_ref())
        });
        Ok(Some(anew.collect::<Result<_, _>>()?))
    }

    /// A value that was changed meanwhile is under the newest key already.
    fn count(&mut self, changed: bool) {
        if changed { self.done.resealed += 1 } else { self.done.current += 1 }
    }
}

/// Seals all of a tenant's numbers, seeds and secrets that need it. What an authenticator shows of an attempt and what a sign-in in a
/// browser keeps are sealed too, and gone within a day or two.
pub(super) async fn tenant(store: &Store, id: TenantId) -> Result<Done, StoreError> {
    let scope = store.tenant(id);
    let mut sealer = Sealer { keys: scope.keys().await?, world: store.world(), done: Done::default() };
    phones(&scope, &mut sealer).await?;
    tokens(&scope, &mut sealer).await?;
    integrations(&scope, &mut sealer).await?;
    relying_parties(&scope, &mut sealer).await?;
    sessions(&scope, &mut sealer).await?;
    subscriptions(&scope, &mut sealer).await?;
    secrets(&scope, &mut sealer).await?;
    factors(&scope, &mut sealer).await?;
    user_directory(&scope, &mut sealer).await?;
    for kind in sealed::Kind::ALL {
        others(&scope, kind, &mut sealer).await?;
    }
    Ok(sealer.done)
}

async fn others(scope: &Tenant<'_>, kind: sealed::Kind, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let rows = scope.sealed(kind, after.as_ref(), PAGE).await?;
        let mut tx = scope.begin().await?;
        for (place, old) in &rows {
            if let Some(anew) = sealer.again(&[(place.field(), old)])?
                && let [new] = anew.as_slice()
            {
                sealer.count(tx.reseal(place, old, new).await?);
            }
        }
        tx.commit().await?;
        match rows.into_iter().last() {
            Some((place, _)) => after = Some(place),
            None => return Ok(()),
        }
    }
}

async fn user_directory(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let Some(row) = scope.user_directory().await? else { return Ok(()) };
    if let Some(anew) = sealer.again(&[(fields::user_directory_secret(), &row.secret)])?
        && let [secret] = anew.as_slice()
    {
        let mut tx = scope.begin().await?;
        sealer.count(tx.reseal_user_directory(&row.secret, secret).await?);
        tx.commit().await?;
    }
    Ok(())
}

async fn phones(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.phones(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for phone in &rows {
            let (Some(number), Some(tail)) = (&phone.number, &phone.tail) else { continue };
            // The number counts with its last digits: they were sealed together, and are again.
            let newest = sealer.keys.newest();
            if [number, tail].iter().all(|sealed| TenantKeys::version_of(sealed).is_none_or(|old| old >= newest)) {
                sealer.done.current += 1;
                continue;
            }
            let random = sealer.world.random.as_ref();
            let old = SealedNumber { number: phone.number.clone(), tail: phone.tail.clone() };
            let field = fields::phone_tail(&phone.id);
            let tail = sealer.keys.seal(field, sealer.keys.open(field, tail)?.expose(), random)?;
            let number = number_again(&sealer.keys, &phone.id, number, random)?;
            let anew = SealedNumber { number: Some(number), tail: Some(tail) };
            let changed = tx.reseal_phone(phone.id, old, anew).await?;
            sealer.count(changed);
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}

async fn tokens(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.tokens(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for token in &rows {
            if let Some(anew) = sealer.again(&[(fields::token_seed(&token.id), &token.seed)])?
                && let [seed] = anew.as_slice()
            {
                sealer.count(tx.reseal_token(token.id, &token.seed, seed).await?);
            }
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}

async fn integrations(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.integrations(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for row in &rows {
            if let Some(anew) = sealer.again(&[(fields::integration_secret(&row.ikey), &row.secret)])?
                && let [secret] = anew.as_slice()
            {
                sealer.count(tx.set_integration_secret(&row.ikey, &row.secret, secret).await?);
            }
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}

async fn relying_parties(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let rows = scope.relying_parties(&after, PAGE).await?;
        let mut tx = scope.begin().await?;
        for row in &rows {
            let Some(sealed) = &row.secret else { continue };
            if let Some(anew) = sealer.again(&[(fields::relying_party_secret(&row.ikey), sealed)])?
                && let [secret] = anew.as_slice()
            {
                sealer.count(tx.reseal_relying_party(&row.ikey, sealed, secret).await?);
            }
        }
        tx.commit().await?;
        match rows.last() {
            Some(last) => last.ikey.clone_into(&mut after),
            None => return Ok(()),
        }
    }
}

async fn sessions(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.sessions(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for row in &rows {
            if let Some(anew) = sealer.again(&[(fields::session_detail(&row.id), &row.detail)])?
                && let [detail] = anew.as_slice()
            {
                sealer.count(tx.reseal_session(row.id, &row.detail, detail).await?);
            }
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}

async fn subscriptions(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.push_subscriptions(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for row in &rows {
            if let Some(anew) = sealer.again(&[(fields::push_subscription(&row.phone_id), &row.sealed)])?
                && let [sealed] = anew.as_slice()
            {
                sealer.count(tx.reseal_push_subscription(row.phone_id, &row.sealed, sealed).await?);
            }
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}

async fn secrets(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.secrets(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for row in &rows {
            if let Some(anew) = sealer.again(&[(fields::tenant_secret(&row.name), &row.sealed)])?
                && let [sealed] = anew.as_slice()
            {
                sealer.count(tx.reseal_secret(&row.name, &row.sealed, sealed).await?);
            }
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}

async fn factors(scope: &Tenant<'_>, sealer: &mut Sealer<'_>) -> Result<(), StoreError> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let rows = scope.factors(slice).await?.rows;
        let mut tx = scope.begin().await?;
        for row in &rows {
            if let Some(anew) = sealer.again(&[(fields::factor(&row.id), &row.sealed)])?
                && let [sealed] = anew.as_slice()
            {
                sealer.count(tx.reseal_factor(row.id, &row.sealed, sealed).await?);
            }
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        slice.offset += PAGE;
    }
}
