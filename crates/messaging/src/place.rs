//! Where a number lies, as far as its first digits tell: the country calling code (ITU-T E.164, list of assigned codes) and, where
//! one country alone has the code, its ISO 3166 letters.

use types::E164;

/// Calling codes of one country each.
const ONE_COUNTRY: &[(&str, &str)] = &[
    ("20", "EG"),
    ("27", "ZA"),
    ("30", "GR"),
    ("31", "NL"),
    ("32", "BE"),
    ("33", "FR"),
    ("34", "ES"),
    ("36", "HU"),
    ("40", "RO"),
    ("41", "CH"),
    ("43", "AT"),
    ("45", "DK"),
    ("46", "SE"),
    ("48", "PL"),
    ("49", "DE"),
    ("51", "PE"),
    ("52", "MX"),
    ("53", "CU"),
    ("54", "AR"),
    ("55", "BR"),
    ("56", "CL"),
    ("57", "CO"),
    ("58", "VE"),
    ("60", "MY"),
    ("62", "ID"),
    ("63", "PH"),
    ("64", "NZ"),
    ("65", "SG"),
    ("66", "TH"),
    ("81", "JP"),
    ("82", "KR"),
    ("84", "VN"),
    ("86", "CN"),
    ("90", "TR"),
    ("91", "IN"),
    ("92", "PK"),
    ("93", "AF"),
    ("94", "LK"),
    ("95", "MM"),
    ("98", "IR"),
    ("211", "SS"),
    ("213", "DZ"),
    ("216", "TN"),
    ("218", "LY"),
    ("220", "GM"),
    ("221", "SN"),
    ("222", "MR"),
    ("223", "ML"),
    ("224", "GN"),
    ("225", "CI"),
    ("226", "BF"),
    ("227", "NE"),
    ("228", "TG"),
    ("229", "BJ"),
    ("230", "MU"),
    ("231", "LR"),
    ("232", "SL"),
    ("233", "GH"),
    ("234", "NG"),
    ("235", "TD"),
    ("236", "CF"),
    ("237", "CM"),
    ("238", "CV"),
    ("239", "ST"),
    ("240", "GQ"),
    ("241", "GA"),
    ("242", "CG"),
    ("243", "CD"),
    ("244", "AO"),
    ("245", "GW"),
    ("246", "IO"),
    ("248", "SC"),
    ("249", "SD"),
    ("250", "RW"),
    ("251", "ET"),
    ("252", "SO"),
    ("253", "DJ"),
    ("254", "KE"),
    ("255", "TZ"),
    ("256", "UG"),
    ("257", "BI"),
    ("258", "MZ"),
    ("260", "ZM"),
    ("261", "MG"),
    ("263", "ZW"),
    ("264", "NA"),
    ("265", "MW"),
    ("266", "LS"),
    ("267", "BW"),
    ("268", "SZ"),
    ("269", "KM"),
    ("291", "ER"),
    ("297", "AW"),
    ("298", "FO"),
    ("299", "GL"),
    ("350", "GI"),
    ("351", "PT"),
    ("352", "LU"),
    ("353", "IE"),
    ("354", "IS"),
    ("355", "AL"),
    ("356", "MT"),
    ("357", "CY"),
    ("359", "BG"),
    ("370", "LT"),
    ("371", "LV"),
    ("372", "EE"),
    ("373", "MD"),
    ("374", "AM"),
    ("375", "BY"),
    ("376", "AD"),
    ("377", "MC"),
    ("378", "SM"),
    ("380", "UA"),
    ("381", "RS"),
    ("382", "ME"),
    ("383", "XK"),
    ("385", "HR"),
    ("386", "SI"),
    ("387", "BA"),
    ("389", "MK"),
    ("420", "CZ"),
    ("421", "SK"),
    ("423", "LI"),
    ("500", "FK"),
    ("501", "BZ"),
    ("502", "GT"),
    ("503", "SV"),
    ("504", "HN"),
    ("505", "NI"),
    ("506", "CR"),
    ("507", "PA"),
    ("508", "PM"),
    ("509", "HT"),
    ("591", "BO"),
    ("592", "GY"),
    ("593", "EC"),
    ("594", "GF"),
    ("595", "PY"),
    ("596", "MQ"),
    ("597", "SR"),
    ("670", "TL"),
    ("673", "BN"),
    ("674", "NR"),
    ("675", "PG"),
    ("676", "TO"),
    ("677", "SB"),
    ("678", "VU"),
    ("679", "FJ"),
    ("680", "PW"),
    ("681", "WF"),
    ("682", "CK"),
    ("683", "NU"),
    ("685", "WS"),
    ("686", "KI"),
    ("687", "NC"),
    ("688", "TV"),
    ("689", "PF"),
    ("690", "TK"),
    ("691", "FM"),
    ("692", "MH"),
    ("850", "KP"),
    ("852", "HK"),
    ("853", "MO"),
    ("855", "KH"),
    ("856", "LA"),
    ("880", "BD"),
    ("886", "TW"),
    ("960", "MV"),
    ("961", "LB"),
    ("962", "JO"),
    ("963", "SY"),
    ("964", "IQ"),
    ("965", "KW"),
    ("966", "SA"),
    ("967", "YE"),
    ("968", "OM"),
    ("970", "PS"),
    ("971", "AE"),
    ("972", "IL"),
    ("973", "BH"),
    ("974", "QA"),
    ("975", "BT"),
    ("976", "MN"),
    ("977", "NP"),
    ("992", "TJ"),
    ("993", "TM"),
    ("994", "AZ"),
    ("995", "GE"),
    ("996", "KG"),
    ("998", "UZ"),
];

