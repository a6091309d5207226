//! The figures that a server shows to Prometheus, read as Prometheus reads them.

use crate::{DEADLINE, http};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long to wait between two looks at a page that is not yet what it is to be.
const PAUSE: Duration = Duration::from_millis(10);

/// A page of figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Each family's type and what is said of it.
    pub families: BTreeMap<String, (String, String)>,
    /// Each series, `name{label="value",…}` with the labels in order, and its value.
    pub series: BTreeMap<String, f64>,
}

impl Figures {
    /// Reads the page at an address.
    ///
    /// # Panics
    /// If there is none, or it is not in Prometheus's text format.
    pub async fn at(address: SocketAddr) -> Self {
        let page = http::get(address, "/metrics").await;
        assert_eq!(page.status, 200, "{page:?}");
        let format = page.header("content-type");
        assert_eq!(format, Some("text/plain; version=0.0.4; charset=utf-8"));
        Self::read(&page.body)
    }

    /// Reads a page.
    ///
    /// # Panics
    /// If it is not in Prometheus's text format.
    #[must_use]
    pub fn read(page: &str) -> Self {
        assert!(page.ends_with('\n'), "the last line has an end");
        let (mut figures, mut said) = (Self::default(), BTreeMap::new());
        for line in page.lines().filter(|line| !line.is_empty()) {
            if let Some(line) = line.strip_prefix("# HELP ") {
                let (name, words) = line.split_once(' ').expect("a name and words");
                let before = said.insert(name.to_owned(), words.to_owned());
                assert_eq!(before, None, "{name} is described once");
            } else if let Some(line) = line.strip_prefix("# TYPE ") {
                let (name, kind) = line.split_once(' ').expect("a name and a type");
                let words = said.get(name).cloned().unwrap_or_default();
                let family = (kind.to_owned(), words);
                let before = figures.families.insert(name.to_owned(), family);
                assert_eq!(before, None, "{name} is there once");
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a series and a value");
                let value = value.parse().expect("a number");
                let series = series_name(series, &figures.families);
                let before = figures.series.insert(series.clone(), value);
                assert_eq!(before, None, "{series} is there once");
            }
        }
        figures
    }

    /// The value of a series.
    ///
    /// # Panics
    /// If there is no such series.
    #[must_use]
    pub fn get(&self, series: &str) -> f64 {
        let value = self.series.get(series);
        *value.unwrap_or_else(|| panic!("there is no {series} in {:#?}", self.series))
    }

    /// What has been added to series since then, without those that nothing was added to and the
    /// shares of histograms, whose count is enough.
    #[must_use]
    pub fn since(&self, before: &Self) -> BTreeMap<String, f64> {
        let series = self.series.iter();
        let counts = series.filter(|(name, _)| {
            let (name, _) = name.split_once('{').unwrap_or((name, ""));
            !name.ends_with("_bucket") && !name.ends_with("_sum")
        });
        let moved = counts.map(|(name, value)| {
            let before = before.series.get(name).unwrap_or(&0.0);
            (name.clone(), value - before)
        });
        moved.filter(|(_, moved)| *moved != 0.0).collect()
    }

    /// The families of this library, by name, with the names of their labels.
    ///
    /// # Panics
    /// If a series is of no family.
    #[must_use]
    pub fn ours(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let names = self.families.keys().map(String::as_str);
        let ours = names.filter(|name| name.starts_with("tapaculo_"));
        let mut ours: BTreeMap<_, BTreeSet<_>> = ours.map(|name| (name, BTreeSet::new())).collect();
        for series in self.series.keys() {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let Some(labels_of) = ours.get_mut(family(name, &self.families)) else {
                continue;
            };
            let labels = labels.trim_end_matches('}').split(',');
            let names = labels.filter_map(|label| Some(label.split_once('=')?.0));
            labels_of.extend(names.filter(|name| *name != "le"));
        }
        ours
    }
}

/// The family that a series is of: a histogram has three kinds of them.
fn family<'a>(name: &'a str, families: &BTreeMap<String, (String, String)>) -> &'a str {
    let ends = ["_bucket", "_sum", "_count"];
    let of = ends.iter().find_map(|end| name.strip_suffix(end));
    let of = of.filter(|of| families.contains_key(*of));
    let family = of.unwrap_or(name);
    assert!(families.contains_key(family), "{name} is of no family");
    family
}

/// The series with its labels in order.
fn series_name(series: &str, families: &BTreeMap<String, (String, String)>) -> String {
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let is_name = |name: &str| {
        let mut characters = name.chars();
        let first = characters.next().is_some_and(|c| c.is_ascii_lowercase());
        first && characters.all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    assert!(is_name(name), "`{name}` is a name");
    let _ = family(name, families);
    let labels = labels.strip_suffix('}').expect("an end of the labels");
    let mut labels: Vec<_> = labels
        .split(',')
        .filter(|label| !label.is_empty())
        .collect();
    labels.sort_unstable();
    for label in &labels {
        let (name, value) = label.split_once('=').expect("a name and a value");
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        let value = value.expect("quotes");
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        assert!(is_name(name) && value.chars().all(is_plain), "{label}");
    }
    match labels.as_slice() {
        [] => name.to_owned(),
        labels => format!("{name}{{{}}}", labels.join(",")),
    }
}

/// What moves while something is done, looked at until that is what is expected.
#[derive(Debug)]
pub struct Watch {
    address: SocketAddr,
    before: Figures,
}

impl Watch {
    /// From now on.
    pub async fn begin(address: SocketAddr) -> Self {
        Self {
            address,
            before: Figures::at(address).await,
        }
    }

    /// Waits until these series have moved by so much, and no other has; what `is_beside` says of a
    /// name is not looked at. Begins anew then.
    ///
    /// # Panics
    /// If that does not happen in time.
    pub async fn moved(&mut self, expected: &[(&str, f64)], is_beside: impl Fn(&str) -> bool) {
        let expected = expected.iter().map(|(name, by)| ((*name).to_owned(), *by));
        let expected: BTreeMap<_, _> = expected.collect();
        let begun = Instant::now();
        loop {
            let now = Figures::at(self.address).await;
            let mut moved = now.since(&self.before);
            moved.retain(|name, _| !is_beside(name));
            if moved == expected {
                self.before = now;
                return;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "expected {expected:#?}, moved {moved:#?}"
            );
            sleep(PAUSE).await;
        }
    }
}
