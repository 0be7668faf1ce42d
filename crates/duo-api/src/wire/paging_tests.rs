use super::super::Limits;
use super::*;
use proptest::prelude::*;

const NOW: Millis = Millis(1_795_291_200_000);

fn form(text: &str) -> Params {
    Params::from_urlencoded(text.as_bytes(), &Limits::DEFAULT).unwrap()
}

fn refused<T>(result: Result<T, ApiError>) -> Option<(u32, String)> {
    result.err().map(|error| (error.code(), error.detail().to_owned()))
}

#[test]
fn limits_default_and_are_cut_not_refused() {
    let limit = |text: &str| OffsetPage::read(&form(text), PageLimits::OBJECTS).map(|page| page.limit);
    assert_eq!(limit(""), Ok(100));
    assert_eq!(limit("limit=7"), Ok(7));
    assert_eq!(limit("limit=1000"), Ok(300), "duo_api_ruby asks every endpoint for 1000");
    for text in ["limit=0", "limit=-1", "limit=x", "limit=", "limit=99999999999"] {
        assert_eq!(refused(limit(text)), Some((40_002, "limit".into())), "{text}");
    }
    assert_eq!(refused(OffsetPage::read(&form("offset=-1"), PageLimits::OBJECTS)), Some((40_002, "offset".into())));
}

#[test]
fn a_client_that_follows_next_offset_sees_every_row_once() {
    let all: Vec<Value> = (0..250).map(Value::from).collect();
    let (mut offset, mut seen, mut pages) = (0_u64, Vec::new(), 0);
    loop {
        let page = OffsetPage::read(&form(&format!("limit=100&offset={offset}")), PageLimits::OBJECTS).unwrap();
        let rows: Vec<_> = all.iter().skip(page.offset as usize).take(page.limit as usize).cloned().collect();
        let reply = page.reply(rows, 250);
        seen.extend(reply.response().as_array().unwrap().clone());
        let metadata = reply.metadata().unwrap();
        assert_eq!(metadata["total_objects"], 250);
        assert_eq!(metadata.get("prev_offset").and_then(Value::as_u64), offset.checked_sub(100).filter(|_| offset > 0));
        pages += 1;
        match metadata.get("next_offset") {
            Some(next) => offset = next.as_u64().unwrap(),
            None => break,
        }
    }
    assert_eq!((seen, pages), (all, 3));
}

#[test]
fn an_empty_page_ends_the_walk() {
    let page = OffsetPage { limit: 10, offset: 500 };
    let reply = page.reply(vec![], 600);
    assert!(reply.metadata().unwrap().get("next_offset").is_none(), "or a client would ask for it for ever");
}

#[test]
fn authentication_logs_need_both_times_and_give_a_list_as_cursor() {
    let read = |text: &str| LogPage::read(&form(text), LogPages::AUTHENTICATION, NOW);
    assert_eq!(refused(read("")), Some((40_001, "mintime".into())));
    assert_eq!(refused(read("mintime=1")), Some((40_001, "maxtime".into())));
    assert_eq!(refused(read("mintime=2&maxtime=1")), Some((40_002, "maxtime".into())));
    assert_eq!(refused(read("mintime=1&maxtime=2&sort=up")), Some((40_002, "sort".into())));
    let page = read("mintime=1532951895000&maxtime=1532951895001&limit=2000&sort=ts:asc").unwrap();
    assert_eq!(
        (page.from, page.to, page.limit, page.sort),
        (Millis(1_532_951_895_000), Millis(1_532_951_895_001), 1000, Sort::Ascending)
    );
    let next = Some(Cursor { at: Millis(1_532_951_895_000), id: "af0ba235".into() });
    let reply = page.reply(LogReply { rows: vec![json!({ "txid": "af0ba235" })], next, total: 9 });
    assert_eq!(
        reply.response(),
        &json!({
            "authlogs": [{ "txid": "af0ba235" }],
            "metadata": { "next_offset": ["1532951895000", "af0ba235"], "total_objects": 9 },
        })
    );
    assert!(reply.metadata().is_none(), "the metadata stands inside");
}

