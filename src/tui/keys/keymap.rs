//! Which key does what: the table, with the changes of the settings file.

use std::collections::BTreeMap;

use super::press::{Press, sequence, written};
use super::table::{Place, Row, TABLE};

/// The keys in force.
#[derive(Debug, Clone)]
pub struct Keymap {
    /// By row of the table.
    keys: Vec<Vec<Vec<Press>>>,
}

/// What a sequence of keys is.
#[derive(Debug, Clone)]
pub enum Found {
    Row(&'static Row),
    /// The beginning of longer ones: the next keys, as they are written, and what they do.
    Prefix(Vec<(String, &'static Row)>),
    Nothing,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = TABLE
            .iter()
            .map(|row| {
                row.keys
                    .iter()
                    .map(|keys| sequence(keys).expect("the keys of the table are keys (tested)"))
                    .collect()
            })
            .collect();
        Self { keys }
    }
}

impl Keymap {
    /// The table with other keys for some rows: by name, the alternatives; an empty list unbinds.
    ///
    /// Errors: an unknown name, no key, or keys that would hide others at the same place.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let mut map = Self::default();
        for (name, keys) in changes {
            let Some(place) = TABLE.iter().position(|row| row.name == name) else {
                let near = TABLE
                    .iter()
                    .map(|row| (strsim::jaro_winkler(row.name, name), row.name))
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .filter(|(likeness, _)| *likeness > 0.8)
                    .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"));
                return Err(format!("keys.{name}: there is nothing of that name{near}"));
            };
            map.keys[place] = keys
                .iter()
                .map(|keys| sequence(keys))
                .collect::<Result<_, _>>()
                .map_err(|what| format!("keys.{name}: {what}"))?;
        }
        match map.conflicts().first() {
            None => Ok(map),
            Some((a, b, keys)) => Err(format!(
                "keys: `{}` is for `{}` and would hide `{}`; give one of them another key",
                written(keys),
                a.name,
                b.name
            )),
        }
    }

    /// Rows that no one can tell apart where both are in force, with the keys they share.
    fn conflicts(&self) -> Vec<(&'static Row, &'static Row, Vec<Press>)> {
        let mut found = Vec::new();
        for (i, a) in TABLE.iter().enumerate() {
            for (j, b) in TABLE.iter().enumerate().skip(i + 1) {
                if !together(a.place, b.place) {
                    continue;
                }
                for x in &self.keys[i] {
                    for y in &self.keys[j] {
                        // At the same place; else the more special one may hide a key, but no beginning of others.
                        let hides = if x == y {
                            rank(a.place) == rank(b.place)
                        } else {
                            x.starts_with(y) || y.starts_with(x)
                        };
                        if hides {
                            found.push((a, b, x.clone()));
                        }
                    }
                }
            }
        }
        found
    }

    /// What `presses` mean at `places`, the most special first.
    pub fn find(&self, places: &[Place], presses: &[Press]) -> Found {
        let mut prefix = Vec::new();
        for place in places {
            for (row, keys) in TABLE
                .iter()
                .zip(&self.keys)
                .filter(|(row, _)| row.place == *place)
            {
                for keys in keys {
                    if keys == presses {
                        return Found::Row(row);
                    }
                    if keys.starts_with(presses) {
                        prefix.push((written(&keys[presses.len()..]), row));
                    }
                }
            }
        }
        match prefix.is_empty() {
            true => Found::Nothing,
            false => Found::Prefix(prefix),
        }
    }

    /// The keys of a row as they are written.
    pub fn keys_of(&self, row: &Row) -> Vec<String> {
        TABLE
            .iter()
            .position(|other| other.name == row.name)
            .map(|i| self.keys[i].iter().map(|keys| written(keys)).collect())
            .unwrap_or_default()
    }

    /// For the line of keys: the weightiest rows of `places` that have a key.
    pub fn hints(&self, places: &[Place]) -> Vec<(String, &'static Row)> {
        let mut rows: Vec<(String, &'static Row)> = TABLE
            .iter()
            .filter(|row| row.weight > 0 && places.contains(&row.place))
            .filter_map(|row| Some((self.keys_of(row).into_iter().next()?, row)))
            .collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.weight));
        rows
    }

