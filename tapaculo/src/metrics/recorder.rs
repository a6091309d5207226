//! A recorder for a process that has none: it keeps the figures, and writes them as Prometheus reads
//! them.

use super::names;
use anyhow::Context;
use metrics::set_global_recorder;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// How often the histograms put away what they have been told: it waits in a list until then.
const UPKEEP: Duration = Duration::from_secs(1);

/// Seconds: most handlers are done in microseconds, and 10 s is the most they have.
const HANDLER_BUCKETS: [f64; 12] = [
    0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0,
];

/// Seconds: a file or Redis takes some hundred microseconds at least.
const STORE_BUCKETS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0, 5.0,
];

/// The recorder that this crate has given the process.
static OURS: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// The recorder of this process, which is given one; all servers of it share that.
///
/// # Errors
/// If it has one that is not ours: the figures go there.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*ours {
        return Ok(handle.clone());
    }
    let bucketed = |name: &str| Matcher::Full(name.to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(bucketed(names::HANDLER_SECONDS), &HANDLER_BUCKETS)?
        .set_buckets_for_metric(bucketed(names::STORE_SECONDS), &STORE_BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    if set_global_recorder(recorder).is_err() {
        anyhow::bail!(
            "this process has a recorder of metrics already, and can't have two: leave \
             with_metrics(…) out, the server's figures are in that one as well"
        );
    }
    // Not a task: it is of the process, and no server's runtime lives as long.
    let upkeep = handle.clone();
    thread::Builder::new()
        .name("metrics upkeep".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(UPKEEP);
                upkeep.run_upkeep();
            }
        })
        .context("no thread for the metrics")?;
    Ok(ours.insert(handle).clone())
}
