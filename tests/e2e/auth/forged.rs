//! A table of tokens that are not good, each with its name; and beside each kind the good one.

use super::{desk, status};
use futures_util::{StreamExt, stream};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use std::{collections::HashSet, fmt::Write, time::Duration};
use tapaculo::{JwtKey, JwtOptions};
use tapaculo_tests::{
    forge::{RSA_PUBLIC, Signer, encoded, good, now, parts, signed, with},
    server::{SECRET, TestServer},
};

type Rows = Vec<(String, String)>;

fn rows<const N: usize>(kind: &str, rows: [(&str, String); N]) -> Rows {
    let rows = rows.into_iter();
    rows.map(|(name, token)| (format!("{kind}: {name}"), token))
        .collect()
}

fn claims_rows<const N: usize>(kind: &str, table: [(&str, Value); N]) -> Rows {
    rows(
        kind,
        table.map(|(name, changes)| (name, signed(&with(changes)))),
    )
}

fn secret() -> Signer {
    Signer::secret(SECRET)
}

fn plain() -> JwtOptions {
    JwtOptions {
        keys: vec![JwtKey::secret(SECRET)],
        ..JwtOptions::default()
    }
}

/// All of them are answered with this status; those that are not are told by name.
async fn all_are(server: &TestServer, expected: u16, rows: Rows) -> usize {
    let names: HashSet<_> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), rows.len(), "each has a name of its own");
    let answered = stream::iter(rows).map(async |(name, token)| {
        let status = status(server, &token).await;
        (name, status)
    });
    let answered: Vec<_> = answered.buffer_unordered(16).collect().await;
    let mut others = String::new();
    for (name, status) in answered.iter().filter(|(_, status)| *status != expected) {
        writeln!(others, "{status}, not {expected}: {name}").expect("a string");
    }
    assert!(others.is_empty(), "\n{others}");
    answered.len()
}

/// Not of the form of a token, though nearly.
fn form() -> Rows {
    let token = signed(&good());
    let [header, payload, signature] = parts(&token);
    rows(
        "form",
        [
            ("empty", String::new()),
            ("one word", "token".to_owned()),
            ("dots", "..".to_owned()),
            ("one part", header.to_owned()),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{token}.{signature}")),
            (
                "five parts",
                format!("{header}.{payload}.{payload}.{payload}.{signature}"),
            ),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("no signature", format!("{header}.{payload}.")),
            ("parts swapped", format!("{payload}.{header}.{signature}")),
            ("a space inside", format!("{header}. {payload}.{signature}")),
            ("a comma", format!("{token},{token}")),
            ("quoted", format!("\"{token}\"")),
            ("the scheme twice", format!("Bearer {token}")),
            ("percent-encoded", token.replace('.', "%2E")),
            ("two headers", format!("{header}.{token}")),
        ],
    )
}

fn truncated() -> Rows {
    let token = signed(&good());
    let at = [1, 2, 10, 43, token.len() / 2];
    let mut table: Rows = at
        .iter()
        .map(|cut| {
            (
                format!("truncated: by {cut}"),
                token[..token.len() - cut].to_owned(),
            )
        })
        .collect();
    let [header, payload, signature] = parts(&token);
    table.extend(rows(
        "truncated",
        [
            (
                "the header",
                format!("{}.{payload}.{signature}", &header[..header.len() - 4]),
            ),
            (
                "the payload",
                format!("{header}.{}.{signature}", &payload[..payload.len() - 4]),
            ),
            ("the first byte", token[1..].to_owned()),
        ],
    ));
    table
}

