//! The handlers on a real store. That nobody gets here without a signature and a grant, the door's own tests show.

mod grants;
mod house;
mod lists;
mod logs;
mod numbers;
mod passkeys;
mod table;
mod users;
