//! What holds a key, a password or a token can't be printed or compared with `==`.

use countersign_keys::{
    DayKeys, FileRoot, KeyError, KeyRing, OpenSegment, PartKey, Passwords, Pkcs11Root, Segment, TenantKeys,
    TenantPrivateKey, Token,
};
use std::{
    fmt::{Debug, Display},
    marker::PhantomData,
};

/// The trait's constant is found only where the type's own, below, is not: the bound was not met.
trait Otherwise {
    const YES: bool = false;
}

impl<T> Otherwise for T {}

macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T>(PhantomData<T>);
        impl<T: $($bound)+> Probe<T> {
            const YES: bool = true;
        }
        // The probe itself can tell: a byte is printed and compared like anything.
        assert!(<Probe<u8>>::YES);
        <Probe<$type>>::YES
    }};
}

#[test]
fn no_holder_of_a_secret_can_be_printed_or_compared() {
    assert!(implements!(KeyError: Debug) && implements!(KeyError: Display));
    macro_rules! none {
        ($($type:ty),*) => {$(
            assert!(!implements!($type: Debug), stringify!($type));
            assert!(!implements!($type: Display), stringify!($type));
            assert!(!implements!($type: PartialEq), stringify!($type));
        )*};
    }
    none!(TenantKeys, TenantPrivateKey, Token, FileRoot, Pkcs11Root, KeyRing, Passwords);
    none!(DayKeys, Segment, PartKey, OpenSegment);
    none!(types::SecretBytes, types::SecretString);
}

#[test]
fn what_crosses_threads_may() {
    fn check<T: Send + Sync + 'static>() {}
    check::<TenantKeys>();
    check::<DayKeys>();
    check::<Segment>();
    check::<OpenSegment>();
    check::<KeyRing>();
    check::<FileRoot>();
    check::<Pkcs11Root>();
    check::<Passwords>();
    check::<KeyError>();
}