/// The same bytes, written otherwise: one token must not have two texts.
fn encoded_otherwise() -> Rows {
    let token = (0..)
        .map(|number| signed(&with(json!({"jti": number.to_string()}))))
        .find(|token| parts(token)[2].contains(['-', '_']));
    let token = token.expect("endless");
    let [header, payload, signature] = parts(&token);
    // The last of 43 characters has two bits that say nothing.
    let last = signature.chars().next_back().expect("43 of them");
    let other = char::from_u32(u32::from(last) + 1).expect("a letter");
    let cut = &signature[..signature.len() - 1];
    let standard = signature.replace('-', "+").replace('_', "/");
    rows(
        "encoded otherwise",
        [
            ("a padded signature", format!("{token}=")),
            (
                "a padded header",
                format!("{header}=.{payload}.{signature}"),
            ),
            (
                "a padded payload",
                format!("{header}.{payload}==.{signature}"),
            ),
            (
                "the other alphabet",
                format!("{header}.{payload}.{standard}"),
            ),
            ("idle bits", format!("{header}.{payload}.{cut}{other}")),
            (
                "a signature twice encoded",
                format!("{header}.{payload}.{}", encoded(signature)),
            ),
            ("upper case", token.to_uppercase()),
            ("lower case", token.to_lowercase()),
            (
                "the same claims, spaced",
                format!("{header}.{}.{signature}", encoded(format!(" {}", good()))),
            ),
            ("a payload that is not encoded", {
                secret().sign_parts(header, &good().to_string().replace('.', ""))
            }),
            (
                "a payload twice encoded",
                secret().sign_parts(header, &encoded(payload)),
            ),
        ],
    )
}

