//! Verify: codes that prove an address, and factors that programs keep here for their people.
//!
//! A code is a keyed hash from the moment it is drawn; each sending has a code of its own, and the last one counts. A verification is a
//! row while it is waited for: ten minutes, five sendings, five answers. An answer is spent before it is compared, and the right one
//! deletes the row, so one of a hundred wins. Its address is sealed in the row and gone with it.

mod attempts;
mod challenges;
mod check;
mod codes;
mod entities;
mod factors;
mod limits;
mod send;
mod services;
mod signed;
mod verifications;

pub(crate) use signed::fuzz as fuzz_signed;

use crate::{pipeline::route, routes::Route};

pub(crate) static ROUTES: &[Route] = &[
    route!(Post "/v2/Services" => services::create),
    route!(Get "/v2/Services" => services::list),
    route!(Get "/v2/Services/{service}" => services::fetch),
    route!(Post "/v2/Services/{service}" => services::change),
    route!(Delete "/v2/Services/{service}" => services::delete),
    route!(Post "/v2/Services/{service}/Verifications" => verifications::create),
    route!(Get "/v2/Services/{service}/Verifications/{verification}" => verifications::fetch),
    route!(Post "/v2/Services/{service}/Verifications/{verification}" => verifications::change),
    route!(Post "/v2/Services/{service}/VerificationCheck" => check::check),
    route!(Post "/v2/Services/{service}/RateLimits" => limits::create),
    route!(Get "/v2/Services/{service}/RateLimits" => limits::list),
    route!(Get "/v2/Services/{service}/RateLimits/{limit}" => limits::fetch),
    route!(Post "/v2/Services/{service}/RateLimits/{limit}" => limits::change),
    route!(Delete "/v2/Services/{service}/RateLimits/{limit}" => limits::delete),
    route!(Post "/v2/Services/{service}/RateLimits/{limit}/Buckets" => limits::create_bucket),
    route!(Get "/v2/Services/{service}/RateLimits/{limit}/Buckets" => limits::list_buckets),
    route!(Get "/v2/Services/{service}/RateLimits/{limit}/Buckets/{bucket}" => limits::fetch_bucket),
    route!(Post "/v2/Services/{service}/RateLimits/{limit}/Buckets/{bucket}" => limits::change_bucket),
    route!(Delete "/v2/Services/{service}/RateLimits/{limit}/Buckets/{bucket}" => limits::delete_bucket),
    route!(Get "/v2/Attempts" => attempts::list),
    route!(Get "/v2/Attempts/Summary" => attempts::summary),
    route!(Get "/v2/Attempts/{attempt}" => attempts::fetch),
    route!(Post "/v2/Services/{service}/Entities" => entities::create),
    route!(Get "/v2/Services/{service}/Entities" => entities::list),
    route!(Get "/v2/Services/{service}/Entities/{identity}" => entities::fetch),
    route!(Delete "/v2/Services/{service}/Entities/{identity}" => entities::delete),
    route!(Post "/v2/Services/{service}/Entities/{identity}/Factors" => factors::create),
    route!(Get "/v2/Services/{service}/Entities/{identity}/Factors" => factors::list),
    route!(Get "/v2/Services/{service}/Entities/{identity}/Factors/{factor}" => factors::fetch),
    route!(Post "/v2/Services/{service}/Entities/{identity}/Factors/{factor}" => factors::change),
    route!(Delete "/v2/Services/{service}/Entities/{identity}/Factors/{factor}" => factors::delete),
    route!(Post "/v2/Services/{service}/Entities/{identity}/Challenges" => challenges::create),
    route!(Get "/v2/Services/{service}/Entities/{identity}/Challenges" => challenges::list),
    route!(Get "/v2/Services/{service}/Entities/{identity}/Challenges/{challenge}" => challenges::fetch),
    route!(Post "/v2/Services/{service}/Entities/{identity}/Challenges/{challenge}" => challenges::change),
];
