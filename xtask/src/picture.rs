//! The picture of the floors in `ARCHITECTURE.md`: it shows the floors that are enforced.

use crate::floors::{APART, BESIDE, FLOORS};

/// What the document doesn't say, a line each.
///
/// The picture is the first fenced block. A crate is in it when it is the first or second word of a line (the first
/// line of a floor begins with the floor's name), and the floors come in their order.
pub(crate) fn missing_from(text: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let picture = text.split("```").nth(1).unwrap_or_default();
    let line_of =
        |name: &str| picture.lines().position(|line| line.split_whitespace().take(2).any(|word| word == name));
    let mut end_of_floor_above = 0;
    for crates in FLOORS {
        let mut end = end_of_floor_above;
        for name in crates.iter().map(|name| short(name)) {
            match line_of(name) {
                None => missing.push(format!("{name} isn't in the picture")),
                Some(line) if line < end_of_floor_above => {
                    missing.push(format!("{name} stands too high in the picture"));
                }
                Some(line) => end = end.max(line + 1),
            }
        }
        end_of_floor_above = end;
    }
    let is_part_of_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    for name in BESIDE.iter().chain(APART).map(|name| short(name)) {
        if !text.split(|c| !is_part_of_word(c)).any(|word| word == name) {
            missing.push(format!("{name} isn't mentioned"));
        }
    }
    missing
}

/// The name by which a crate is called inside the house.
fn short(name: &str) -> &str {
    name.strip_prefix("countersign-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn the_architecture_shows_the_floors() {
        let path = Workspace::find().unwrap().root.join("ARCHITECTURE.md");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(missing_from(&text), [] as [String; 0]);
    }

    /// As the floors are, so that a new room changes nothing here.
    fn picture() -> String {
        let floors = FLOORS.iter().map(|crates| {
            let names: Vec<_> = crates.iter().map(|name| format!("  {}  what it is\n", short(name))).collect();
            format!("floor{}", names.concat())
        });
        format!("Beside it: `bench/`, `e2e/` and `xtask/`.\n```\n{}```\n", floors.collect::<String>())
    }

    #[test]
    fn a_picture_that_shows_the_floors_passes_and_one_that_does_not_fails() {
        let picture = picture();
        assert_eq!(missing_from(&picture), [] as [String; 0]);
        let gone = picture.replace("  store  ", "  ");
        assert_eq!(missing_from(&gone), ["store isn't in the picture"]);
        let upside_down =
            picture.replace("  auth  ", "  X  ").replace("  store  ", "  auth  ").replace("  X  ", "  store  ");
        assert!(!missing_from(&upside_down).is_empty());
        let silent = picture.replace("`bench/`", "`benches/`");
        assert_eq!(missing_from(&silent), ["bench isn't mentioned"]);
        assert!(!missing_from("").is_empty());
    }
}
