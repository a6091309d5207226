//! What holds for the page of every example.

use tapaculo_tests::{http, process::Process};

#[tokio::test]
async fn no_other_page_has_one_in_a_frame_and_no_server_is_without_limits() {
    for example in ["chess_server", "chat_server", "liars_dice"] {
        let server = Process::start(example).await;
        let page = http::get(server.address, "/").await;
        assert_eq!(
            page.header("content-security-policy"),
            Some("frame-ancestors 'none'"),
            "{example}"
        );
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        // Of tokens one address gets so many within a minute, and no more.
        let guest = r#"{"name": "Ann", "room": "lobby"}"#;
        let mut given = 0;
        while http::post(server.address, "/token", guest).await.status == 200 {
            given += 1;
            assert!(given < 1_000, "{example} gives tokens without end");
        }
        assert_eq!(given, 60, "{example}");
        assert!(server.stop().await);
    }
}
