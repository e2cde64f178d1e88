//! What a doctor is called and whose notes it believes, and what is wrong with the file of keys.

use super::{AROUND, EDGE, MINIMAL, Overrides, Plan, SIDECAR, Source, environment, plan, plan_with, refused};
use crate::config::{Keys, Trail};
use crate::evidence::{HopName, Instance};
use crate::secret::TrailKey;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

const SITES: &str = "sites: [{ upstreams: [{ url: 'h:80' }] }]\n";
const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn trail(section: &str) -> Trail {
    plan(&format!("trail: {section}\n{SITES}")).trail
}

/// What is read of `a.keys` with this content and this mode, and what is told of it.
fn keys(folder: &TempDir, content: &[u8], mode: u32) -> Result<Keys, String> {
    let file = folder.path().join("a.keys");
    drop(std::fs::remove_file(&file));
    std::fs::write(&file, content).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    keys_of(folder, "a.keys")
}

fn keys_of(folder: &TempDir, name: &str) -> Result<Keys, String> {
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("trail:\n  key_file: {name}\n  hop: edge\n{SITES}")).unwrap();
    let source = Source::open(&path).unwrap();
    let plan = Plan::new(Some(&source), &environment, &Overrides::default(), AROUND).unwrap();
    assert_eq!(plan.files(), [folder.path().join(name)]);
    plan.keys(Some(&source), None, &environment).map_err(|error| error.to_string())
}

#[test]
fn without_a_section_it_is_the_doctor_and_alone() {
    let alone = plan(MINIMAL);
    assert_eq!(alone.trail, Trail::default());
    assert_eq!((alone.trail.hop.as_str(), alone.trail.instance.as_str()), ("doctor", ""));
    assert!(alone.files().is_empty() && alone.keys(None, None, &environment).unwrap().ring.is_none());
    assert_eq!(trail("{ key_file: null, after: null, instance: '${POD_NAME:-}' }"), Trail::default());
}

#[test]
fn the_examples_are_a_pair() {
    let (edge, sidecar) = (plan(EDGE).trail, plan(SIDECAR).trail);
    assert_eq!((sidecar.after.as_ref(), edge.after), (Some(&edge.hop), None));
    assert_eq!(sidecar.hop, HopName::new("sidecar").unwrap());
    assert_eq!(edge.key_file.as_deref(), Some(Path::new("/etc/header-doctor/trail.keys")));
    assert_eq!(edge.key_file, sidecar.key_file);
    assert_eq!((edge.ends_here, sidecar.ends_here), (false, true));
    assert!(!edge.php && !sidecar.php && trail("{ key_file: a, php: true }").php);
}

#[test]
fn names_are_read_as_written() {
    let read = trail("{ hop: edge-2, instance: 'web-1:8080', key_file: a.keys, after: client }");
    assert_eq!((Some(read.hop), read.after), (HopName::new("edge-2"), HopName::new("client")));
    assert_eq!(Some(read.instance), Instance::new("web-1:8080"));
    assert_eq!(trail("{ instance: 7 }").instance, Instance::new("7").unwrap());
}

#[test]
fn every_mistake_in_a_name_is_told_what_would_be_right() {
    let name = "is not a name for a doctor; write up to 32 small letters, digits, `.`, `_` or `-`, a letter first, such as edge";
    let instance = "is not a name for an instance; write up to 63 letters, digits, `.`, `_`, `-` or `:`, such as web-1, or nothing";
    let file = "is no name of a file; write one, such as /etc/header-doctor/trail.keys";
    let alone = "needs a key that both doctors have, and there is none; write `key_file: FILE` beside it, or leave it out";
    let itself =
        "is what this doctor itself is called (`hop` or `--hop`); write the name of the doctor in front";
    for (section, told) in [
        ("  hop: Edge", format!("2:8: trail.hop: \"Edge\" {name}")),
        ("  hop: ''", format!("2:8: trail.hop: \"\" {name}")),
        ("  instance: a b", format!("2:13: trail.instance: \"a b\" {instance}")),
        ("  key_file: ''", format!("2:13: trail.key_file: \"\" {file}")),
        ("  after: 2", format!("2:10: trail.after: \"2\" {name}")),
        ("  after: edge", format!("2:10: trail.after: {alone}")),
        ("  key_file: a\n  hop: edge\n  after: edge", format!("4:10: trail.after: {itself}")),
        (
            "  hop: php",
            "2:8: trail.hop: is what PHP itself is called; give the doctor a name of its own".to_owned(),
        ),
        (
            "  php: true",
            "2:8: trail.php: needs a key that the plugin in PHP has too, and there is none".to_owned(),
        ),
        ("  key_file: a\n  after: doctor", format!("3:10: trail.after: {itself}")),
        (
            "  ends_here: yes",
            "2:14: trail.ends_here: \"yes\" is neither on nor off; write true or false".to_owned(),
        ),
        (
            "  key: a",
            "2:3: trail.key: unknown key; known here: hop, instance, key_file, after, ends_here, php"
                .to_owned(),
        ),
    ] {
        let message = refused(&format!("trail:\n{section}\n{SITES}"));
        assert!(message.starts_with(&told), "{message}");
    }
}

