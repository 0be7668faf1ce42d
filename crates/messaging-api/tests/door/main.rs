//! The messaging API as its programs meet it: every route by a stranger, without a key, with rubbish; codes that are raced for.

mod crossing;
mod house;
mod messages;
mod races;
