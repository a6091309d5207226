//! A process that has a recorder of its own: the figures are there, and nothing is in its way.

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tapaculo::{JwtAuth, Server};
use tapaculo_tests::{
    figures::Figures,
    server::{SECRET, TestServer},
};
use tokio::net::TcpListener;

#[tapaculo::game]
#[derive(Default)]
struct Table;

#[tapaculo::game]
impl Table {
    #[message]
    fn nod(&self) {}
}

#[tokio::test]
async fn the_figures_go_to_the_recorder_of_the_process() {
    let own = PrometheusBuilder::new()
        .set_buckets(&[0.001, 1.0])
        .expect("buckets")
        .install_recorder()
        .expect("the first one");
    // Nobody is given a second one.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = Server::new().with_auth(JwtAuth::new(SECRET));
    let server = server.with_game::<Table>().with_metrics("127.0.0.1:0");
    let error = server.serve(listener).await.expect_err("there is one");
    assert!(
        error
            .to_string()
            .contains("has a recorder of metrics already"),
        "{error}"
    );

    let server = TestServer::start(tapaculo::Server::with_game::<Table>).await;
    let mut alice = server.join("alice", "r").await;
    alice.tell(json!({"type": "Nod"})).await;
    let figures = Figures::read(&own.render());
    assert_eq!(figures.get(r#"tapaculo_messages_total{game="table"}"#), 1.0);
    let handled = r#"tapaculo_handler_seconds_count{game="table",handler="message"}"#;
    assert_eq!(figures.get(handled), 1.0);
    assert_eq!(figures.get(r#"tapaculo_connections{game="table"}"#), 1.0);
}
