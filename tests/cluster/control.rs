//! The players and the checker themselves: nothing is found where nothing is wrong, and a server that
//! forgets is found out.

use crate::{SHAPE, alone};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;
use tapaculo_tests::{
    cluster::{
        Entrances,
        check::{Breach, check, checked},
        ledger::Ledger,
        load::{Load, Shape},
    },
    proxy::{Proxy, Way},
    server::TestServer,
};

const PATIENCE: Duration = Duration::from_secs(6);

const SEED: u64 = 1;

async fn server() -> TestServer {
    TestServer::start(tapaculo::Server::with_game::<Ledger>).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_connections_that_are_cut_nothing_is_lost_or_told_twice() {
    let _alone = alone().await;
    let server = server().await;
    let proxy = Proxy::start(server.address).await;
    let entrances = Entrances::default();
    entrances.open(proxy.address);
    let mut rng = StdRng::seed_from_u64(SEED);
    let load = Load::start(
        &entrances,
        Shape {
            seed: SEED,
            ..SHAPE
        },
    );
    load.goes_on(10).await;
    for _ in 0..40 {
        let way = if rng.random() { Way::Up } else { Way::Down };
        proxy.cut_after(way, rng.random_range(1..4000));
        load.has_acked(load.acked() + 10).await;
    }
    let cuts = proxy.counts().cuts;
    assert!(cuts >= 10, "{cuts} cuts");
    entrances.close(proxy.address);
    entrances.open(server.address);
    let figures = checked(&load.finish().await, PATIENCE);
    assert!(figures.lost >= cuts, "{figures}");
    assert!(figures.resumed >= 10, "{figures}");
    println!("control, seed {}: {cuts} cuts; {figures}", SEED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_is_found_out() {
    let _alone = alone().await;
    let server = server().await;
    let entrances = Entrances::default();
    entrances.open(server.address);
    let load = Load::start(
        &entrances,
        Shape {
            seed: SEED,
            ..SHAPE
        },
    );
    load.goes_on(10).await;
    entrances.close(server.address);
    server.handle.shutdown().await;
    server.ended().await;
    let other = self::server().await;
    entrances.open(other.address);
    load.goes_on(10).await;
    let found = check(&load.finish().await, PATIENCE).expect_err("it has forgotten");
    let is_there = |is: &dyn Fn(&Breach) -> bool| found.iter().any(|found| is(&found.breach));
    assert!(
        is_there(&|breach| matches!(breach, Breach::Lost(_))),
        "{found:?}"
    );
    assert!(
        is_there(&|breach| matches!(breach, Breach::WentBack(..))),
        "{found:?}"
    );
    assert!(
        is_there(&|breach| matches!(breach, Breach::Forked(_))),
        "{found:?}"
    );
}