fn unsigned() -> Rows {
    let mut table = Rows::new();
    let payload = encoded(good().to_string());
    let token = signed(&good());
    let signature = parts(&token)[2];
    for none in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "n\u{0}one",
        "",
        "null",
    ] {
        let header = encoded(json!({"typ": "JWT", "alg": none}).to_string());
        let name = format!("alg {none:?}");
        table.push((
            format!("{name}, no signature"),
            format!("{header}.{payload}."),
        ));
        table.push((
            format!("{name}, old signature"),
            format!("{header}.{payload}.{signature}"),
        ));
        let signed = secret().sign_parts(&header, &payload);
        table.push((format!("{name}, signed all the same"), signed));
    }
    let header = |text: &str| secret().sign(text, good().to_string());
    table.extend(rows(
        "alg",
        [
            ("absent", header(r#"{"typ":"JWT"}"#)),
            ("null", header(r#"{"alg":null}"#)),
            ("a number", header(r#"{"alg":256}"#)),
            ("a list", header(r#"{"alg":["HS256"]}"#)),
            ("a list with none", header(r#"{"alg":["none","HS256"]}"#)),
            ("an object", header(r#"{"alg":{"HS256":null}}"#)),
            (
                "twice, none last",
                header(r#"{"alg":"HS256","alg":"none"}"#),
            ),
            (
                "twice, none first",
                header(r#"{"alg":"none","alg":"HS256"}"#),
            ),
            (
                "twice, escaped",
                header(r#"{"alg":"HS256","\u0061lg":"none"}"#),
            ),
            ("in upper case only", header(r#"{"ALG":"HS256"}"#)),
        ],
    ));
    table
}

fn another_algorithm() -> Rows {
    let under = |algorithm: &str| secret().headed(json!({"alg": algorithm}));
    rows(
        "another algorithm",
        [
            ("HS384", secret().by(Algorithm::HS384).headed(json!({}))),
            ("HS512", secret().by(Algorithm::HS512).headed(json!({}))),
            ("HS384 over a signature of HS256", under("HS384")),
            ("hs256", under("hs256")),
            ("HS256 and a space", under("HS256 ")),
            ("HMAC-SHA256", under("HS256;")),
            ("RS256 over a signature of HS256", under("RS256")),
            ("ES256 over a signature of HS256", under("ES256")),
            ("EdDSA over a signature of HS256", under("EdDSA")),
            ("PS256 over a signature of HS256", under("PS256")),
            ("RS256 of nobody we know", Signer::rsa().headed(json!({}))),
            ("ES256 of nobody we know", Signer::p256().headed(json!({}))),
            (
                "EdDSA of nobody we know",
                Signer::ed25519().headed(json!({})),
            ),
        ],
    )
}

fn another_key() -> Rows {
    let claims = good();
    let token = signed(&claims);
    let [header, _, signature] = parts(&token);
    let root = with(json!({"sub": "root"}));
    let by = |secret: &str| Signer::secret(secret).claims(&claims);
    rows(
        "another key",
        [
            ("another secret", by("another secret of thirty-two bytes!!")),
            ("a secret of nothing", by("")),
            ("the secret in upper case", by(&SECRET.to_uppercase())),
            ("the secret and a space", by(&format!("{SECRET} "))),
            ("the secret, encoded", by(&encoded(SECRET))),
            (
                "claims changed",
                format!("{header}.{}.{signature}", encoded(root.to_string())),
            ),
            ("a signature of zeros", {
                let [header, payload, _] = parts(&token);
                format!("{header}.{payload}.{}", encoded([0; 32]))
            }),
        ],
    )
}

/// A header that would lead to a key, or ask for what nobody understands.
fn headers() -> Rows {
    let mine = Signer::secret("the key of an attacker, who has it at hand");
    let jwk = json!({"kty": "oct", "alg": "HS256", "k": encoded("the key of an attacker, who has it at hand")});
    let header = |text: &str| secret().sign(text, good().to_string());
    rows(
        "header",
        [
            ("its own key, jwk", mine.headed(json!({"jwk": jwk}))),
            (
                "a list of keys, jku",
                mine.headed(json!({"jku": "http://127.0.0.1:1/keys"})),
            ),
            (
                "a certificate, x5u",
                mine.headed(json!({"x5u": "http://127.0.0.1:1/cert"})),
            ),
            (
                "certificates, x5c",
                mine.headed(json!({"x5c": [RSA_PUBLIC]})),
            ),
            (
                "kid: a file that is empty",
                Signer::secret("").headed(json!({"kid": "/dev/null"})),
            ),
            (
                "kid: a way up",
                mine.headed(json!({"kid": "../../../../proc/sys/kernel/ostype"})),
            ),
            (
                "kid: a query",
                mine.headed(json!({"kid": "x' UNION SELECT 'key'; --"})),
            ),
            (
                "kid: a command",
                mine.headed(json!({"kid": "key|/usr/bin/id"})),
            ),
            ("kid: a number", secret().headed(json!({"kid": 7}))),
            ("kid: a list", secret().headed(json!({"kid": ["a"]}))),
            ("crit", secret().headed(json!({"crit": ["exp"]}))),
            ("crit: nothing", secret().headed(json!({"crit": []}))),
            ("crit: null", header(r#"{"alg":"HS256","crit":null}"#)),
            (
                "crit: b64",
                secret().headed(json!({"crit": ["b64"], "b64": false})),
            ),
            ("a list", header(r#"["HS256"]"#)),
            ("a text", header(r#""HS256""#)),
            ("nothing", header("")),
            ("not JSON", header("{alg:HS256}")),
            ("two objects", header(r#"{"alg":"HS256"}{"alg":"HS256"}"#)),
            (
                "too deep",
                header(&format!(
                    r#"{{"alg":"HS256","x":{}1{}}}"#,
                    "[".repeat(100),
                    "]".repeat(100)
                )),
            ),
        ],
    )
}

fn time() -> Rows {
    let now = now();
    let mut table = claims_rows(
        "expired",
        [
            ("just now", json!({"exp": now - 31})),
            ("with a fraction", json!({"exp": now as f64 - 31.5})),
            ("an hour ago", json!({"exp": now - 3600})),
            ("in 1970", json!({"exp": 0})),
            ("before 1970", json!({"exp": -1})),
            ("never", json!({"exp": null})),
            ("a text", json!({"exp": (now + 600).to_string()})),
            ("true", json!({"exp": true})),
            ("a list", json!({"exp": [now + 600]})),
            ("an object", json!({"exp": {"at": now + 600}})),
            ("named otherwise", json!({"exp": null, "EXP": now + 600})),
        ],
    );
    let payload = good()
        .to_string()
        .replace("\"exp\":", "\"exp\":1e999,\"_\":");
    table.push((
        "expired: infinity".to_owned(),
        secret().sign(r#"{"alg":"HS256"}"#, payload),
    ));
    table.extend(claims_rows(
        "early",
        [
            ("in a minute", json!({"nbf": now + 60})),
            ("with a fraction", json!({"nbf": now as f64 + 60.5})),
            ("in a thousand years", json!({"nbf": 33_000_000_000_u64})),
            ("a text", json!({"nbf": "0"})),
            ("before 1970", json!({"nbf": -1})),
        ],
    ));
    table
}

fn kind(server: &TestServer) -> Rows {
    let refresh = server.auth.sign_refresh("alice", 600);
    let mut table = claims_rows(
        "kind",
        [
            ("refresh", json!({"kind": "refresh"})),
            (
                "refresh, without a room",
                json!({"kind": "refresh", "room": null}),
            ),
            ("access, without a room", json!({"room": null})),
            ("none, without a room", json!({"kind": null, "room": null})),
            ("unknown", json!({"kind": "root"})),
            ("in upper case", json!({"kind": "Access"})),
            ("a list", json!({"kind": ["access", "refresh"]})),
            (
                "an object",
                json!({"kind": {"access": null, "refresh": null}}),
            ),
        ],
    );
    let refresh = refresh.expect("it signs");
    table.push(("kind: a refresh token of ours".to_owned(), refresh));
    table
}

fn claims() -> Rows {
    let mut table = claims_rows(
        "claims",
        [
            ("no user", json!({"sub": null})),
            ("a user that is a number", json!({"sub": 7})),
            ("two users", json!({"sub": ["alice", "root"]})),
            ("a room that is a number", json!({"room": 7})),
            ("two rooms", json!({"room": ["r", "q"]})),
            ("no session", json!({"session_id": null})),
            ("a role unknown", json!({"role": "admin"})),
            ("options: a list", json!({"options": [1]})),
            ("options: a text", json!({"options": "{}"})),
            (
                "options: more than 1 KiB",
                json!({"options": {"x": "x".repeat(1024)}}),
            ),
            ("a name that is a number", json!({"name": 7})),
            (
                "for somebody, where nobody has a name",
                json!({"aud": "desk"}),
            ),
            ("for a list of nobody", json!({"aud": []})),
            ("for a number", json!({"aud": 7})),
            ("an issuer that is a list", json!({"iss": ["us"]})),
            ("an id that is a number", json!({"jti": 7})),
            ("issued at a text", json!({"iat": "now"})),
            ("a descent of another form", json!({"tapaculo": "x"})),
        ],
    );
    table.extend(claims_rows(
        "game",
        [
            ("another", json!({"game": "chess"})),
            ("in upper case", json!({"game": "Desk"})),
            ("empty", json!({"game": ""})),
            ("a list", json!({"game": ["desk"]})),
            ("a beginning", json!({"game": "des"})),
        ],
    ));
    let text = good().to_string();
    let inside = text.trim_matches(['{', '}']);
    let payload = |payload: &[u8]| secret().sign(r#"{"typ":"JWT","alg":"HS256"}"#, payload);
    let twice = |more: &str| payload(format!("{{{inside},{more}}}").as_bytes());
    table.extend(rows(
        "payload",
        [
            ("a user twice", twice(r#""sub":"root""#)),
            ("a room twice", twice(r#""room":"q""#)),
            ("an expiry twice", twice(r#""exp":99999999999"#)),
            ("a user twice, escaped", twice(r#""\u0073ub":"root""#)),
            ("anything twice", twice(r#""x":1,"x":2"#)),
            (
                "something twice inside",
                twice(r#""options":{"a":1,"a":2}"#),
            ),
            ("nothing", payload(b"")),
            ("no claims", payload(b"{}")),
            ("null", payload(b"null")),
            ("a list", payload(br#"["alice","r","s",99999999999]"#)),
            ("a text", payload(format!("{text:?}").as_bytes())),
            ("not JSON", payload(inside.as_bytes())),
            (
                "not UTF-8",
                payload(&[b"{\"x\":\"\xe9\",", inside.as_bytes(), b"}"].concat()),
            ),
            ("two objects", payload(format!("{text}{text}").as_bytes())),
            (
                "a mark of byte order",
                payload(format!("\u{feff}{text}").as_bytes()),
            ),
            (
                "too deep",
                twice(&format!("\"x\":{}1{}", "[".repeat(100), "]".repeat(100))),
            ),
            ("another token", payload(signed(&good()).as_bytes())),
        ],
    ));
    table
}

fn huge() -> Rows {
    let of = |length: usize| signed(&with(json!({"x": "x".repeat(length)})));
    rows(
        "huge",
        [
            ("8 KiB", of(6 * 1024)),
            ("12 KiB", of(9 * 1024)),
            (
                "a signature",
                format!("{}{}", signed(&good()), "A".repeat(10_000)),
            ),
            ("a thousand dots", ".".repeat(1000)),
        ],
    )
}

#[tokio::test]
async fn no_token_that_is_not_good_gets_in() {
    let server = desk(plain()).await;
    let mut bad = form();
    bad.extend(truncated());
    bad.extend(encoded_otherwise());
    bad.extend(unsigned());
    bad.extend(another_algorithm());
    bad.extend(another_key());
    bad.extend(headers());
    bad.extend(time());
    bad.extend(kind(&server));
    bad.extend(claims());
    bad.extend(huge());
    let number = all_are(&server, 401, bad).await;
    assert!(number > 150, "{number}");
}

#[tokio::test]
async fn the_good_ones_beside_them_do() {
    let server = desk(plain()).await;
    let now = now();
    let mut table = claims_rows(
        "good",
        [
            ("as it is", json!({})),
            ("spent for less than the leeway", json!({"exp": now - 10})),
            (
                "an expiry with a fraction",
                json!({"exp": now as f64 + 60.25}),
            ),
            ("an expiry far away", json!({"exp": u64::MAX})),
            ("for the leeway too early", json!({"nbf": now + 10})),
            (
                "in force since a fraction",
                json!({"nbf": now as f64 - 0.5}),
            ),
            ("no kind", json!({"kind": null})),
            ("this game", json!({"game": "desk"})),
            ("a role", json!({"role": "player"})),
            ("a name", json!({"name": "Alice"})),
            ("options", json!({"options": {"x": "x".repeat(1000)}})),
            ("any issuer", json!({"iss": "anybody"})),
            ("an id and a time of issue", json!({"jti": "1", "iat": now})),
            (
                "claims of others",
                json!({"scope": ["a", "a"], "x": {"y": [null]}}),
            ),
            ("7 KiB", json!({"x": "x".repeat(5 * 1024)})),
        ],
    );
    table.extend(rows(
        "good",
        [
            ("ours", server.token("alice", "r")),
            ("no type", secret().headed(json!({"typ": null}))),
            (
                "a key named elsewhere",
                secret().headed(json!({"kid": "2026-01"})),
            ),
            (
                "a list of keys, not looked at",
                secret().headed(json!({"jku": "http://127.0.0.1:1/"})),
            ),
        ],
    ));
    all_are(&server, 101, table).await;
}

#[tokio::test]
async fn issuer_and_audience_are_required_where_they_are_configured() {
    let server = desk(JwtOptions {
        issuer: Some("https://login.example".to_owned()),
        audience: Some("desk".to_owned()),
        ..plain()
    })
    .await;
    let both = |changes: Value| {
        let all = with(json!({"iss": "https://login.example", "aud": "desk"}));
        let mut all = all.as_object().expect("an object").clone();
        all.extend(changes.as_object().expect("an object").clone());
        all.retain(|_, value| !value.is_null());
        signed(&Value::Object(all))
    };
    let bad = rows(
        "claims",
        [
            ("no issuer", both(json!({"iss": null}))),
            (
                "another issuer",
                both(json!({"iss": "https://evil.example"})),
            ),
            (
                "an issuer that begins like it",
                both(json!({"iss": "https://login.example.evil"})),
            ),
            (
                "an issuer with a slash",
                both(json!({"iss": "https://login.example/"})),
            ),
            (
                "an issuer in upper case",
                both(json!({"iss": "HTTPS://LOGIN.EXAMPLE"})),
            ),
            ("an issuer of nothing", both(json!({"iss": ""}))),
            ("issuers", both(json!({"iss": ["https://login.example"]}))),
            ("no audience", both(json!({"aud": null}))),
            ("another audience", both(json!({"aud": "chess"}))),
            (
                "an audience that begins like it",
                both(json!({"aud": "desks"})),
            ),
            ("an audience in upper case", both(json!({"aud": "DESK"}))),
            ("an audience of nothing", both(json!({"aud": ""}))),
            ("no audiences", both(json!({"aud": []}))),
            ("other audiences", both(json!({"aud": ["chess", "go"]}))),
            ("an audience inside", both(json!({"aud": [["desk"]]}))),
            ("an audience as a key", both(json!({"aud": {"desk": true}}))),
            ("neither", both(json!({"iss": null, "aud": null}))),
        ],
    );
    all_are(&server, 401, bad).await;
    let good = rows(
        "claims",
        [
            ("both", both(json!({}))),
            (
                "one audience of several",
                both(json!({"aud": ["chess", "desk"]})),
            ),
            ("ours", server.token("alice", "r")),
        ],
    );
    all_are(&server, 101, good).await;
}

#[tokio::test]
async fn a_token_that_names_a_key_is_of_that_key() {
    let (one, two) = (
        "the first secret of thirty-two bytes!",
        "the second secret of thirty-two bytes",
    );
    let server = desk(JwtOptions {
        keys: vec![
            JwtKey::secret(one).with_id("one"),
            JwtKey::secret(two).with_id("two"),
        ],
        ..JwtOptions::default()
    })
    .await;
    let named = |secret: &str, kid: &str| Signer::secret(secret).headed(json!({"kid": kid}));
    let bad = rows(
        "kid",
        [
            ("the other", named(one, "two")),
            ("unknown", named(one, "three")),
            ("of nothing", named(one, "")),
            ("in upper case", named(one, "ONE")),
            ("and a space", named(one, "one ")),
            ("and a zero", named(one, "one\u{0}")),
            ("both", named(one, "one,two")),
            ("a way up and down", named(one, "./one")),
            ("a query", named(one, "' OR '1'='1")),
            (
                "twice",
                Signer::secret(one).sign(
                    r#"{"alg":"HS256","kid":"two","kid":"one"}"#,
                    good().to_string(),
                ),
            ),
            (
                "none, and of no key of ours",
                Signer::secret(SECRET).headed(json!({})),
            ),
        ],
    );
    all_are(&server, 401, bad).await;
    let good = rows(
        "kid",
        [
            ("one", named(one, "one")),
            ("two", named(two, "two")),
            ("none, of one", Signer::secret(one).headed(json!({}))),
            ("none, of two", Signer::secret(two).headed(json!({}))),
        ],
    );
    all_are(&server, 101, good).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_in_a_token_that_is_good_is_400() {
    let server = desk(plain()).await;
    let bad = claims_rows(
        "name",
        [
            ("user: empty", json!({"sub": ""})),
            ("user: the server's", json!({"sub": "@server"})),
            ("user: 129 bytes", json!({"sub": "x".repeat(129)})),
            ("room: empty", json!({"room": ""})),
            ("room: two lines", json!({"room": "a\nb"})),
            ("room: 129 bytes", json!({"room": "x".repeat(129)})),
            ("session: empty", json!({"session_id": ""})),
            ("shown: empty", json!({"name": ""})),
        ],
    );
    all_are(&server, 400, bad).await;
    // The same of an attacker say nothing but that they are not good.
    let forged = |changes: Value| Signer::secret("another").claims(&with(changes));
    let bad = rows(
        "forged name",
        [
            ("user", forged(json!({"sub": ""}))),
            ("room", forged(json!({"room": ""}))),
        ],
    );
    all_are(&server, 401, bad).await;
}

#[tokio::test]
async fn the_leeway_is_what_the_options_say() {
    let of = |leeway: u64| JwtOptions {
        leeway: Duration::from_secs(leeway),
        ..plain()
    };
    let (none, much) = (desk(of(0)).await, desk(of(300)).await);
    for (claims, without, with_much) in [
        (json!({"exp": now() - 2}), 401, 101),
        (json!({"nbf": now() + 200}), 401, 101),
        (json!({"exp": now() - 301}), 401, 401),
        (json!({}), 101, 101),
    ] {
        let token = signed(&with(claims.clone()));
        assert_eq!(status(&none, &token).await, without, "{claims}");
        assert_eq!(status(&much, &token).await, with_much, "{claims}");
    }
}
