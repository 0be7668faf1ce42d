//! A segment's header and a part of a row of the message log, as the tenant's command line gets them from a server that it doesn't trust.
#![no_main]

use countersign_keys::{Part, Recipients, Segment, TenantPrivateKey, day_keys, segment};
use countersign_types::{
    World,
    id::{MessageId, SegmentId, TenantId},
};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

struct Site {
    private: TenantPrivateKey,
    tenant: TenantId,
    segment: SegmentId,
    header: Vec<u8>,
    message: MessageId,
    row: Vec<u8>,
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let world = World::real();
        let random = world.random.as_ref();
        let private = TenantPrivateKey::generate(random);
        let tenant = TenantId::new(world.now(), random);
        let message = MessageId::new(world.now(), random);
        let recipients = Recipients::new(vec![private.public()]).unwrap();
        let (mut segment, header) = Segment::begin(tenant, 1, &recipients, random).unwrap();
        let row = segment.next_key().unwrap().unwrap().seal(message, Part::Sent, b"+15035550100").unwrap();
        Site { private, tenant, segment: segment.id(), header, message, row }
    })
}

fuzz_target!(|input: (Vec<u8>, u16, bool, String)| {
    let Site { private, tenant, segment, header, message, row: good } = site();
    let (bytes, kept, whole, text) = input;
    let mut row = [good.get(..usize::from(kept)).unwrap_or(good), &bytes].concat();
    if whole {
        row.resize(Part::Sent.sealed_len(), 0);
    }
    let open = private.open_segment(*tenant, *segment, 1, header).unwrap();
    assert_eq!(open.open(*message, Part::Sent, &row).is_ok(), row == *good);
    let mut changed = [header.get(..usize::from(kept)).unwrap_or(header), &bytes].concat();
    if whole {
        changed.resize(header.len(), 0);
    }
    assert_eq!(private.open_segment(*tenant, *segment, 1, &changed).is_ok(), changed == *header);
    let _ = (segment::recipients_of(&bytes), segment::segment_of(Part::Receipt, &bytes));
    let _ = (Recipients::from_text(&text), day_keys::is_day_file(&text));
});
