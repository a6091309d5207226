//! The figures are read at a listener of their own, which players do not reach.

use super::{arrival::Arrivals, http};
use crate::metrics::recorder;
use anyhow::Context;
use axum::{
    Router,
    http::{HeaderName, header},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
    time::sleep,
};

/// How Prometheus wants its text called.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How many may read at a time: one is the rule.
const READERS: usize = 32;

/// Where the figures are to be read, if anywhere.
#[derive(Debug, Default)]
pub(super) struct Scrape(Option<String>);

/// The figures can be read for as long as it is there.
pub(super) struct Scraped(Option<AbortHandle>);

impl Scrape {
    pub(super) fn at(address: String) -> Self {
        Self(Some(address))
    }

    /// Begins to listen, if that is asked for.
    ///
    /// # Errors
    /// If the address can't be listened on, or the process has a recorder that is not ours.
    pub(super) async fn open(&self) -> anyhow::Result<Scraped> {
        let Some(address) = &self.0 else {
            return Ok(Scraped(None));
        };
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}, for the metrics"))?;
        let router = router(recorder()?);
        let task = tokio::spawn(serve(listener, router));
        Ok(Scraped(Some(task.abort_handle())))
    }

    /// # Errors
    /// If it is asked for where nobody listens.
    pub(super) fn must_not_be_asked_for(&self) -> anyhow::Result<()> {
        if self.0.is_some() {
            anyhow::bail!(
                "a router listens nowhere: leave with_metrics(…) out, install a recorder of metrics \
                 and serve what it has on a route that only you reach"
            );
        }
        Ok(())
    }
}

impl Drop for Scraped {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

fn router(recorder: PrometheusHandle) -> Router {
    let page = async move || -> ([(HeaderName, &'static str); 1], String) {
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], recorder.render())
    };
    Router::new().route("/metrics", get(page))
}

async fn serve(listener: TcpListener, router: Router) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics");
    }
    let mut readers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if readers.len() < READERS => match accepted {
                Ok((stream, peer)) => {
                    let router = router.clone();
                    readers.spawn(http::client(stream, peer, Arrivals::begin(), router));
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept whoever reads the metrics");
                    sleep(http::ACCEPT_PAUSE).await;
                }
            },
            Some(_) = readers.join_next() => {}
        }
    }
}
