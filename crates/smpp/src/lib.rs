//! SMPP 3.4, the client's side: binds to an SMSC, submits short messages, hears receipts and what people write back.
