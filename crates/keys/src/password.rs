//! Passwords: Argon2id (RFC 9106) with parameters measured at start.
//!
//! Each call takes the calibrated time (a quarter of a second or so) and memory on the thread that makes it, so an async caller goes
//! through `spawn_blocking` and bounds how many run at once. The PHC string that [`Passwords::hash`] gives should be stored
//! sealed, like a seed ([`crate::TenantKeys::seal`]): then a stolen database can't even be guessed against.

use crate::KeyError;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::time::Duration;
use types::{Random, SecretString, World};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The longest password, in bytes. Longer ones are refused before any work.
pub const MAX_PASSWORD: usize = 1024;

/// The least memory, in KiB: 19 MiB, with two passes (the OWASP password storage cheat sheet's floor for Argon2id).
pub const MIN_MEMORY_KIB: u32 = 19 * 1024;
const MIN_PASSES: u32 = 2;
const MAX_PASSES: u32 = 16;

// What a stored hash may ask for: a row that someone wrote into the database must not exhaust the machine.
const MAX_STORED_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_STORED_PASSES: u32 = 64;
const MAX_STORED_LANES: u32 = 16;

const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
}

/// What became of a verification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The password is wrong, or there is none to compare with.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, and the stored hash is weaker than today's: store a new one.
    RightButOld,
}

impl Passwords {
    /// Measures this machine: the parameters whose hash takes about `target`, with no more than `max_memory_kib` KiB, and never less
    /// than the floor. Takes a few times `target`.
    pub fn calibrate(target: Duration, max_memory_kib: u32, world: &World) -> Result<Self, KeyError> {
        let mut failure = None;
        let (memory_kib, passes) = choose(target, max_memory_kib, |memory_kib, passes| {
            let trial = Self::with_cost(memory_kib, passes);
            let before = world.now();
            if let Err(error) =
                trial.and_then(|trial| trial.hash(&SecretString::new("calibration".into()), world.random.as_ref()))
            {
                failure = Some(error);
            }
            world.now().since(before)
        });
        match failure {
            Some(error) => Err(error),
            None => Self::with_cost(memory_kib, passes),
        }
    }

    /// Fixed parameters: memory in KiB, passes over it. One lane, because logins run beside each other.
    pub fn with_cost(memory_kib: u32, passes: u32) -> Result<Self, KeyError> {
        let params = Params::new(memory_kib, passes, 1, Some(HASH_LEN));
        Ok(Self { params: params.map_err(|_| KeyError::Library("hash a password at this cost"))? })
    }

    /// Memory in KiB, and passes.
    #[must_use]
    pub const fn cost(&self) -> (u32, u32) {
        (self.params.m_cost(), self.params.t_cost())
    }

    /// The PHC string to store: `$argon2id$v=19$m=…,t=…,p=1$salt$hash`.
    pub fn hash(&self, password: &SecretString, random: &dyn Random) -> Result<SecretString, KeyError> {
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt);
        let password = bounded(password)?;
        let hash: PasswordHash = self
            .argon2()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|_| KeyError::Library("hash a password"))?;
        Ok(SecretString::new(hash.to_string()))
    }

    /// Compares a password with a stored PHC string.
    ///
    /// `None`, where there is no such account or it has no password, is [`Verdict::Wrong`] after the same work as a comparison, so
    /// that the time doesn't tell. An error means that the stored string is unusable; it is never an approval.
    pub fn verify(&self, password: &SecretString, stored: Option<&SecretString>) -> Result<Verdict, KeyError> {
        let given = bounded(password)?;
        let Some(stored) = stored else {
            let done: Result<PasswordHash, _> = self.argon2().hash_password_with_salt(given.as_bytes(), &[0; SALT_LEN]);
            return done.map(|_| Verdict::Wrong).map_err(|_| KeyError::Library("hash a password"));
        };
        let (hash, params) = parse(stored)?;
        match self.argon2().verify_password(given.as_bytes(), &hash) {
            Ok(()) if self.outgrown(&params) => Ok(Verdict::RightButOld),
            Ok(()) => Ok(Verdict::Right),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(_) => Err(KeyError::Malformed("password hash")),
        }
    }

    /// Whether a stored hash costs less to guess than one made today.
    pub fn needs_rehash(&self, stored: &SecretString) -> Result<bool, KeyError> {
        parse(stored).map(|(_, params)| self.outgrown(&params))
    }

    fn outgrown(&self, stored: &Params) -> bool {
        let work = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
        // Calibration differs a little from start to start; a half is more than noise.
        work(stored) < work(&self.params) / 2 || stored.m_cost() < MIN_MEMORY_KIB.min(self.params.m_cost())
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }
}

/// The bytes that are hashed: in Unicode's form NFKC, because keyboards differ in how they write `é`.
fn bounded(password: &SecretString) -> Result<Zeroizing<String>, KeyError> {
    let text = password.expose();
    if text.len() > MAX_PASSWORD {
        return Err(KeyError::TooLong(MAX_PASSWORD));
    }
    // NFKC makes of one character up to eighteen: room for all, so that no growth leaves copies behind.
    let mut normal = Zeroizing::new(String::with_capacity(if text.is_ascii() { text.len() } else { text.len() * 18 }));
    normal.extend(text.nfkc());
    Ok(normal)
}

/// The hash and its cost; refuses other algorithms and costs that would exhaust the machine.
fn parse(stored: &SecretString) -> Result<(PasswordHash, Params), KeyError> {
    let malformed = || KeyError::Malformed("password hash");
    let hash = PasswordHash::new(stored.expose()).map_err(|_| malformed())?;
    let params = Params::try_from(&hash).map_err(|_| malformed())?;
    let fits = hash.algorithm.as_str() == "argon2id"
        && hash.version == Some(Version::V0x13.into())
        && hash.salt.is_some()
        && hash.hash.is_some()
        && params.m_cost() <= MAX_STORED_MEMORY_KIB
        && params.t_cost() <= MAX_STORED_PASSES
        && params.p_cost() <= MAX_STORED_LANES;
    if fits { Ok((hash, params)) } else { Err(malformed()) }
}

/// Memory (KiB) and passes whose measured time comes nearest to `target` from below, memory first: it is what makes guessing dear.
fn choose(target: Duration, max_memory_kib: u32, mut measure: impl FnMut(u32, u32) -> Duration) -> (u32, u32) {
    let ceiling = max_memory_kib.clamp(MIN_MEMORY_KIB, MAX_STORED_MEMORY_KIB);
    let target = target.as_micros();
    let (mut memory, mut passes) = (MIN_MEMORY_KIB, MIN_PASSES);
    // Twice, because a pass over much memory costs more per KiB than the first guess, made in little, says.
    for _ in 0..2 {
        let took = measure(memory, passes).as_micros();
        if took == 0 {
            // A clock that stands still, as in a test, measures nothing.
            return (MIN_MEMORY_KIB, MIN_PASSES);
        }
        // KiB·passes that fit into the target.
        let fits = u128::from(memory) * u128::from(passes) * target / took;
        let clamped = |value: u128, low: u32, high: u32| u32::try_from(value).unwrap_or(high).clamp(low, high);
        memory = clamped(fits / u128::from(MIN_PASSES), MIN_MEMORY_KIB, ceiling);
        passes = clamped(fits / u128::from(memory), MIN_PASSES, MAX_PASSES);
    }
    (memory, passes)
}

#[cfg(test)]
mod tests;
