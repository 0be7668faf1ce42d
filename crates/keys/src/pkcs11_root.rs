//! Root keys in a PKCS#11 token: a hardware security module, a smart card, or SoftHSM2 in tests.

use crate::{
    KeyError, RootKey,
    aead::OVERHEAD,
    root::layout::{self, KeyTag},
};
use aws_lc_rs::digest;
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::{AuthPin, Ulong},
};
use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use types::{Random, SecretBytes, SecretString, World};

const HOLDER: &str = "pkcs11";
const NONCE_LEN: usize = 12;
const TAG_BITS: u64 = 128;
/// Sessions kept open between uses.
const MAX_IDLE: usize = 4;

/// Held while a session is opened or a key is made. A module is one per process, and not every one bears it when the tokens are
/// listed while an object is written: SoftHSM2 then answers that there is no token.
static CHANGING: Mutex<()> = Mutex::new(());

/// Root keys in a token: AES-256 keys that cannot leave it, all under one label. The one with the highest `CKA_ID` wraps, all open.
///
/// Sessions are pooled. One that the token has dropped (it was unplugged, the daemon behind the module was restarted) is opened
/// again and the call repeated once. After a refused PIN no further log-in is tried, because a token locks after a few.
pub struct Pkcs11Root {
    module: Pkcs11,
    token_label: String,
    key_label: String,
    pin: SecretString,
    pin_refused: AtomicBool,
    id: String,
    newest: KeyTag,
    idle: Mutex<Vec<Connection>>,
}

/// A session that is logged in, and the keys as it sees them.
struct Connection {
    session: Session,
    /// The highest `CKA_ID` last.
    keys: Vec<(KeyTag, ObjectHandle)>,
}

impl Connection {
    fn find(&self, tag: KeyTag) -> Option<ObjectHandle> {
        self.keys.iter().find(|(known, _)| *known == tag).map(|(_, handle)| *handle)
    }
}

impl Pkcs11Root {
    /// Loads the module, logs in to the token with this label, and makes the key if the token has none with this label.
    ///
    /// [`KeyError::UnfitTokenKey`] if there is one that could leave the token.
    pub fn open(
        module_path: &Path,
        token_label: &str,
        pin: SecretString,
        key_label: &str,
        world: &World,
    ) -> Result<Self, KeyError> {
        let module = Pkcs11::new(module_path).map_err(failed("load the module"))?;
        let mut root = Self {
            module,
            token_label: token_label.to_owned(),
            key_label: key_label.to_owned(),
            pin,
            pin_refused: AtomicBool::new(false),
            id: String::new(),
            newest: KeyTag::default(),
            idle: Mutex::default(),
        };
        let mut connection = root.connect()?;
        if connection.keys.is_empty() {
            root.generate(world)?;
            // Looked up, not taken from the call: if another process made one at the same time, both use both.
            connection = root.connect()?;
        }
        let (newest, _) = connection.keys.last().ok_or(KeyError::UnfitTokenKey)?;
        root.newest = *newest;
        root.id = layout::id(HOLDER, *newest);
        root.put_back(connection);
        Ok(root)
    }

    /// Makes another key in the token; whoever opens the token from now on wraps with it. Gives its id.
    ///
    /// The old key stays until nothing is wrapped by it; taking it out of the token is the work of the token's own tool.
    pub fn add_key(&self, world: &World) -> Result<String, KeyError> {
        Ok(layout::id(HOLDER, self.generate(world)?))
    }

