//! Lists what stands in `assets/` and `texts/`, so that a new file is served without being named anywhere.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for folder in ["assets", "texts"] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        list(&here.join(folder), "", &mut files)?;
        files.sort();
        let entries: String = files
            .iter()
            .map(|name| {
                format!(
                    "({name:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))),\n",
                    format!("/{folder}/{name}")
                )
            })
            .collect();
        fs::write(out.join(format!("{folder}.rs")), format!("&[{entries}]"))?;
    }
    Ok(())
}

/// Every file below `folder`, by its path with `/`; names with a dot in front are editors' own.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