#[test]
fn a_key_in_place_of_the_name_of_its_file_is_not_shown() {
    let told = "is a key and no name of a file; save it in a file that only the doctor may read, and write the name of that";
    for key in [ONE.to_owned(), format!("k1:{ONE}"), format!("k1:{}", ONE.trim_end_matches('='))] {
        let message = refused(&format!("trail:\n  key_file: '{key}'\n{SITES}"));
        assert_eq!(message, format!("2:13: trail.key_file: \"…\" {told}"));
        let message = refused(&format!("trail:\n  hop: '{key}'\n{SITES}"));
        assert!(message.starts_with("2:8: trail.hop: \"…\" is not a name"), "{message}");
    }
}

#[test]
fn flags_make_right_what_the_file_leaves_open_and_can_make_it_wrong() {
    let text = format!("trail:\n  after: edge\n{SITES}");
    let key_file = Overrides { trail_key_file: Some("/a.keys".into()), ..Overrides::default() };
    assert_eq!(plan_with(&text, &key_file).unwrap().trail.key_file.as_deref(), Some(Path::new("/a.keys")));
    let both = Overrides { hop: HopName::new("edge"), ..key_file };
    let message = plan_with(&text, &both).unwrap_err().to_string();
    assert!(message.starts_with("config.yaml:2:10: trail.after: is what this doctor itself"), "{message}");
}

#[test]
fn the_keys_are_read_from_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("k2:{TWO}\n# before May\nk1:{ONE}\n");
    let read = keys(&folder, text.as_bytes(), 0o440).unwrap();
    let ring = read.ring.as_ref().unwrap();
    assert_eq!((ring.signing().id().as_str(), ring.named("k1").map(TrailKey::id).is_some()), ("k2", true));
    assert!(read.warnings.is_empty());
    assert!(!format!("{read:?}").contains(&TWO[..8]), "{read:?}");
    let read = keys(&folder, text.as_bytes(), 0o444).unwrap();
    let warning = read.warnings[0].to_string();
    assert!(read.ring.is_some() && read.warnings.len() == 1);
    assert!(
        warning.contains(":2:13: trail.key_file: \"") && warning.contains("a.keys\" may be read by every")
    );
}

#[test]
fn who_shares_keys_and_has_no_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    keys(&folder, format!("k1:{ONE}\n").as_bytes(), 0o440).unwrap();
    let key_file = Some(folder.path().join("a.keys"));
    let warnings = |hop| {
        let plan =
            plan_with(MINIMAL, &Overrides { hop, trail_key_file: key_file.clone(), ..Overrides::default() });
        plan.unwrap().keys(None, None, &environment).unwrap().warnings
    };
    assert!(warnings(HopName::new("edge")).is_empty());
    let told = warnings(None);
    assert!(told.len() == 1 && told[0].to_string().contains("this one is called `doctor`"), "{told:?}");
}

#[test]
fn a_bad_file_of_keys_is_told_with_its_place_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (huge, secret) = (vec![b'#'; 4097], "s3cr3tm4rk3d");
    let marked = format!("k1:{ONE}\nk2:{secret}");
    for (content, told) in [
        (&b"# none\n"[..], "is no file of keys: it holds no key; write one with `printf 'k1:%s\\n'"),
        (marked.as_bytes(), "is no file of keys: the key of line 2 is not base64 of 32 bytes;"),
        (secret.as_bytes(), "is no file of keys: line 1 does not begin with a name and a colon;"),
        (b"k1:\xff\xfe", "is not text; a file of keys has lines `NAME:KEY`, is it the right one?"),
        (&huge, "is larger than 4KiB, which no file of keys is; is it the right one?"),
    ] {
        let message = keys(&folder, content, 0o400).unwrap_err();
        let begin = format!(":2:13: trail.key_file: \"{}\" {told}", folder.path().join("a.keys").display());
        assert!(message.contains(&begin), "{message}");
        assert!(!message.contains(secret) && !message.contains(&ONE[..8]), "{message}");
    }
    let missing = keys_of(&folder, "b.keys").unwrap_err();
    assert!(missing.contains("b.keys\" cannot be read: No such file"), "{missing}");
    assert!(missing.ends_with("name a file of keys that the doctor may read"), "{missing}");
    std::fs::create_dir(folder.path().join("c.keys")).unwrap();
    assert!(keys_of(&folder, "c.keys").unwrap_err().contains("c.keys\" is a folder; name a file of keys"));
}

#[test]
fn a_file_that_a_flag_named_is_told_by_the_flag() {
    let overrides = Overrides { trail_key_file: Some("/nowhere/a.keys".into()), ..Overrides::default() };
    let plan = plan_with(MINIMAL, &overrides).unwrap();
    let source = Source::new("config.yaml", MINIMAL);
    let variable = plan.keys(Some(&source), Some("HEADER_DOCTOR_X"), &environment).unwrap_err().to_string();
    assert!(
        variable.starts_with("HEADER_DOCTOR_X: \"/nowhere/a.keys\" cannot be read: No such"),
        "{variable}"
    );
    let flag = plan.keys(None, None, &environment).unwrap_err().to_string();
    assert!(flag.starts_with("--trail-key-file: \"/nowhere/a.keys\" cannot be read: No such"), "{flag}");
}
