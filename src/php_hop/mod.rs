//! The plugin by which PHP becomes a hop: one small file for WordPress's `mu-plugins`, with the keys of a path in it.
//!
//! Its text is here, so that the program that asks and the plugin that answers are of one release; how both talk is in
//! [`crate::evidence::php_hop`].

use crate::secret::{Keyring, Secret};

/// What the plugin's file is called.
pub const FILE: &str = "header-doctor.php";

/// How the plugin begins, by which it is told from files of others.
const BEGINNING: &str = "<?php\n/**\n * Plugin Name: Header Doctor: what PHP saw\n";

const TEXT: &str = include_str!("header-doctor.php");

/// Where the keys stand in it.
const KEYS: &str = "/* KEYS */";

/// The plugin, with what PHP needs of these keys; the keys themselves are not in it.
#[must_use]
pub fn plugin(keys: &Keyring) -> Secret<String> {
    let line = |key: &crate::secret::TrailKey| {
        let written = key.written_for_php();
        let [seal, fingerprint, secret] = written.keys.expose();
        format!("'{}' => ['{seal}', '{fingerprint}', '{secret}'],", written.id)
    };
    let lines: Vec<_> = keys.all().map(line).collect();
    Secret::new(TEXT.replace(KEYS, &lines.join("\n        ")))
}

/// Whether a file is the plugin, of whatever release.
#[must_use]
pub fn is_ours(text: &[u8]) -> bool {
    text.starts_with(BEGINNING.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{KEYS, TEXT, is_ours, plugin};
    use crate::secret::Keyring;

    #[test]
    fn the_plugin_holds_what_php_needs_of_each_key_and_no_key() {
        let shared = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let keys: Keyring =
            format!("k1:{shared}\nk2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n").parse().unwrap();
        let plugin = plugin(&keys);
        let text = plugin.expose();
        assert!(!text.contains(KEYS) && !text.contains(shared) && !text.contains(&"01".repeat(32)));
        for id in ["        'k1' => ['", "        'k2' => ['"] {
            assert_eq!(text.matches(id).count(), 1, "{id}");
        }
        assert!(is_ours(text.as_bytes()) && is_ours(TEXT.as_bytes()));
        assert!(!is_ours(b"<?php\n/* Plugin Name: Another */\n") && !is_ours(b""));
    }
}