/// Codes that several countries share: the place stays open.
const SHARED: &[&str] = &["1", "7", "39", "44", "47", "61", "212", "262", "290", "358", "379", "590", "599", "672"];

/// Codes of no country: satellites, personal, shared-cost and premium services. Nobody who signs in has one as a rule, and money
/// is made with messages to them.
const NO_COUNTRY: &[&str] = &["800", "808", "870", "878", "881", "882", "883", "888", "979"];

/// Where a number lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The country calling code, without `+`; empty where the number begins with none that is assigned.
    pub(crate) calling_code: &'static str,
    /// Two letters, or empty where several countries share the code.
    pub(crate) region: &'static str,
    /// Whether the code belongs to a country at all.
    pub(crate) is_country: bool,
}

/// Where a number lies.
pub(crate) fn of(number: &E164) -> Place {
    let digits = number.expose().trim_start_matches('+');
    // No assigned code is the beginning of another, so the order of looking doesn't matter.
    if let Some((code, region)) = ONE_COUNTRY.iter().find(|(code, _)| digits.starts_with(code)) {
        return Place { calling_code: code, region, is_country: true };
    }
    let found = |codes: &[&'static str]| codes.iter().find(|code| digits.starts_with(**code)).copied();
    if let Some(calling_code) = found(SHARED) {
        return Place { calling_code, region: "", is_country: true };
    }
    Place { calling_code: found(NO_COUNTRY).unwrap_or(""), region: "", is_country: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_the_beginning_of_another() {
        let all: Vec<&str> = ONE_COUNTRY
            .iter()
            .map(|(code, _)| *code)
            .chain(SHARED.iter().copied())
            .chain(NO_COUNTRY.iter().copied())
            .collect();
        for (place, a) in all.iter().enumerate() {
            for (other, b) in all.iter().enumerate() {
                assert!(place == other || !b.starts_with(a), "{a} and {b}");
            }
        }
    }

    #[test]
    fn numbers_lie_where_they_lie() {
        let place = |text: &str| of(&text.parse().unwrap());
        assert_eq!(place("+4915112345678"), Place { calling_code: "49", region: "DE", is_country: true });
        assert_eq!(place("+15035550100"), Place { calling_code: "1", region: "", is_country: true });
        assert_eq!(place("+2348031234567"), Place { calling_code: "234", region: "NG", is_country: true });
        assert_eq!(place("+881612345678"), Place { calling_code: "881", region: "", is_country: false });
        assert_eq!(place("+2101234567"), Place { calling_code: "", region: "", is_country: false });
    }
}
