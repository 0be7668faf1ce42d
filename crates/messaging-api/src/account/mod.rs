//! The account itself: what clients ask of it, and its keys.

mod keys;

use crate::{
    pipeline::{Call, route},
    routes::Route,
    wire::{ApiError, Paging, Reply, rfc2822},
};
use serde_json::{Value, json};

pub(crate) static ROUTES: &[Route] = &[
    route!(Get "/2010-04-01/Accounts/{account}" => show),
    route!(Get "/2010-04-01/Accounts/{account}/Balance.json" => balance),
    route!(Get "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json" => numbers),
    route!(Get "/2010-04-01/Accounts/{account}/Keys.json" => keys::list),
    route!(Post "/2010-04-01/Accounts/{account}/Keys.json" => keys::create),
    route!(Get "/2010-04-01/Accounts/{account}/Keys/{key}" => keys::fetch),
    route!(Post "/2010-04-01/Accounts/{account}/Keys/{key}" => keys::rename),
    route!(Delete "/2010-04-01/Accounts/{account}/Keys/{key}" => keys::delete),
];

/// The account. Its token is never told.
async fn show(call: Call) -> Result<Reply, ApiError> {
    let row = call.rows().row().await?.ok_or_else(ApiError::not_found)?;
    let account = &call.caller.account;
    let under = |what: &str| format!("/2010-04-01/Accounts/{account}/{what}.json");
    Ok(Reply::ok(json!({
        "sid": account,
        "owner_account_sid": account,
        "friendly_name": row.name,
        "status": "active",
        "type": "Full",
        "auth_token": Value::Null,
        "date_created": rfc2822(row.created),
        "date_updated": rfc2822(row.created),
        "uri": format!("/2010-04-01/Accounts/{account}.json"),
        "subresource_uris": {
            "messages": under("Messages"), "calls": under("Calls"), "keys": under("Keys"), "balance": under("Balance"),
        },
    })))
}

/// Clients ask whether there is money left. Nobody pays here.
async fn balance(call: Call) -> Result<Reply, ApiError> {
    Ok(Reply::ok(json!({ "account_sid": call.caller.account, "balance": "0.00", "currency": "USD" })))
}

/// The numbers that an account has rented: none, because its carriers have them.
async fn numbers(call: Call) -> Result<Reply, ApiError> {
    let paging = Paging::read(&call.path, &call.query, &[])?;
    Ok(Reply::ok(paging.old("incoming_phone_numbers", Vec::new(), None)))
}
