//! What the documents say of the tests and of the examples.

use std::{fs, path::Path};

const SECURITY: &str = include_str!("../../tapaculo/docs/security.md");
const INDEX: &str = include_str!("../../tapaculo/docs/guide/index.md");
const MODULES: &str = include_str!("../../tapaculo/src/docs.rs");
const ATTRIBUTES: &str = include_str!("../../tapaculo-macros/src/lib.rs");

const README: &str = include_str!("../../README.md");
const GUESS: &str = include_str!("../../examples/guess/main.rs");
const GUESS_PAGE: &str = include_str!("../../examples/guess/page.html");

/// All Rust files below a folder, by the name that a test's path begins with.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().and_then(|name| name.to_str());
            let text = fs::read_to_string(&path).expect("a source is text");
            found.push((name.expect("a name").to_owned(), text));
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(here, &mut files);
    sources(&here.join("../tapaculo/src"), &mut files);
    let (_, list) = SECURITY
        .split_once("## What the tests attack")
        .expect("the list of tests");
    // What stands between backticks is every second part.
    let names = list.split('`').skip(1).step_by(2);
    let mut tests = 0;
    for (path, test) in names.filter_map(|name| name.rsplit_once("::")) {
        let file = path.rsplit("::").next().expect("a file");
        let is_there = files
            .iter()
            .any(|(name, text)| name == file && text.contains(&format!("fn {test}(")));
        assert!(is_there, "there is no `{path}::{test}`");
        tests += 1;
    }
    assert!(tests >= 30, "{tests}");
}

/// The lines of all blocks of a language in a document, without those that are empty.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    let blocks = document.split(fence.as_str()).skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().expect("a first part"));
    blocks.flat_map(lines).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

#[test]
fn the_readmes_game_is_the_example() {
    let example = lines(GUESS).skip_while(|line| line.starts_with("//!"));
    assert_eq!(blocks(README, "rust"), example.collect::<Vec<_>>());
    assert_eq!(
        blocks(README, "html"),
        lines(GUESS_PAGE).collect::<Vec<_>>()
    );
}

/// The chapters, in the order of the guide's index.
fn chapters() -> Vec<&'static str> {
    let numbered = INDEX
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let links = numbered.map(|line| line.split_once("](").expect("a link").1);
    links
        .map(|link| link.split_once(')').expect("its end").0)
        .collect()
}

/// Where a chapter says that the reader goes on.
fn next_of(chapter: &str) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join(format!("../tapaculo/docs/guide/{chapter}.md"));
    // The two that are documents of their own have their link where they are included.
    let text = fs::read_to_string(file).unwrap_or_else(|_| {
        let (_, module) = MODULES
            .split_once(&format!("pub mod {chapter} {{"))
            .expect("a module");
        module.split_once("\n}").expect("its end").0.to_owned()
    });
    let last = text.lines().rfind(|line| !line.is_empty());
    last.expect("it has lines").to_owned()
}

#[test]
fn the_guide_is_read_from_its_first_chapter_to_its_last() {
    let chapters = chapters();
    assert_eq!(chapters.len(), MODULES.matches("pub mod ").count());
    for pair in chapters.windows(2) {
        let [chapter, next] = pair else {
            unreachable!("a window of two has two")
        };
        let link = next_of(chapter);
        let leads = link.contains("Next: ") && link.contains(&format!("](super::{next})"));
        assert!(leads, "after `{chapter}`, not `{next}` but: {link}");
    }
}

#[test]
fn the_attributes_lead_to_chapters_that_are_there() {
    let links = ATTRIBUTES.split("](../tapaculo/docs/").skip(1);
    let pages: Vec<_> = links
        .map(|link| link.split_once("index.html").expect("a page").0)
        .collect();
    assert!(pages.len() >= 8, "{pages:?}");
    for page in pages {
        let chapter = page.trim_end_matches('/');
        assert!(
            chapter.is_empty() || chapters().contains(&chapter),
            "{page}"
        );
    }
}
