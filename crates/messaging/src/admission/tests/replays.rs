//! Attacks and days of people, through the whole courier with its store.

use super::*;

fn source(turn: u32) -> Option<IpAddr> {
    Some(IpAddr::from([203, 0, u8::try_from(turn / 250 % 250).unwrap(), u8::try_from(turn % 250).unwrap()]))
}

#[tokio::test]
async fn five_thousand_requests_over_one_prefix() {
    let house = house().await;
    let (tenant, _) = house.fixture.tenant(r#"{"messages":{"countries":["DE"]}}"#, false).await;
    let mut refused = std::collections::BTreeMap::<&str, u32>::new();
    let mut sent = 0;
    for turn in 0..5_000 {
        let mut message = house.code(tenant, &format!("+4915112{:06}", turn * 7_919 % 1_000_000));
        message.terms.source = source(turn);
        match house.courier.deliver(message).await {
            Ok(()) => sent += 1,
            Err(SendError::Fraud { rule, .. }) => *refused.entry(rule).or_default() += 1,
            Err(error) => panic!("{error}"),
        }
        house.fixture.clock.advance(Duration::from_millis(700));
    }
    assert!((1..=20).contains(&sent), "{sent} sent; {refused:?}");
    assert_eq!(house.print.outbox().take().len(), sent);
    assert_eq!(refused.values().sum::<u32>() as usize + sent, 5_000);
    // Each of them stands in the log with its rule.
    let span = store::Span::new(Millis(0), Millis(i64::MAX), 6_000);
    let rows = house.fixture.store.tenant(tenant).messages(&span).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.error_class.starts_with("fraud-")).count(), 5_000 - sent);
}

#[tokio::test]
async fn a_day_of_people() {
    let house = house().await;
    let (tenant, _) = house.fixture.tenant(r#"{"messages":{"countries":["DE","US","GB"]}}"#, false).await;
    let world = house.fixture.store.world().clone();
    let mut entering = std::collections::VecDeque::new();
    let (mut asked, mut refused) = (0, Vec::new());
    for turn in 0_u32..1_500 {
        house.fixture.clock.advance(Duration::from_millis(15_000 + world.below(15_000)));
        while entering.front().is_some_and(|(due, _)| *due <= world.now()) {
            let (_, id) = entering.pop_front().unwrap();
            house.courier.verified(tenant, None, Some(id));
        }
        let number = match world.below(4) {
            0 => format!("+447400{}", world.digits(6)),
            1 => format!("+1503{}{}", world.below(8) + 2, world.digits(6)),
            _ => format!("+491{}{}", ["51", "60", "70", "76"][world.below(4) as usize], world.digits(8)),
        };
        let mut message = house.code(tenant, &number);
        message.terms.source = source(u32::try_from(world.below(2_000)).unwrap() + turn % 7);
        let id = day_id(message.id);
        asked += 1;
        match house.courier.deliver(message).await {
            // 85 of 100 enter their code, after half a minute.
            Ok(()) if world.below(100) < 85 => entering.push_back((world.now() + Duration::from_secs(30), id)),
            Ok(()) => {}
            Err(error) => refused.push(error.class().as_str()),
        }
    }
    assert!(refused.len() * 1_000 <= asked, "{} of {asked}: {refused:?}", refused.len());
    assert!(NOW < world.now());
}
