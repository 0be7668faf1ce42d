//! What an SMSC answers: `command_status` (SMPP 3.4 §5.1.3), and what each means for the message.

use std::fmt;

/// A `command_status`. `Display` gives its name and number, never anything of the message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

/// What a status means for the message that was submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Taken.
    Ok,
    /// Not taken: too fast, or the SMSC's queue is full. Nothing is wrong with the message; it goes again, slower.
    Throttled,
    /// Not taken, for a reason of the moment.
    Temporary,
    /// Not taken: this number can't be reached by this SMSC.
    Address,
    /// Not taken: what the operator has configured is at fault (sender, account, rights). Other messages will fare no better.
    Account,
    /// Not taken, for good.
    Refused,
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $class:ident;)*) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// Its name in SMPP 3.4, less `ESME_`.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What it means for the message. A status that SMPP 3.4 doesn't name, vendors' own (`0x400` to `0x4FF`) among them, is a
            /// refusal: the message certainly isn't taken, and nothing says that a second try would fare better.
            #[must_use]
            pub const fn class(self) -> Class {
                match self.0 {
                    $($code => Class::$class,)*
                    _ => Class::Refused,
                }
            }

            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

statuses! {
    /// No error.
    ROK = 0x00, Ok;
    /// The message's length is invalid.
    RINVMSGLEN = 0x01, Refused;
    /// The command's length is invalid.
    RINVCMDLEN = 0x02, Refused;
    /// The command is unknown.
    RINVCMDID = 0x03, Refused;
    /// The bind is in the wrong state for this command.
    RINVBNDSTS = 0x04, Temporary;
    /// Bound already.
    RALYBND = 0x05, Account;
    /// The priority flag is invalid.
    RINVPRTFLG = 0x06, Refused;
    /// `registered_delivery` is invalid.
    RINVREGDLVFLG = 0x07, Refused;
    /// The SMSC has trouble of its own.
    RSYSERR = 0x08, Temporary;
    /// The sender is invalid.
    RINVSRCADR = 0x0A, Account;
    /// The number is invalid.
    RINVDSTADR = 0x0B, Address;
    /// The message id is invalid.
    RINVMSGID = 0x0C, Refused;
    /// The bind failed.
    RBINDFAIL = 0x0D, Account;
    /// The password is wrong.
    RINVPASWD = 0x0E, Account;
    /// The system id is unknown.
    RINVSYSID = 0x0F, Account;
    /// `cancel_sm` failed.
    RCANCELFAIL = 0x11, Refused;
    /// `replace_sm` failed.
    RREPLACEFAIL = 0x13, Refused;
    /// The SMSC's queue is full.
    RMSGQFUL = 0x14, Throttled;
    /// The service type is invalid.
    RINVSERTYP = 0x15, Account;
    /// The number of destinations is invalid.
    RINVNUMDESTS = 0x33, Refused;
    /// The distribution list's name is invalid.
    RINVDLNAME = 0x34, Refused;
    /// The destination flag is invalid.
    RINVDESTFLAG = 0x40, Refused;
    /// "Submit with replace" is not possible.
    RINVSUBREP = 0x42, Refused;
    /// `esm_class` is invalid.
    RINVESMCLASS = 0x43, Refused;
    /// It can't be submitted to a distribution list.
    RCNTSUBDL = 0x44, Refused;
    /// The submit failed.
    RSUBMITFAIL = 0x45, Refused;
    /// The sender's type of number is invalid.
    RINVSRCTON = 0x48, Account;
    /// The sender's numbering plan is invalid.
    RINVSRCNPI = 0x49, Account;
    /// The number's type is invalid.
    RINVDSTTON = 0x50, Account;
    /// The number's numbering plan is invalid.
    RINVDSTNPI = 0x51, Account;
    /// The system type is invalid.
    RINVSYSTYP = 0x53, Account;
    /// `replace_if_present` is invalid.
    RINVREPFLAG = 0x54, Refused;
    /// The number of messages is invalid.
    RINVNUMMSGS = 0x55, Refused;
    /// Faster than the SMSC allows.
    RTHROTTLED = 0x58, Throttled;
    /// The scheduled time is invalid.
    RINVSCHED = 0x61, Refused;
    /// The validity period is invalid.
    RINVEXPIRY = 0x62, Refused;
    /// The predefined message is invalid.
    RINVDFTMSGID = 0x63, Refused;
    /// The receiver has trouble of the moment: once more, please.
    RX_T_APPN = 0x64, Temporary;
    /// The receiver refuses for good.
    RX_P_APPN = 0x65, Refused;
    /// The receiver rejects the message.
    RX_R_APPN = 0x66, Refused;
    /// `query_sm` failed.
    RQUERYFAIL = 0x67, Refused;
    /// The optional part is malformed.
    RINVOPTPARSTREAM = 0xC0, Refused;
    /// An optional parameter isn't allowed.
    ROPTPARNOTALLWD = 0xC1, Refused;
    /// A parameter's length is invalid.
    RINVPARLEN = 0xC2, Refused;
    /// An optional parameter is missing.
    RMISSINGOPTPARAM = 0xC3, Refused;
    /// An optional parameter's value is invalid.
    RINVOPTPARAMVAL = 0xC4, Refused;
    /// The delivery failed.
    RDELIVERYFAILURE = 0xFE, Refused;
    /// Unknown error.
    RUNKNOWNERR = 0xFF, Temporary;
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:02X})", self.0),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (status, class) in [
            (Status::ROK, Class::Ok),
            (Status::RTHROTTLED, Class::Throttled),
            (Status::RMSGQFUL, Class::Throttled),
            (Status::RSYSERR, Class::Temporary),
            (Status::RINVDSTADR, Class::Address),
            (Status::RSUBMITFAIL, Class::Refused),
            (Status::RINVPASWD, Class::Account),
            (Status(0x0400), Class::Refused),
        ] {
            assert_eq!(status.class(), class, "{status}");
        }
    }

    #[test]
    fn only_zero_is_ok_and_each_has_a_name() {
        for status in Status::ALL {
            assert_eq!(status.class() == Class::Ok, status.0 == 0);
            assert!(status.to_string().contains("(0x"), "{status}");
        }
        assert_eq!(Status(0x0499).to_string(), "0x00000499");
    }
}
