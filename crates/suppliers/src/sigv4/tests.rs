//! AWS's own vectors: aws-c-auth, `tests/aws-signing-test-suite/v4`, commit 495329c.

use super::*;

/// 30 August 2015, 12:36:00 UTC.
const NOW: Millis = Millis(1_440_938_160_000);

fn credentials(session_token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
        session_token: session_token.map(|token| Secret::new(token.to_owned())),
        region: "us-east-1".to_owned(),
        service: "service".to_owned(),
    }
}

fn authorization(method: &str, target: &str, headers: &[(&str, &str)], body: &str, token: Option<&str>) -> String {
    let url = url::Url::parse(&format!("https://example.amazonaws.com{target}")).unwrap();
    let request = Request { method, url: &url, headers, body: body.as_bytes(), hash_header: !body.is_empty() };
    sign(&credentials(token), &request, NOW).pop().unwrap().1
}

#[test]
fn the_published_vectors() {
    let length = ("content-length", "13");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let form_utf8 = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let trim: &[(&str, &str)] = &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    type Vector<'a> = (&'a str, &'a str, &'a str, Headers<'a>, &'a str, Option<&'a str>, &'a str, &'a str);
    #[rustfmt::skip]
    let vectors: &[Vector<'_>] = &[
        ("get-vanilla", "GET", "/", &[], "", None, "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", &[], "", None, "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", &[], "", None, "host;x-amz-date",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"),
        ("get-vanilla-utf8-query", "GET", "/?ሴ=bar", &[], "", None, "host;x-amz-date",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        ("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", &[], "", None, "host;x-amz-date",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        ("get-utf8", "GET", "/ሴ", &[], "", None, "host;x-amz-date",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        ("get-space-normalized", "GET", "/example space/", &[], "", None, "host;x-amz-date",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        ("get-vanilla-with-session-token", "GET", "/", &[], "", Some(token), "host;x-amz-date;x-amz-security-token",
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"),
        ("get-header-value-trim", "GET", "/", trim, "", None, "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        ("post-vanilla", "POST", "/", &[], "", None, "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("post-vanilla-query", "POST", "/?Param1=value1", &[], "", None, "host;x-amz-date",
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
        ("post-x-www-form-urlencoded", "POST", "/", &[length, form], "Param1=value1", None,
            "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
        ("post-x-www-form-urlencoded-parameters", "POST", "/", &[length, form_utf8], "Param1=value1", None,
            "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
            "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"),
        ("post-header-key-sort", "POST", "/", &[("my-header1", "value1")], "", None, "host;my-header1;x-amz-date",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    ];
    for (name, method, target, headers, body, token, names, signature) in vectors {
        let wanted = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, \
             Signature={signature}"
        );
        assert_eq!(authorization(method, target, headers, body, *token), wanted, "{name}");
    }
}

#[test]
fn every_part_counts() {
    let first = authorization("POST", "/", &[], "a=1", None);
    for other in [
        authorization("PUT", "/", &[], "a=1", None),
        authorization("POST", "/x", &[], "a=1", None),
        authorization("POST", "/?b", &[], "a=1", None),
        authorization("POST", "/", &[], "a=2", None),
        authorization("POST", "/", &[("x-a", "1")], "a=1", None),
    ] {
        assert_ne!(first, other);
    }
}
