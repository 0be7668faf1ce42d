//! The ground floor: words that every other floor speaks.
//!
//! Typed ids, time as integer milliseconds, telephone numbers, user names, secrets. Nothing here does I/O; time and
//! randomness are parameters ([`World`]), so that whatever stands above can be tested without sleeping or guessing.
//!
//! To add an id: one line in [`id`], with its prefix. To add a word: a newtype with a validating constructor, whose
//! error says what was wrong without repeating what was given.

pub mod id;
pub mod phone;
pub mod secret;
pub mod username;
pub mod world;

pub use id::{
    AdminId, ApiObjectId, AttemptId, BypassId, ChallengeId, ChangeId, FactorId, GrantId, GroupId, Id, Kind, LogId,
    MessageId, PasskeyId, PhoneId, PolicyId, RecoveryId, SegmentId, SessionId, SignInId, SignalId, SmsCodeId,
    SsoRequestId, StreamId, TenantId, TokenId, UserId, VerificationId, VerifyAttemptId,
};
pub use phone::E164;
pub use secret::{SecretBytes, SecretString, ct_eq};
pub use username::{Normalization, UserName};
pub use world::{Clock, ManualClock, Millis, Random, World};
