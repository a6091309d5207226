//! What is signed is what is accepted, and nothing else.

use super::*;
use crate::ids::Role;

const SECRET: &str = "a secret of at least thirty-two bytes";

fn kind<T: fmt::Debug>(result: Result<T, AuthError>) -> AuthErrorKind {
    result.unwrap_err().kind()
}

fn with_keys<const N: usize>(keys: [JwtKey; N]) -> JwtAuth {
    JwtAuth::with_options(JwtOptions {
        keys: keys.into(),
        ..JwtOptions::default()
    })
}

#[test]
fn an_access_token_names_user_room_and_session() {
    let auth = JwtAuth::new(SECRET);
    let token = auth.sign_access("alice", "a room", "s", 60).unwrap();
    let access = auth.access(&token, "chess").unwrap();
    assert_eq!(access.user, "alice");
    assert_eq!(access.room, "a room");
    assert_eq!(access.session, "s");
    assert_eq!(access.role, Role::Player);
}

#[test]
fn a_login_says_more() {
    let auth = JwtAuth::new(SECRET);
    let login = Login::new("alice", "r")
        .session("s")
        .name("Alice")
        .role(Role::Spectator)
        .game("chess")
        .options(serde_json::json!({"clock": 5}));
    let token = auth.sign_login(login.clone()).unwrap();
    let access = auth.access(&token, "chess").unwrap();
    assert_eq!(access.name.as_deref(), Some("Alice"));
    assert_eq!(access.role, Role::Spectator);
    assert_eq!(access.options.unwrap().get(), r#"{"clock":5}"#);
    assert_eq!(kind(auth.access(&token, "go")), AuthErrorKind::Game);
    for login in [
        login.clone().options(7),
        login.clone().options("x".repeat(2000)),
        login.options(std::collections::HashMap::from([(vec![1], 2)])),
    ] {
        assert_eq!(kind(auth.sign_login(login)), AuthErrorKind::Claims);
    }
}

#[test]
fn no_two_tokens_are_the_same() {
    let auth = JwtAuth::new(SECRET);
    let sign = || auth.sign_access("alice", "r", "s", 60).unwrap();
    assert_ne!(sign(), sign());
}

#[test]
fn a_refresh_token_opens_no_room_and_an_access_token_refreshes_nothing() {
    let auth = JwtAuth::new(SECRET);
    let refresh = auth.sign_refresh("alice", 60).unwrap();
    assert_eq!(kind(auth.access(&refresh, "chess")), AuthErrorKind::Kind);
    let access = auth.refresh_access(&refresh, "r", "s", 60).unwrap();
    assert_eq!(auth.access(&access, "chess").unwrap().user, "alice");
    assert_eq!(
        kind(auth.refresh_access(&access, "r", "s", 60)),
        AuthErrorKind::Kind
    );
    auth.refresh_access(&refresh, "r", "s", 60).unwrap();
}

#[test]
fn a_token_of_another_secret_is_not_valid() {
    let token = JwtAuth::new("another secret").sign_access("a", "r", "s", 60);
    let access = JwtAuth::new(SECRET).access(&token.unwrap(), "chess");
    assert_eq!(kind(access), AuthErrorKind::Invalid);
}

#[test]
fn keys_that_cannot_be_trusted_sign_and_accept_nothing() {
    let forged = JwtAuth::new("x").sign_access("a", "r", "s", 60).unwrap();
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----";
    let one = JwtKey::secret(SECRET).with_id("1");
    for (auth, expected) in [
        (JwtAuth::new(""), AuthErrorKind::EmptySecret),
        (with_keys([]), AuthErrorKind::NoKey),
        (JwtAuth::new(pem), AuthErrorKind::Key),
        (with_keys([one.clone(), one.clone()]), AuthErrorKind::Key),
        (
            with_keys([one, JwtKey::secret("")]),
            AuthErrorKind::EmptySecret,
        ),
    ] {
        assert_eq!(kind(auth.ready()), expected);
        assert_eq!(kind(auth.sign_access("a", "r", "s", 60)), expected);
        assert_eq!(kind(auth.sign_refresh("a", 60)), expected);
        assert_eq!(kind(auth.refresh_access(&forged, "r", "s", 60)), expected);
        assert_eq!(kind(auth.access(&forged, "g")), expected);
    }
}

#[test]
fn a_key_is_found_by_its_name_and_one_without_a_name_is_tried_where_there_is_none() {
    let (new, old) = ("a new secret of thirty-two bytes!!", SECRET);
    let both = with_keys([
        JwtKey::secret(new).with_id("new"),
        JwtKey::secret(old).with_id("old"),
    ]);
    let sign = |auth: &JwtAuth| auth.sign_access("a", "r", "s", 60).unwrap();
    let header = |token: &str| Parts::of(token).ok().unwrap().header.kid;
    assert_eq!(header(&sign(&both)).as_deref(), Some("new"));
    assert_eq!(header(&sign(&JwtAuth::new(old))), None);
    for (signer, is_good) in [
        (with_keys([JwtKey::secret(new).with_id("new")]), true),
        (with_keys([JwtKey::secret(old).with_id("old")]), true),
        (JwtAuth::new(new), true),
        (JwtAuth::new(old), true),
        (with_keys([JwtKey::secret(old).with_id("new")]), false),
        (with_keys([JwtKey::secret(old).with_id("else")]), false),
    ] {
        let token = sign(&signer);
        let kid = header(&token);
        assert_eq!(both.access(&token, "g").is_ok(), is_good, "{kid:?}");
    }
    // A key that was named later, and one that is named elsewhere only.
    let named = with_keys([JwtKey::secret(new).with_id("new"), JwtKey::secret(old)]);
    for signer in [
        JwtAuth::new(old),
        with_keys([JwtKey::secret(old).with_id("theirs")]),
    ] {
        assert!(named.access(&sign(&signer), "g").is_ok());
    }
}

#[test]
fn issuer_and_audience_are_in_what_is_signed_where_they_are_required() {
    let strict = JwtAuth::with_options(JwtOptions {
        keys: vec![JwtKey::secret(SECRET)],
        issuer: Some("us".to_owned()),
        audience: Some("game".to_owned()),
        ..JwtOptions::default()
    });
    let own = strict.sign_access("a", "r", "s", 60).unwrap();
    assert!(strict.access(&own, "g").is_ok());
    let plain = JwtAuth::new(SECRET);
    let other = plain.sign_access("a", "r", "s", 60).unwrap();
    assert_eq!(kind(strict.access(&other, "g")), AuthErrorKind::Issuer);
    assert_eq!(kind(plain.access(&own, "g")), AuthErrorKind::Audience);
}

#[test]
fn names_that_cannot_be_are_not_signed() {
    let auth = JwtAuth::new(SECRET);
    for user in ["", "@server", "a\nb"] {
        let signed = auth.sign_access(user, "r", "s", 60);
        assert_eq!(kind(signed), AuthErrorKind::Name);
        assert_eq!(kind(auth.sign_refresh(user, 60)), AuthErrorKind::Name);
    }
    let signed = auth.sign_access("a", "r".repeat(129), "s", 60);
    assert_eq!(kind(signed), AuthErrorKind::Name);
}

#[test]
fn a_token_is_known_by_its_id_or_by_all_that_is_signed() {
    let auth = JwtAuth::new(SECRET);
    let token = auth.sign_access("a", "r", "s", 60).unwrap();
    let mark = |token: &str| auth.identity(token).unwrap().token;
    assert_eq!(mark(&token), mark(&token));
    assert_ne!(mark(&token), mark(&auth.sign_refresh("a", 60).unwrap()));
    let sign = |id: serde_json::Value, session: &str| {
        let claims = serde_json::json!({
            "sub": "a", "room": "r", "session_id": session, "exp": 1e11, "jti": id,
        });
        auth.0.keys.sign(&claims).unwrap()
    };
    assert_eq!(mark(&sign("1".into(), "s")), mark(&sign("1".into(), "t")));
    assert_ne!(mark(&sign("1".into(), "s")), mark(&sign("2".into(), "s")));
    let none = serde_json::Value::Null;
    assert_eq!(
        mark(&sign(none.clone(), "s")),
        mark(&sign(none.clone(), "s"))
    );
    assert_ne!(mark(&sign(none.clone(), "s")), mark(&sign(none, "t")));
}

#[test]
fn refresh_tokens_without_an_id_are_of_a_family_each() {
    let auth = JwtAuth::new(SECRET);
    let family = |more: u32| {
        let claims = serde_json::json!({
            "sub": "a", "exp": 1e11, "iat": 1000, "kind": "refresh", "more": more,
        });
        let token = auth.0.keys.sign(&claims).unwrap();
        auth.read_refresh(&token).unwrap().identity.family.unwrap()
    };
    assert_eq!(family(1), family(1));
    assert_ne!(family(1), family(2));
}

#[test]
fn a_login_goes_on_with_what_it_began_with() {
    let auth = JwtAuth::new(SECRET);
    let login = Login::new("alice", "r").name("Alice").role(Role::Spectator);
    let login = login.game("chess").options(serde_json::json!({"x": 1}));
    let request = |token: &str, room: Option<&str>| {
        let request = serde_json::json!({"refresh_token": token, "room": room});
        serde_json::from_value(request).unwrap()
    };
    let tokens = |tokens: &Tokens| {
        let tokens = serde_json::to_value(tokens).unwrap();
        let text = |key: &str| tokens[key].as_str().unwrap().to_owned();
        (text("token"), text("refresh_token"))
    };
    let (first, mut refresh) = tokens(&auth.begin(login).unwrap());
    let first = auth.access(&first, "chess").unwrap();
    for _ in 0..3 {
        let (_, _, next) = auth
            .refresh(request(&refresh, None), Bounds::SameRoom)
            .unwrap();
        let (token, next) = tokens(&next);
        let access = auth.access(&token, "chess").unwrap();
        assert_eq!(access.name, first.name);
        assert_eq!(access.role, Role::Spectator);
        assert_eq!(access.session, first.session);
        assert_eq!(access.game, first.game);
        assert_eq!(access.options.as_ref().unwrap().get(), r#"{"x":1}"#);
        assert_eq!(access.identity.family, first.identity.family);
        refresh = next;
    }
    let elsewhere = || request(&refresh, Some("elsewhere"));
    let kept = auth.refresh(elsewhere(), Bounds::SameRoom);
    assert_eq!(kind(kept), AuthErrorKind::Room);
    let (_, _, next) = auth.refresh(elsewhere(), Bounds::AnyRoom).unwrap();
    let access = auth.access(&tokens(&next).0, "chess").unwrap();
    assert_eq!(access.room, "elsewhere");
    assert!(access.options.is_none(), "they are for another room");

    let unbound = auth.sign_refresh("alice", 60).unwrap();
    let kept = auth.refresh(request(&unbound, Some("r")), Bounds::SameRoom);
    assert_eq!(kind(kept), AuthErrorKind::Room);
    let nowhere = auth.refresh(request(&unbound, None), Bounds::AnyRoom);
    assert_eq!(kind(nowhere), AuthErrorKind::NoRoom);
    let (_, _, next) = auth
        .refresh(request(&unbound, Some("r")), Bounds::AnyRoom)
        .unwrap();
    let next = auth.read_refresh(&tokens(&next).1).unwrap();
    let left = next.identity.ends.since(Moment::now()).as_secs();
    assert!((60..=92).contains(&left), "no longer than it was: {left} s");
}

#[test]
fn neither_secret_nor_token_is_ever_printed() {
    let auth = JwtAuth::new(SECRET);
    assert_eq!(format!("{auth:?}"), "JwtAuth { .. }");
    let key = JwtKey::secret(SECRET).with_id("1");
    let options = JwtOptions {
        keys: vec![key],
        ..JwtOptions::default()
    };
    let tokens = auth.begin(Login::new("alice", "r")).unwrap();
    let text = serde_json::to_value(&tokens).unwrap();
    let (token, refresh_token) = (&text["token"], &text["refresh_token"]);
    let access = auth.access(token.as_str().unwrap(), "g").unwrap();
    let refresh = auth.read_refresh(refresh_token.as_str().unwrap()).unwrap();
    let request = serde_json::json!({"refresh_token": refresh_token});
    let request: RefreshRequest = serde_json::from_value(request).unwrap();
    let printed = format!("{options:?} {tokens:?} {access:?} {refresh:?} {request:?}");
    for part in token.as_str().unwrap().split('.') {
        assert!(!printed.contains(part), "{printed}");
    }
    for part in refresh_token.as_str().unwrap().split('.') {
        assert!(!printed.contains(part), "{printed}");
    }
    assert!(!printed.contains(SECRET), "{printed}");
    // Nor the words in a token that would be as good as it.
    assert!(!printed.contains(&refresh.family), "{printed}");
}
