//! The hashes of digest authentication, in lower-case hexadecimal.

use super::Algorithm;
use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

/// The hash that an algorithm is built on.
pub(super) fn hash(algorithm: Algorithm, bytes: &[u8]) -> String {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Session => {
            use md5::Digest as _;
            HEXLOWER.encode(md5::Md5::digest(bytes).as_slice())
        }
        Algorithm::Sha256 | Algorithm::Sha256Session => {
            HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
        }
        Algorithm::Sha512 | Algorithm::Sha512Session => {
            HEXLOWER.encode(digest::digest(&digest::SHA512_256, bytes).as_ref())
        }
    }
}
