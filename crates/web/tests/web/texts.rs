//! Texts: the same in every language, all of them used, none outside the catalogues.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The keys of a language, each with the names of the values that it takes.
fn catalogue(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    of_files(&files(&root().join("texts").join(language), ".ftl"))
}

fn of_files(files: &[PathBuf]) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut last = String::new();
        for line in text.lines() {
            if let Some((key, value)) =
                line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                last = key.to_owned();
                assert!(
                    keys.insert(last.clone(), BTreeSet::new()).is_none(),
                    "{last} stands twice in {}",
                    file.display()
                );
                assert!(!value.trim().is_empty() || text.contains(&format!("{key} =\n")), "{key} is empty");
            }
            if !line.starts_with('#') {
                let names = line.split("{ $").skip(1).map(|rest| rest.split([' ', '}']).next().unwrap().to_owned());
                keys.entry(last.clone()).or_default().extend(names);
            }
        }
    }
    keys.remove("");
    keys
}

#[test]
fn every_language_says_everything() {
    let english = catalogue("en");
    assert!(english.len() > 100);
    compare("fr", &english, &catalogue("fr"));
    // Further languages may lack a whole area, which is then said in English, but not parts of one.
    for language in fs::read_dir(root().join("texts")).unwrap() {
        let language = language.unwrap().file_name().into_string().unwrap();
        for file in files(&root().join("texts").join(&language), ".ftl") {
            let original = root().join("texts/en").join(file.file_name().unwrap());
            assert!(original.exists(), "{} is nobody's", file.display());
            compare(&language, &of_files(&[original]), &of_files(&[file]));
        }
    }
}

fn compare(language: &str, english: &BTreeMap<String, BTreeSet<String>>, theirs: &BTreeMap<String, BTreeSet<String>>) {
    for (key, values) in english {
        let found = theirs.get(key).unwrap_or_else(|| panic!("{key} is missing in {language}"));
        assert_eq!(found, values, "{key} takes other values in {language}");
    }
    for key in theirs.keys() {
        assert!(english.contains_key(key), "{key} in {language} is nobody's");
    }
}

#[test]
fn every_key_that_is_used_exists_and_every_one_that_exists_is_used() {
    let english = catalogue("en");
    let mut used = String::new();
    for file in files(&root().join("templates"), ".html")
        .into_iter()
        .chain(files(&root().join("src"), ".rs"))
        .chain(files(&root().join("assets"), ".js"))
    {
        used.push_str(&fs::read_to_string(file).unwrap());
    }
    for part in
        used.split(".say(\"").skip(1).chain(used.split(".with(\"").skip(1)).chain(used.split(".count(\"").skip(1))
    {
        let key = part.split('"').next().unwrap();
        assert!(key.contains(['{', ' ']) || english.contains_key(key), "{key} is said and doesn't exist");
    }
    // Keys that are made of parts: their ends stand in the source, and their beginnings too.
    let made =
        ["-title", "-way", "-way-detail", "-way-any", "-best-about", "-best-about-any", "-send", "-label", "-about"];
    for key in english.keys() {
        let whole = used.contains(&format!("\"{key}\""));
        let parts =
            made.iter().any(|end| key.strip_suffix(end).is_some_and(|kind| used.contains(&format!("\"{kind}\""))));
        assert!(whole || parts || key.starts_with("language-"), "{key} is never said");
    }
}

#[test]
fn no_template_holds_a_text_of_its_own() {
    for file in files(&root().join("templates"), ".html") {
        let name = file.display().to_string();
        let source = fs::read_to_string(&file).unwrap();
        let plain = without(&without(&without(&source, "{{", "}}"), "{%", "%}"), "{#", "#}");
        // What people read: between the tags …
        let mut rest = plain.as_str();
        let mut words = String::new();
        while let Some((before, after)) = rest.split_once('<') {
            words.push_str(before);
            rest = after.split_once('>').map_or("", |(_, after)| after);
        }
        words.push_str(rest);
        let letters: String = words.chars().filter(|c| c.is_alphabetic()).collect();
        assert_eq!(letters, "", "{name}");
        // … and in the attributes that are read out or shown.
        for attribute in ["alt=\"", "title=\"", "aria-label=\"", "placeholder=\""] {
            for value in plain.split(attribute).skip(1) {
                assert!(value.starts_with('"'), "{name}: {attribute}");
            }
        }
        // A value is escaped, but for the pages' own pictures.
        for expression in
            source.split("|safe").collect::<Vec<_>>().split_last().map(|(_, most)| most.to_vec()).unwrap_or_default()
        {
            assert!(
                expression.rsplit("{{").next().unwrap().trim_start().starts_with("p.icon("),
                "{name}: {expression}"
            );
        }
    }
}

#[test]
fn no_script_holds_a_text_of_its_own() {
    for file in files(&root().join("assets"), ".js") {
        let source = fs::read_to_string(&file).unwrap();
        assert!(source.starts_with("// @ts-check\n"), "{}", file.display());
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            assert!(!source.contains(sink), "{}: {sink}", file.display());
        }
    }
}

/// A text without everything from `begin` to `end`.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(begin) {
        left.push_str(before);
        rest = after.split_once(end).map_or("", |(_, after)| after);
    }
    left + rest
}