    fn generate(&self, world: &World) -> Result<KeyTag, KeyError> {
        let _alone = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        let session = self.log_in(true)?;
        // The time first, so that a newer key has a higher id.
        let mut id = world.now().as_u64().to_be_bytes().to_vec();
        id.extend_from_slice(&world.bytes::<8>());
        let tag = self.tag_of(&id);
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(Ulong::new(32)),
            Attribute::Label(self.key_label.clone().into_bytes()),
            Attribute::Id(id),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
            Attribute::Sign(false),
            Attribute::Verify(false),
            Attribute::Derive(false),
        ];
        session.generate_key(&Mechanism::AesKeyGen, &template).map_err(failed("make the key"))?;
        Ok(tag)
    }

    /// The label is part of it, because tools like to give every key the id 01.
    fn tag_of(&self, id: &[u8]) -> KeyTag {
        let bytes = crate::codec::bind(&[b"countersign/token-key-id/1", self.key_label.as_bytes(), id]);
        digest::digest(&digest::SHA256, &bytes).as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn log_in(&self, writable: bool) -> Result<Session, KeyError> {
        match self.module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another root of this process, or an earlier connection of this one.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed("start the module")(error)),
        }
        let slots = self.module.get_slots_with_initialized_token().map_err(failed("list the tokens"))?;
        let mut found = slots.into_iter().filter(|slot| {
            self.module.get_token_info(*slot).is_ok_and(|info| info.label().trim_ascii_end() == self.token_label)
        });
        let (Some(slot), None) = (found.next(), found.next()) else { return Err(KeyError::NoToken) };
        let opened = if writable { self.module.open_rw_session(slot) } else { self.module.open_ro_session(slot) };
        let session = opened.map_err(failed("open a session"))?;
        if self.pin_refused.load(Ordering::Acquire) {
            return Err(failed("log in")(Error::Pkcs11(RvError::PinIncorrect, Function::Login)));
        }
        match session.login(UserType::User, Some(&AuthPin::from(self.pin.expose().to_owned()))) {
            // The login is the process's, not the session's.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => {
                use RvError::{PinExpired, PinIncorrect, PinInvalid, PinLenRange, PinLocked};
                if matches!(error, Error::Pkcs11(PinIncorrect | PinInvalid | PinLenRange | PinLocked | PinExpired, _)) {
                    self.pin_refused.store(true, Ordering::Release);
                }
                Err(failed("log in")(error))
            }
        }
    }

    fn connect(&self) -> Result<Connection, KeyError> {
        let _alone = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        let session = self.log_in(false)?;
        let keys = self.keys(&session)?;
        Ok(Connection { session, keys })
    }

    /// All keys with the label, by rising `CKA_ID`.
    fn keys(&self, session: &Session) -> Result<Vec<(KeyTag, ObjectHandle)>, KeyError> {
        let labelled = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Token(true),
            Attribute::Label(self.key_label.clone().into_bytes()),
        ];
        let mut keys = Vec::new();
        for handle in session.find_objects(&labelled).map_err(failed("look for the key"))? {
            let wanted = [
                AttributeType::Id,
                AttributeType::KeyType,
                AttributeType::ValueLen,
                AttributeType::Sensitive,
                AttributeType::Extractable,
                AttributeType::Encrypt,
                AttributeType::Decrypt,
            ];
            let attributes = session.get_attributes(handle, &wanted).map_err(failed("examine the key"))?;
            let (mut id, mut fit) = (None, 0);
            for attribute in attributes {
                match attribute {
                    Attribute::Id(bytes) => id = Some(bytes),
                    Attribute::KeyType(KeyType::AES)
                    | Attribute::Sensitive(true)
                    | Attribute::Extractable(false)
                    | Attribute::Encrypt(true)
                    | Attribute::Decrypt(true) => fit += 1,
                    Attribute::ValueLen(length) if *length == 32 => fit += 1,
                    _ => {}
                }
            }
            match id {
                Some(id) if fit == 6 => keys.push((id, handle)),
                _ => return Err(KeyError::UnfitTokenKey),
            }
        }
        keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(keys.into_iter().map(|(id, handle)| (self.tag_of(&id), handle)).collect())
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }

    /// Runs `work` with the key, on a pooled session first; if that one is of no use any more, or doesn't see the key, on a new one.
    fn with_key<T>(
        &self,
        tag: KeyTag,
        doing: &'static str,
        mut work: impl FnMut(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<T, KeyError> {
        if let Some(connection) = self.take()
            && let Some(key) = connection.find(tag)
        {
            match work(&connection.session, key) {
                Err(error) if !refused(&error) => {
                    // The others were opened in the same life of the token: they are as dead as this one.
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
                done => {
                    self.put_back(connection);
                    return done.map_err(|_| KeyError::Refused);
                }
            }
        }
        let connection = self.connect()?;
        let key = connection.find(tag).ok_or(KeyError::UnknownRoot)?;
        let done = work(&connection.session, key);
        if done.as_ref().err().is_none_or(refused) {
            self.put_back(connection);
        }
        done.map_err(|error| if refused(&error) || doubted(&error) { KeyError::Refused } else { failed(doing)(error) })
    }
}

impl RootKey for Pkcs11Root {
    fn id(&self) -> &str {
        &self.id
    }

    fn opens(&self, id: &str) -> bool {
        layout::tag_of(HOLDER, id).is_some_and(|tag| self.with_key(tag, "look for the key", |_, _| Ok(())).is_ok())
    }

    fn wrap(&self, key: &SecretBytes, context: &[u8], random: &dyn Random) -> Result<Vec<u8>, KeyError> {
        let (nonce, ciphertext) = self.with_key(self.newest, "encrypt", |session, handle| {
            let mut nonce = [0; NONCE_LEN];
            random.fill(&mut nonce);
            let gcm = GcmParams::new(&mut nonce, context, TAG_BITS.into())?;
            let ciphertext = session.encrypt(&Mechanism::AesGcm(gcm), handle, key.expose())?;
            // Read after the call: some tokens insist on a nonce of their own and write it here.
            Ok((nonce, ciphertext))
        })?;
        if ciphertext.len() + NONCE_LEN != key.expose().len() + OVERHEAD {
            return Err(KeyError::Library("encrypt in the token"));
        }
        let mut out = layout::header(self.newest);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&ciphertext);
        Ok(out)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, KeyError> {
        let (tag, body) = layout::split(wrapped)?;
        let Some((nonce, ciphertext)) = body.split_first_chunk::<NONCE_LEN>() else {
            return Err(KeyError::Malformed("wrapped key"));
        };
        if body.len() < OVERHEAD {
            return Err(KeyError::Malformed("wrapped key"));
        }
        self.with_key(tag, "decrypt", |session, handle| {
            let mut nonce = *nonce;
            let gcm = GcmParams::new(&mut nonce, context, TAG_BITS.into())?;
            session.decrypt(&Mechanism::AesGcm(gcm), handle, ciphertext).map(SecretBytes::new)
        })
    }
}

/// Whether the token is well and says that the ciphertext is not its own.
fn refused(error: &Error) -> bool {
    use RvError::{EncryptedDataInvalid, EncryptedDataLenRange};
    matches!(error, Error::Pkcs11(EncryptedDataInvalid | EncryptedDataLenRange, _))
}

/// What some tokens (SoftHSM2 among them) say of a wrong GCM tag. On a new session that has just taken key and parameters it is about the
/// ciphertext; on an old one it could be about anything.
fn doubted(error: &Error) -> bool {
    use RvError::{FunctionFailed, GeneralError};
    matches!(error, Error::Pkcs11(GeneralError | FunctionFailed, Function::Decrypt))
}

fn failed(doing: &'static str) -> impl FnOnce(Error) -> KeyError {
    move |source| KeyError::Pkcs11 { doing, source }
}