#[test]
fn other_logs_default_to_half_a_year_and_give_a_text_as_cursor() {
    let page = LogPage::read(&form(""), LogPages::ITEMS, NOW).unwrap();
    assert_eq!((page.from, page.to, page.limit, page.sort), (NOW - HALF_A_YEAR, NOW, 100, Sort::Descending));
    let next = Some(Cursor { at: Millis(1_666_714_065_304), id: "5bf1a860-fe39".into() });
    let reply = page.reply(LogReply { rows: vec![], next, total: 0 });
    assert_eq!(reply.response()["metadata"]["next_offset"], "1666714065304,5bf1a860-fe39");
    assert_eq!(
        page.reply(LogReply { rows: vec![], next: None, total: 0 }).response()["metadata"]["next_offset"],
        Value::Null
    );
}

#[test]
fn the_cursor_comes_back_joined_or_repeated_or_as_a_list() {
    let wanted = Some(Cursor { at: Millis(1_532_951_895_000), id: "af0ba235-0b33".into() });
    for text in [
        "next_offset=1532951895000,af0ba235-0b33",
        "next_offset=1532951895000%2Caf0ba235-0b33",
        "next_offset=1532951895000&next_offset=af0ba235-0b33",
        "next_offset=%5B%221532951895000%22%2C%22af0ba235-0b33%22%5D",
    ] {
        assert_eq!(LogPage::read(&form(text), LogPages::ITEMS, NOW).unwrap().after, wanted, "{text}");
    }
    let text = "offset=1532951895000,af0ba235-0b33&mintime=0&maxtime=1";
    assert_eq!(LogPage::read(&form(text), LogPages::EVENTS, NOW).unwrap().after, wanted);
    for text in ["", "1", "1,", ",a", "a,b", "-1,b", "1,b;c", "1,b,c", "1,%27", "99999999999999999999,a"] {
        let read = LogPage::read(&form(&format!("next_offset={text}")), LogPages::ITEMS, NOW);
        assert_eq!(refused(read), Some((40_002, "next_offset".into())), "{text}");
    }
}

#[test]
fn old_logs_count_seconds_and_stop_at_a_thousand_rows() {
    let page = OldLogPage::read(&form("mintime=1584718692"), NOW).unwrap();
    assert_eq!(page, OldLogPage { from: Millis(1_584_718_692_000), to: NOW, limit: 1000 });
    assert_eq!(OldLogPage::read(&form("maxtime=5"), NOW).unwrap().to, Millis(5999));
    assert_eq!(refused(OldLogPage::read(&form("mintime=yesterday"), NOW)), Some((40_002, "mintime".into())));
    assert_eq!(OldLogPage::reply(vec![json!(1)]), Envelope::ok(json!([1])));
}

proptest! {
    #[test]
    fn a_cursor_survives_the_way_to_the_client_and_back(at in 0_i64..1 << 45, id in "[a-z0-9-]{1,36}", list: bool) {
        let pages = if list { LogPages::AUTHENTICATION } else { LogPages::ITEMS };
        let cursor = Cursor { at: Millis(at), id };
        let range = "mintime=0&maxtime=1";
        let page = LogPage::read(&form(range), pages, NOW).unwrap();
        let reply = page.reply(LogReply { rows: vec![], next: Some(cursor.clone()), total: 1 });
        let sent = match &reply.response()["metadata"]["next_offset"] {
            Value::String(text) => text.clone(),
            Value::Array(list) => list.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(","),
            other => panic!("{other}"),
        };
        let page = LogPage::read(&form(&format!("{range}&next_offset={sent}")), pages, NOW).unwrap();
        prop_assert_eq!(page.after, Some(cursor));
    }
}
