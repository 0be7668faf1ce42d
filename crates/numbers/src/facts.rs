//! The answer's words.

/// What a number's digits tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Two letters of ISO 3166-1 (`XK` for Kosovo). Empty where the number belongs to no country (satellites, global services), and
    /// where several countries share the calling code and the number is valid in none.
    pub country: &'static str,
    /// The country calling code, without `+`; empty where the digits begin with none that is assigned.
    pub calling_code: &'static str,
    /// What kind of line it is; [`Kind::Unknown`] for a number that isn't valid.
    pub kind: Kind,
    /// Whether such a number can exist.
    pub valid: Validity,
    /// To whom the number's block was given first. Where numbers may be taken along to another carrier, it may be with another now.
    pub original_carrier: Option<&'static str>,
    /// The original carrier's mobile network: country and network code (ITU-T E.212) with `:` between them.
    pub mcc_mnc: Option<&'static str>,
    /// Where the line is, in English, for numbers that are tied to a place.
    pub place: Option<&'static str>,
}

impl Facts {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        country: "",
        calling_code: "",
        kind: Kind::Unknown,
        valid: Validity::InvalidCountryCode,
        original_carrier: None,
        mcc_mnc: None,
        place: None,
    };
}

/// What kind of line a number is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A fixed line.
    Landline,
    /// A mobile telephone.
    Mobile,
    /// One of the two: in some countries the digits don't tell.
    LandlineOrMobile,
    /// The callee pays.
    TollFree,
    /// The caller pays more, and the callee gets some of it.
    Premium,
    /// Caller and callee share the cost.
    SharedCost,
    /// A line over the internet.
    Voip,
    /// A personal number: it forwards to whatever its owner says, often at the caller's cost.
    Personal,
    /// A pager.
    Pager,
    /// A company's universal access number.
    Uan,
    /// A mailbox for voice messages.
    Voicemail,
    /// A satellite telephone or another network of no country (calling codes 870, 881, 882, 883).
    Satellite,
    /// The digits don't tell.
    Unknown,
}

impl Kind {
    /// As Twilio's Lookup names it, where it has a word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Landline => "landline",
            Self::Mobile => "mobile",
            Self::LandlineOrMobile => "landlineOrMobile",
            Self::TollFree => "tollFree",
            Self::Premium => "premium",
            Self::SharedCost => "sharedCost",
            Self::Voip => "voip",
            Self::Personal => "personal",
            Self::Pager => "pager",
            Self::Uan => "uan",
            Self::Voicemail => "voicemail",
            Self::Satellite => "satellite",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether a number can exist, in the words of Twilio's Lookup.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Validity {
    /// Its block is in use.
    Valid,
    /// Too few digits for the country.
    TooShort,
    /// Too many digits for the country.
    TooLong,
    /// No country has this calling code.
    InvalidCountryCode,
    /// There are shorter and longer numbers there, but none of this length.
    InvalidLength,
    /// The length is right, but the block is not in use.
    InvalidButPossible,
    /// No number at all.
    NotANumber,
}

impl Validity {
    /// Whether it can exist.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        matches!(self, Self::Valid)
    }

    /// As Twilio's Lookup words it in `validation_errors`; empty for a valid number.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "",
            Self::TooShort => "TOO_SHORT",
            Self::TooLong => "TOO_LONG",
            Self::InvalidCountryCode => "INVALID_COUNTRY_CODE",
            Self::InvalidLength => "INVALID_LENGTH",
            Self::InvalidButPossible => "INVALID_BUT_POSSIBLE",
            Self::NotANumber => "NOT_A_NUMBER",
        }
    }
}

/// Why a text is no number. It never repeats the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unparsed {
    /// Nothing that could be dialled.
    #[error("not a telephone number")]
    NotANumber,
    /// Neither `+` with an assigned calling code nor a region that is known.
    #[error("no country calling code and no region")]
    InvalidCountryCode,
    /// Too few digits.
    #[error("too short for a telephone number")]
    TooShort,
    /// Too many digits.
    #[error("too long for a telephone number")]
    TooLong,
}

impl Unparsed {
    /// The same in the words of Twilio's Lookup.
    #[must_use]
    pub const fn validity(self) -> Validity {
        match self {
            Self::NotANumber => Validity::NotANumber,
            Self::InvalidCountryCode => Validity::InvalidCountryCode,
            Self::TooShort => Validity::TooShort,
            Self::TooLong => Validity::TooLong,
        }
    }
}
