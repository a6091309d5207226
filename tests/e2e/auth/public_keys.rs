//! Tokens that somebody else's login signs with a key of which we have the public half.

use super::{desk, status};
use jsonwebtoken::Algorithm;
use serde_json::json;
use tapaculo::{AuthErrorKind, JwtAuth, JwtKey, JwtOptions, Server};
use tapaculo_tests::{
    forge::{
        ED25519_PUBLIC, P256, P256_PUBLIC, RSA, RSA_PUBLIC, Signer, der, encoded, good, parts,
    },
    server::{SECRET, TestServer},
};

fn public(pem: &str, id: &str) -> JwtKey {
    JwtKey::public_pem(pem).expect("a public key").with_id(id)
}

fn keys() -> Vec<JwtKey> {
    vec![
        public(RSA_PUBLIC, "rsa"),
        public(P256_PUBLIC, "p256"),
        public(ED25519_PUBLIC, "ed25519"),
    ]
}

async fn server(keys: Vec<JwtKey>) -> TestServer {
    let options = JwtOptions {
        keys,
        ..JwtOptions::default()
    };
    desk(options).await
}

#[tokio::test]
async fn rs256_es256_and_eddsa_are_accepted() {
    let server = server(keys()).await;
    for (id, signer) in [
        ("rsa", Signer::rsa()),
        ("p256", Signer::p256()),
        ("ed25519", Signer::ed25519()),
    ] {
        let named = signer.headed(json!({"kid": id}));
        assert_eq!(status(&server, &named).await, 101, "{id}");
        let unnamed = signer.headed(json!({}));
        assert_eq!(status(&server, &unnamed).await, 101, "{id}, unnamed");
    }
}

#[tokio::test]
async fn no_token_chooses_its_algorithm() {
    let server = server(keys()).await;
    let mut table = Vec::new();
    for (id, pem) in [
        ("rsa", RSA_PUBLIC),
        ("p256", P256_PUBLIC),
        ("ed25519", ED25519_PUBLIC),
    ] {
        for (form, secret) in [
            ("the file", pem.as_bytes().to_vec()),
            ("the file, trimmed", pem.trim().as_bytes().to_vec()),
            (
                "the file, with other lines",
                pem.replace('\n', "\r\n").into_bytes(),
            ),
            ("what is in the file", der(pem)),
        ] {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let signer = Signer::secret(&secret).by(algorithm);
                let name = format!("{algorithm:?} with {form} of {id} as its secret");
                table.push((format!("{name}, named"), signer.headed(json!({"kid": id}))));
                table.push((name, signer.headed(json!({}))));
            }
        }
    }
    // The key itself, as it is checked with: without the words around it.
    let ed25519 = der(ED25519_PUBLIC).split_off(12);
    let bare = Signer::secret(ed25519).headed(json!({"kid": "ed25519"}));
    table.push(("HS256 with the bare key".to_owned(), bare));
    for algorithm in [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        let token = Signer::rsa().by(algorithm).headed(json!({"kid": "rsa"}));
        table.push((format!("{algorithm:?} of the right key"), token));
    }
    let crossed = [
        (
            "the RSA key, named as the other",
            Signer::rsa().headed(json!({"kid": "p256"})),
        ),
        (
            "the P-256 key, named as RSA",
            Signer::p256().headed(json!({"kid": "rsa"})),
        ),
        (
            "a signature of P-256, called RS256",
            Signer::p256().headed(json!({"alg": "RS256"})),
        ),
        (
            "a signature of Ed25519, called ES256",
            Signer::ed25519().headed(json!({"alg": "ES256"})),
        ),
        ("nobody's secret", Signer::secret(SECRET).headed(json!({}))),
        ("a secret of nothing", Signer::secret("").headed(json!({}))),
    ];
    table.extend(crossed.map(|(name, token)| (name.to_owned(), token)));
    for (algorithm, length) in [("ES256", 64), ("EdDSA", 64), ("RS256", 256), ("ES256", 0)] {
        let header = encoded(json!({"alg": algorithm}).to_string());
        let unsigned = format!("{header}.{}", encoded(good().to_string()));
        let zeros = encoded(vec![0; length]);
        let name = format!("{algorithm} with {length} zeros");
        table.push((name, format!("{unsigned}.{zeros}")));
    }
    let token = Signer::p256().headed(json!({}));
    let [header, payload, signature] = parts(&token);
    let short = format!("{header}.{payload}.{}", &signature[..signature.len() - 4]);
    table.push(("a signature that is cut".to_owned(), short));
    for (name, token) in table {
        assert_eq!(status(&server, &token).await, 401, "{name}");
    }
}

#[tokio::test]
async fn with_public_keys_alone_nothing_is_signed() {
    let server = server(keys()).await;
    let access = server.auth.sign_access("alice", "r", "s", 60);
    let refresh = server.auth.sign_refresh("alice", 60);
    for signed in [access, refresh] {
        let error = signed.expect_err("there is no secret");
        assert_eq!(error.kind(), AuthErrorKind::NoSecret);
        assert!(error.to_string().contains("no secret"), "{error}");
    }
    let auth = JwtAuth::with_options(JwtOptions {
        keys: keys(),
        ..JwtOptions::default()
    });
    let guests = Server::new().with_auth(auth).with_guest_tokens();
    let error = guests
        .with_game::<crate::games::Desk>()
        .listen("127.0.0.1:0")
        .await;
    let error = error.expect_err("nobody could sign a guest's token");
    assert!(error.to_string().contains("no secret"), "{error}");
}

#[tokio::test]
async fn a_secret_beside_public_keys_signs_and_both_are_accepted() {
    let mut both = keys();
    both.push(JwtKey::secret(SECRET).with_id("ours"));
    let server = server(both).await;
    assert_eq!(status(&server, &server.token("alice", "r")).await, 101);
    let theirs = Signer::ed25519().headed(json!({"kid": "ed25519"}));
    assert_eq!(status(&server, &theirs).await, 101);
}

#[test]
fn what_is_not_a_public_key_that_can_be_trusted_is_refused() {
    let damaged = P256_PUBLIC.replacen("MFkw", "MFkx", 1);
    let off_the_curve = {
        let mut key = der(P256_PUBLIC);
        *key.last_mut().expect("bytes") ^= 1;
        use base64::{Engine, engine::general_purpose::STANDARD};
        let text = STANDARD.encode(key);
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    };
    let certificate = P256_PUBLIC.replace("PUBLIC KEY", "CERTIFICATE");
    for (what, pem) in [
        ("nothing", ""),
        ("a word", "key"),
        ("a private key of RSA", RSA),
        ("a private key of P-256", P256),
        ("a certificate", &certificate),
        ("RSA of 1,024 bits", include_str!("../../keys/weak.pub.pem")),
        ("P-384", include_str!("../../keys/p384.pub.pem")),
        ("damaged", &damaged),
        ("off the curve", &off_the_curve),
    ] {
        let error = JwtKey::public_pem(pem).expect_err(what);
        assert_eq!(error.kind(), AuthErrorKind::Key, "{what}");
        // It is said once, with the way out where there is one.
        assert!(std::error::Error::source(&error).is_none());
        let remedy = match what {
            "a certificate" => "openssl x509",
            _ if what.contains("private") => "openssl pkey -pubout",
            _ => "",
        };
        assert!(error.to_string().contains(remedy), "{error}");
    }
}