    /// The table as README has it.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for place in Place::ALL {
            text += &format!(
                "\n**{}**\n\n| keys | what | name |\n|---|---|---|\n",
                place.title()
            );
            for row in TABLE
                .iter()
                .filter(|row| row.place == place && !row.about.is_empty())
            {
                let keys: Vec<String> = self
                    .keys_of(row)
                    .iter()
                    .map(|keys| format!("`{}`", keys.replace('|', "\\|")))
                    .collect();
                text += &format!("| {} | {} | `{}` |\n", keys.join(" "), row.about, row.name);
            }
        }
        text
    }
}

/// How special a place is: of two places in force, keys of the more special one win.
fn rank(place: Place) -> u8 {
    match place {
        Place::Catalog | Place::Train | Place::Anomalies | Place::Files => 4,
        Place::Inspecting | Place::Screens => 3,
        Place::Labels => 2,
        Place::Spectrum | Place::Picture | Place::List => 1,
        Place::Everywhere => 0,
    }
}

/// Whether both places can be in force at once.
fn together(a: Place, b: Place) -> bool {
    let screen = |place| {
        matches!(
            place,
            Place::Catalog | Place::Train | Place::Anomalies | Place::Files
        )
    };
    let objects = |place| {
        matches!(
            place,
            Place::Spectrum | Place::Picture | Place::Labels | Place::Inspecting
        )
    };
    let either = |p: &dyn Fn(Place) -> bool, q: &dyn Fn(Place) -> bool| (p(a) && q(b)) || (p(b) && q(a));
    if a == b {
        return true;
    }
    !(screen(a) && screen(b)
        || either(&|p| p == Place::Screens, &|p| p == Place::Inspecting)
        || either(&|p| p == Place::Train, &|p| p == Place::List || objects(p))
        || either(&|p| p == Place::Files, &objects))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::{Action, Move};

    #[test]
    fn the_table_is_sound() {
        let map = Keymap::default();
        assert!(map.conflicts().is_empty(), "{:?}", map.conflicts());
        for (i, row) in TABLE.iter().enumerate() {
            assert!(
                !TABLE[..i].iter().any(|other| other.name == row.name),
                "{} twice",
                row.name
            );
        }
    }

    #[test]
    fn a_sequence_is_found_step_by_step() {
        let map = Keymap::default();
        let places = [Place::Catalog, Place::List, Place::Everywhere];
        let g = sequence("g").unwrap();
        let Found::Prefix(next) = map.find(&places, &g) else {
            panic!("g begins sequences");
        };
        assert!(next.iter().any(|(key, row)| key == "g" && row.name == "top"));
        let Found::Row(row) = map.find(&places, &sequence("g g").unwrap()) else {
            panic!("g g is bound");
        };
        assert_eq!(row.action, Action::Move(Move::Top));
        assert!(matches!(
            map.find(&places, &sequence("g q").unwrap()),
            Found::Nothing
        ));
    }

    #[test]
    fn the_table_of_the_readme_is_this_table() {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme.split_once("<!-- keys -->\n").expect("README has the keys");
        let (table, _) = rest
            .split_once("<!-- end of keys -->")
            .expect("and says where they end");
        assert_eq!(
            table,
            Keymap::default().markdown(),
            "`spectriage keys` prints what belongs there"
        );
    }

    #[test]
    fn keys_can_be_changed_and_refused() {
        let change = |name: &str, keys: &[&str]| {
            Keymap::with(&BTreeMap::from([(
                name.to_string(),
                keys.iter().map(ToString::to_string).collect(),
            )]))
        };
        let map = change("filter", &["ctrl-s"]).unwrap();
        assert!(matches!(
            map.find(&[Place::List], &sequence("ctrl-s").unwrap()),
            Found::Row(row) if row.name == "filter"
        ));
        assert!(matches!(
            map.find(&[Place::List], &sequence("f").unwrap()),
            Found::Nothing
        ));
        assert!(
            change("filtre", &["x"])
                .unwrap_err()
                .contains("did you mean `filter`")
        );
        assert!(
            change("filter", &["q"]).is_ok(),
            "a list's key may hide one that is for everywhere"
        );
        assert!(change("filter", &["s"]).unwrap_err().contains("sort"));
        assert!(
            change("filter", &["g"]).is_err(),
            "it would hide every key that begins with g"
        );
        assert!(change("filter", &["strg-x"]).unwrap_err().contains("keys.filter"));
    }
}
