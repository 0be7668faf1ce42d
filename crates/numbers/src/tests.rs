use super::*;
use proptest::prelude::*;
use std::io::Read;

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

/// What `phonenumbers` says of every region's and kind's example and of 100,000 random numbers; `xtask/numbers/sample.py` wrote it.
fn sample() -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&include_bytes!("../data/sample.txt.gz")[..]).read_to_string(&mut text).unwrap();
    text
}

/// Our answer in the sample's form.
fn answer(text: &str, region: Option<&str>) -> Result<[String; 7], &'static str> {
    let read = parse(text, region).map_err(|error| error.validity().as_str())?;
    let facts = look(&read);
    // The library has no word for satellites; what it says of them differs by network.
    let kind = if facts.kind == Kind::Satellite { "satellite" } else { facts.kind.as_str() };
    Ok([
        read.expose().to_owned(),
        facts.country.to_owned(),
        kind.to_owned(),
        facts.valid.as_str().to_owned(),
        facts.original_carrier.unwrap_or_default().to_owned(),
        facts.place.unwrap_or_default().to_owned(),
        national_format(&read),
    ])
}

#[test]
fn as_libphonenumber_says() {
    let sample = sample();
    let (mut compared, mut differ) = (0, Vec::new());
    for line in sample.lines() {
        let mut columns: Vec<&str> = line.split('\t').collect();
        let (text, region) = (columns.remove(0), columns.remove(0));
        let region = (region != "-").then_some(region);
        let said = answer(text, region);
        let agrees = match (&said, columns.as_slice()) {
            (Err(said), [expected]) => said == expected,
            // The library reads numbers that are shorter or longer than E.164 has them.
            (Err("TOO_SHORT" | "TOO_LONG"), [e164, ..]) => !(8..=16).contains(&e164.len()),
            (Ok(said), [_, _, _, ..]) => said.iter().zip(&columns).enumerate().all(|(column, (said, expected))| {
                said == expected || (column == 2 && said == "satellite" && *expected != "unknown")
            }),
            _ => false,
        };
        compared += 1;
        if !agrees {
            differ.push(format!("{line}\n  {said:?}"));
        }
    }
    assert!(compared > 100_000, "{compared}");
    assert!(
        differ.is_empty(),
        "{} of {compared} differ, such as\n{}",
        differ.len(),
        differ[..differ.len().min(20)].join("\n")
    );
}

#[test]
fn what_a_number_tells() {
    let facts = look(&number("+989121234567"));
    assert_eq!((facts.country, facts.calling_code, facts.kind), ("IR", "98", Kind::Mobile));
    // No network of the list is called so.
    assert_eq!((facts.original_carrier, facts.mcc_mnc), (Some("IR-MCI"), None));
    let facts = look(&number("+2348031234567"));
    assert_eq!((facts.country, facts.original_carrier, facts.mcc_mnc), ("NG", Some("MTN"), Some("621:30")));
    let facts = look(&number("+493012345678"));
    assert_eq!((facts.kind, facts.place, facts.original_carrier), (Kind::Landline, Some("Berlin"), None));
    let facts = look(&number("+16502530000"));
    assert_eq!((facts.country, facts.kind, facts.place), ("US", Kind::LandlineOrMobile, Some("Mountain View, CA")));
    assert_eq!(look(&number("+449098790000")).kind, Kind::Premium);
    for satellite in ["+870776000000", "+881612345678", "+882160000000", "+883510012345"] {
        let facts = look(&number(satellite));
        assert_eq!((facts.kind, facts.country), (Kind::Satellite, ""), "{satellite}");
    }
    assert_eq!(look(&number("+97912345678")).valid, Validity::TooShort);
    assert_eq!(look(&number("+979123456789")).kind, Kind::Premium);
    assert_eq!(look(&number("+2101234567")), Facts::UNKNOWN);
}

#[test]
fn what_is_wrong_with_a_number() {
    for (text, valid) in [
        ("+15035550100", Validity::Valid),
        ("+1503555010", Validity::TooShort),
        ("+150355501000", Validity::TooLong),
        ("+10035550100", Validity::InvalidButPossible),
        ("+9990000000", Validity::InvalidCountryCode),
    ] {
        assert_eq!(look(&number(text)).valid, valid, "{text}");
    }
    assert_eq!(parse("nobody", Some("DE")), Err(Unparsed::NotANumber));
    assert_eq!(parse("0151 12345678", None), Err(Unparsed::InvalidCountryCode));
    assert_eq!(parse("0151 12345678", Some("QQ")), Err(Unparsed::InvalidCountryCode));
}

#[test]
fn as_people_write() {
    for (text, region) in [
        ("0151 12345678", "DE"),
        ("+49 (0)151 12345678", "US"),
        ("0049 151 12345678", "FR"),
        ("011 49 151 12345678", "US"),
        ("tel: +49-151-12345678 ext. 12", "DE"),
        ("\u{ff10}151 12345678 x7", "DE"),
    ] {
        assert_eq!(parse(text, Some(region)), Ok(number("+4915112345678")), "{text}");
    }
    assert_eq!(parse("1800 FLOWERS", Some("US")), Ok(number("+18003569377")));
    assert_eq!(national_format(&number("+4915112345678")), "01511 2345678");
    assert_eq!(national_format(&number("+15035550100")), "(503) 555-0100");
    // The only form that leaves a digit out.
    assert_eq!(national_format(&number("+5491123456789")), "011 15-2345-6789");
}

#[test]
fn countries_are_there() {
    let all: std::collections::BTreeSet<&str> = countries().collect();
    assert!(all.len() > 240, "{}", all.len());
    assert!(all.contains("DE") && all.contains("XK") && !all.contains(""));
}

proptest! {
    #[test]
    fn any_number_is_answered_and_reads_back(digits in "[1-9][0-9]{6,14}") {
        let number = number(&format!("+{digits}"));
        let facts = look(&number);
        prop_assert!(digits.starts_with(facts.calling_code));
        prop_assert_eq!(facts.valid.is_valid(), facts.kind != Kind::Unknown);
        prop_assert!(facts.valid.is_valid() || facts.place.is_none() && facts.original_carrier.is_none());
        let written = national_format(&number);
        prop_assert!(written.chars().all(|c| !matches!(c, '#' | '_' | '\0')));
        if facts.valid.is_valid() && !facts.country.is_empty() {
            // Spaces and signs aside, a valid number is read from what is written.
            let again = parse(&written, Some(facts.country));
            prop_assert_eq!(again.map(|again| look(&again).valid.is_valid()), Ok(true), "{}", written);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}", region in proptest::option::of("[A-Z]{2}")) {
        if let Ok(number) = parse(&text, region.as_deref()) {
            let _ = look(&number);
            let written = number.expose();
            prop_assert!(written.len() >= 8 && written.len() <= 16);
        }
    }
}
