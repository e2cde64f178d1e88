//! The built program, as an operator meets it: output, messages and exit codes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the program said and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A file of one key.
const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";

/// The program with nothing but these variables in its environment, in the folder with Cargo.toml.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let output = doctor(arguments, variables).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(arguments: &[&str]) -> Ended {
    run_with(arguments, &[])
}

fn refused(message: &str) -> Ended {
    Ended { code: Some(2), out: String::new(), err: format!("header-doctor: {message}\n") }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the folder for tests can be written");
    path
}

#[test]
fn version_and_help_are_no_errors() {
    let version = run(&["--version"]);
    assert_eq!(
        (version.code, version.out),
        (Some(0), format!("header-doctor {}\n", env!("CARGO_PKG_VERSION")))
    );
    for command in [
        &["--help"][..],
        &["run", "--help"],
        &["check", "--help"],
        &["demo", "--help"],
        &["config", "validate", "--help"],
        &["explain", "--help"],
        &["compare", "--help"],
        &["health", "--help"],
        &["token", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let help = run(command);
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        assert!(help.out.contains("Example"), "{}", help.out);
    }
}

#[test]
fn what_php_says_is_explained() {
    for (what, rule) in [
        ("Primary script unknown", "php-script-unknown"),
        ("File not found.", "php-script-unknown"),
        ("Access denied.", "php-script-denied"),
        ("security.limit_extensions", "php-script-denied"),
        ("header_doctor_php_socket_forbidden", "php-socket-forbidden"),
        ("server reached pm.max_children setting", "php-pool-exhausted"),
        ("There has been a critical error on this website", "php-fatal"),
    ] {
        let told = run(&["explain", what]);
        assert_eq!(told.code, Some(0), "{what}");
        assert!(told.out.contains(&format!("# {rule}\n")), "{what}: {}", told.out);
    }
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    assert_eq!(run(&["walk"]).code, Some(2));
    assert_eq!(run(&[]).code, Some(2));
}

#[test]
fn to_run_without_an_upstream_is_told_what_to_type() {
    assert_eq!(
        run(&["run"]),
        refused(
            "no upstream: nothing says where requests go; type `header-doctor run --upstream http://HOST:PORT`, \
             or name a file with `--config FILE`"
        )
    );
}

#[test]
fn a_wrong_flag_is_told_by_its_name() {
    assert_eq!(
        run(&["run", "--upstream", "htp://x"]),
        refused(
            "--upstream: \"htp://x\" is not an upstream; write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH"
        )
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--listen", "example.com"]),
        refused(
            "--listen: \"example.com\" is not an address to listen on; write IP:PORT, [IPV6]:PORT or :PORT"
        )
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--log-format", "jsno"]),
        refused("--log-format: \"jsno\" is not a log format; did you mean json? (known: pretty, json)")
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--trusted-proxy", "lan"]),
        refused(
            "--trusted-proxy: \"lan\" is not a network; write one such as 10.0.0.0/8 or fd00::/8, \
             an address alone, private or loopback"
        )
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--cors-origin", "app.test"]),
        refused("--cors-origin: \"app.test\" has no scheme; write https://app.test")
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--listen", ":80", "--listen", "80"]),
        refused("--listen: 0.0.0.0:80 is listened on twice; keep one")
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--upstream", "http://H"]),
        refused("--upstream: http://h:80 stands there twice; keep one")
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--hop", "Edge 1"]),
        refused(
            "--hop: \"Edge 1\" is not a name for a doctor; write up to 32 small letters, digits, `.`, `_` or `-`, \
             a letter first, such as edge"
        )
    );
    assert_eq!(
        run(&["run", "--upstream", "h:80", "--trail-key-file", KEYS.trim_end()]),
        refused(
            "--trail-key-file: \"…\" is a key and no name of a file; save it in a file that only the doctor may read, \
             and write the name of that"
        )
    );
}

#[test]
fn a_wrong_variable_is_told_by_its_name_and_without_its_password() {
    let ended = run_with(&["run"], &[("HEADER_DOCTOR_UPSTREAM", "http://user:hunter2@h:80")]);
    assert!(
        ended
            .err
            .starts_with("header-doctor: HEADER_DOCTOR_UPSTREAM: \"…@h:80\" has a user or password in it;")
    );
    assert!(!ended.err.contains("hunter2"));
}

#[test]
fn a_flag_beats_its_variable_and_that_beats_the_file() {
    let upstream = |arguments: &[&str], variables| {
        let shown = run_with(
            &[&["config", "show", "--config", "config/minimal.yaml"], arguments].concat(),
            variables,
        );
        let line = shown.out.lines().find(|line| line.contains("url:")).expect(&shown.err);
        line.trim_start_matches([' ', '-']).to_owned()
    };
    let variables = &[("HEADER_DOCTOR_UPSTREAM", "h:2")];
    assert_eq!(upstream(&[], &[]), "url: http://127.0.0.1:8081");
    assert_eq!(upstream(&[], &[("HEADER_DOCTOR_UPSTREAM", "")]), "url: http://127.0.0.1:8081");
    assert_eq!(upstream(&[], variables), "url: http://h:2");
    assert_eq!(upstream(&["--upstream", "h:3"], variables), "url: http://h:3");
}

#[test]
fn several_upstreams_come_as_several_flags_or_with_commas() {
    let upstreams = |arguments: &[&str], variables| {
        let shown = run_with(&[&["config", "show"], arguments].concat(), variables).out;
        let lines = shown.lines().filter(|line| line.contains("url:"));
        lines.map(|line| line.trim_start_matches([' ', '-']).to_owned()).collect::<Vec<_>>()
    };
    let both = ["url: http://a:1", "url: unix:/b"];
    assert_eq!(upstreams(&["--upstream", "a:1", "--upstream", "unix:/b"], &[]), both);
    assert_eq!(upstreams(&[], &[("HEADER_DOCTOR_UPSTREAM", "a:1,unix:/b")]), both);
}

#[test]
fn every_flag_has_a_variable() {
    let variables = [
        ("HEADER_DOCTOR_CONFIG", "config/header-doctor.yaml"),
        ("HEADER_DOCTOR_LISTEN", "127.0.0.1:1,[::1]:2"),
        ("HEADER_DOCTOR_UPSTREAM", "h:3"),
        ("HEADER_DOCTOR_OBSERVE", "1"),
        ("HEADER_DOCTOR_LOG_FORMAT", "pretty"),
        ("HEADER_DOCTOR_TRUSTED_PROXY", "10.0.0.0/8,private"),
        ("HEADER_DOCTOR_CORS_ORIGIN", "https://a.test,http://*.b.test:8080"),
        ("HEADER_DOCTOR_HEALTH_ADDRESS", ":9901"),
        ("HEADER_DOCTOR_UPGRADE_SOCKET", "/run/a.sock"),
        ("HEADER_DOCTOR_TRAIL_KEY_FILE", "/run/trail.keys"),
        ("HEADER_DOCTOR_HOP", "edge-2"),
    ];
    let shown = run_with(&["config", "show"], &variables).out;
    for line in [
        "address: 127.0.0.1:1",
        "address: '[::1]:2'",
        "url: http://h:3",
        "mode: observe",
        "format: pretty",
        "- 10.0.0.0/8",
        "- private",
        "- https://a.test",
        "- http://*.b.test:8080",
        "health_address: 0.0.0.0:9901",
        "socket: /run/a.sock",
        "key_file: /run/trail.keys",
        "hop: edge-2",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("mode: treat"));
}

#[test]
fn a_variable_that_switches_is_on_or_off_and_nothing_else() {
    let mode = |text| run_with(&["config", "show", "--upstream", "h:3"], &[("HEADER_DOCTOR_OBSERVE", text)]);
    for (text, line) in
        [("true", "observe"), ("ON", "observe"), ("off", "treat"), ("0", "treat"), ("", "treat")]
    {
        assert!(mode(text).out.contains(&format!("mode: {line}")), "{text}");
    }
    let refused = mode("flase").err;
    assert!(refused.contains("--observe") && refused.contains("write true or false"), "{refused}");
}

#[test]
fn php_is_named_with_the_folder_that_wordpress_is_in() {
    let show = |arguments: &[&str], variables: &[(&str, &str)]| {
        run_with(&[&["config", "show"], arguments].concat(), variables)
    };
    let php = ["--upstream", "fastcgi+unix:/run/php/php8.2-fpm.sock"];
    let shown = show(&[&php[..], &["--php-root", "/var/www/html/"]].concat(), &[]).out;
    assert!(shown.contains(" php_root: /var/www/html\n") && !shown.contains(" root:"), "{shown}");
    let shown = show(&php, &[("HEADER_DOCTOR_PHP_ROOT", "/srv/www")]).out;
    assert!(shown.contains(" php_root: /srv/www\n"), "{shown}");
    let both = |shown: &str, root: &str, php_root: Option<&str>| {
        let told = php_root.map(|php_root| format!(" php_root: {php_root}\n"));
        let is_told = told.is_some_and(|told| shown.contains(&told));
        shown.contains(&format!(" root: {root}\n")) && is_told == shown.contains(" php_root:")
    };
    let shown = show(&[&php[..], &["--root", "/srv/www/"]].concat(), &[]).out;
    assert!(both(&shown, "/srv/www", None), "{shown}");
    let shown = show(&[&php[..], &["--php-root", "/b"]].concat(), &[("HEADER_DOCTOR_ROOT", "/a")]).out;
    assert!(both(&shown, "/a", Some("/b")), "{shown}");
    let shown = show(&[&php[..], &["--root", "/c"]].concat(), &[("HEADER_DOCTOR_ROOT", "/a")]).out;
    assert!(both(&shown, "/c", None), "{shown}");
}

#[test]
fn a_folder_without_php_or_one_that_is_none_is_told_what_to_type() {
    for (arguments, words) in [
        (
            &["--upstream", "fastcgi+unix:/run/php.sock"][..],
            "--upstream: fastcgi+unix:/run/php.sock needs --root, the folder of WordPress, or --php-root where PHP alone",
        ),
        (
            &["--upstream", "h:1", "--php-root", "/srv"],
            "--php-root: goes with `--upstream fastcgi+unix:/run/php/php-fpm.sock` or `--upstream fastcgi://HOST:9000`; in a \
             file, write php_root beside url",
        ),
        (
            &["--upstream", "h:1", "--root", "/srv"],
            "--root: goes with `--upstream fastcgi+unix:/run/php/php-fpm.sock` or `--upstream fastcgi://HOST:9000`; in a \
             file, write root beside url",
        ),
        (
            &["--config", "config/php-fpm.yaml", "--root", "/srv"],
            "--root: goes with `--upstream fastcgi+unix:",
        ),
        (
            &["--upstream", "fastcgi://h:1", "--php-root", "srv"],
            "--php-root: \"srv\" is not a folder PHP could find;",
        ),
        (
            &["--upstream", "fastcgi://h:1", "--root", "."],
            "--root: \".\" is not a folder named from the root; write its whole path",
        ),
    ] {
        let ended = run(&[&["config", "show"], arguments].concat());
        assert!(ended.code == Some(2) && ended.err.contains(words), "{}", ended.err);
    }
}

#[test]
fn every_example_is_valid() {
    let mut examples: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("config"))
        .expect("there are examples")
        .map(|entry| format!("config/{}", entry.expect("a file").file_name().to_string_lossy()))
        .collect();
    examples.sort();
    let names = [
        "debian",
        "header-doctor",
        "https-upstream",
        "minimal",
        "observe",
        "php-fpm",
        "tls",
        "trail-edge",
        "trail-sidecar",
    ];
    assert_eq!(examples, names.map(|name| format!("config/{name}.yaml")));
    let folder = certificates();
    let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("a certificate");
    let ca = file("origin-ca.pem", &made.cert.pem());
    let keys = key_file("example.keys", KEYS, 0o400);
    for example in examples {
        let variables = [
            ("TLS_FOLDER", folder.path().to_str().expect("a plain name")),
            ("ORIGIN_CA", ca.to_str().expect("a plain name")),
            ("TRAIL_KEYS", keys.to_str().expect("a plain name")),
        ];
        let ended = run_with(&["config", "validate", &example], &variables);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
        assert!(ended.out.starts_with(&format!("{example}: valid; ")), "{}", ended.out);
        assert!(!ended.out.contains("trail.keys"), "{}", ended.out);
    }
}

/// A folder with the files that the example of TLS names.
fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let own = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("a certificate");
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    for (name, text) in
        [("fullchain.pem", &certificate), ("clients.pem", &certificate), ("privkey.pem", &key)]
    {
        std::fs::write(folder.path().join(name), text).expect("the folder can be written");
    }
    folder
}

#[test]
fn a_file_that_tls_needs_is_missed_by_run_and_validate_and_not_by_show() {
    let path = file(
        "tls.yaml",
        "listeners:\n  - address: 127.0.0.1:0\n    tls: [{ certificate: no.crt, private_key: no.key }]\n\
         sites: [{ upstreams: [{ url: 'h:80' }] }]\n",
    );
    let missed = path.with_file_name("no.crt");
    let message = format!(
        "{}:3:26: listeners[0].tls[0].certificate: \"{}\" cannot be read: No such file or directory (os error 2); \
         name a PEM file of certificates that the doctor may read",
        path.display(),
        missed.display()
    );
    let path = path.to_string_lossy();
    assert_eq!(run(&["config", "validate", &path]), refused(&message));
    assert_eq!(run(&["run", "--config", &path]), refused(&message));
    let shown = run(&["config", "show", "--config", &path]).out;
    assert!(shown.contains(&format!("certificate: {}", missed.display())), "{shown}");
}

/// A file of keys with this mode.
fn key_file(name: &str, text: &str, mode: u32) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_file(&path));
    let path = file(name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    path
}

#[test]
fn a_key_file_is_told_by_what_named_it_and_never_shown() {
    let config = file(
        "trail.yaml",
        "trail:\n  hop: edge\n  key_file: bad.keys\nsites: [{ upstreams: [{ url: 'h:80' }] }]\n",
    );
    let bad = key_file("bad.keys", "k1:s3cr3tm4rk3d\n", 0o400);
    let config = config.to_str().expect("a plain name");
    let about = |named: &str, file: &Path| {
        let begin = format!("{named}: \"{}\" is no file of keys: the key of line 1 is not", file.display());
        refused(&format!("{begin} base64 of 32 bytes; `openssl rand -base64 32` makes one"))
    };
    let in_file = about(&format!("{config}:3:13: trail.key_file"), &bad);
    let path = bad.to_str().expect("a plain name");
    let variable = [("HEADER_DOCTOR_TRAIL_KEY_FILE", path)];
    for command in [&["config", "validate", config][..], &["run", "--config", config]] {
        assert_eq!(run(command), in_file);
        assert_eq!(run_with(command, &[("HEADER_DOCTOR_TRAIL_KEY_FILE", "")]), in_file, "empty is unset");
        assert_eq!(run_with(command, &variable), about("HEADER_DOCTOR_TRAIL_KEY_FILE", &bad));
        let flag = run(&[command, &["--trail-key-file", path]].concat());
        assert_eq!(flag, about("--trail-key-file", &bad));
    }
    let shown = run(&["config", "show", "--config", config]);
    assert!(shown.out.contains(&format!("key_file: {path}\n")), "{shown:?}");
}

#[test]
fn a_flag_names_a_key_file_from_where_one_is_and_beats_its_variable() {
    let shown = run_with(
        &["config", "show", "--config", "config/trail-edge.yaml", "--trail-key-file", "a.keys", "--hop", "b"],
        &[("HEADER_DOCTOR_TRAIL_KEY_FILE", "/c.keys"), ("HEADER_DOCTOR_HOP", "d")],
    );
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("a.keys");
    assert!(shown.out.contains(&format!("key_file: {}\n", here.display())), "{shown:?}");
    assert!(shown.out.contains("hop: b\n"), "{shown:?}");
}

#[test]
fn keys_that_others_may_read_are_a_warning_and_are_not_shown() {
    let open = key_file("open.keys", KEYS, 0o644);
    let config = "config/trail-sidecar.yaml";
    let ended = run_with(&["config", "validate", config], &[("TRAIL_KEYS", open.to_str().expect("plain"))]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let warning = format!(
        "{config}: valid; 1 listener, 1 site\nwarning: {config}:15:13: trail.key_file: \"{}\" may be read by every user \
         of this machine, and whoever has a key can forge a trail; use `chmod o-r`, or `defaultMode: 0440` with an \
         `fsGroup` in Kubernetes\n",
        open.display()
    );
    assert_eq!(ended.out, warning);
}

#[test]
fn an_aid_to_debugging_is_a_warning() {
    let unverified = "sites: [{ upstreams: [{ url: 'https://h', tls: { verify: false } }] }]\n";
    let whole = "sites: [{ upstreams: [{ url: 'h:80' }] }]\nlog: { php_errors: full }\n";
    for (name, text, warning) in [
        ("unverified.yaml", unverified, "\nwarning: https://h:443 is not verified (tls.verify: false)\n"),
        ("whole-errors.yaml", whole, "for a short look\n"),
    ] {
        let ended = run(&["config", "validate", &file(name, text).to_string_lossy()]);
        assert_eq!(ended.code, Some(0));
        assert!(ended.out.contains("\nwarning: ") && ended.out.ends_with(warning), "{}", ended.out);
    }
}

#[test]
fn a_missing_authority_is_found_by_run_and_validate_and_shown_by_show() {
    let text = "sites:\n  - upstreams:\n      - url: https://h\n        tls:\n          ca: no-ca.pem\n";
    let path = file("https.yaml", text);
    let missing = path.with_file_name("no-ca.pem");
    let path = path.to_string_lossy();
    let message = format!(
        "{path}:5:15: sites[0].upstreams[0].tls.ca: \"{}\" cannot be read: No such file or directory (os error 2); \
         name a PEM file of certificates that the doctor may read",
        missing.display()
    );
    for command in [&["config", "validate"][..], &["run", "--config"]] {
        assert_eq!(run(&[command, &[path.as_ref()]].concat()), refused(&message));
    }
    let shown = run(&["config", "show", "--config", &path]).out;
    assert!(shown.contains(&format!("ca: {}\n", missing.display())), "{shown}");
}

#[test]
fn a_wrong_file_is_told_line_and_path() {
    let path = file("wrong.yaml", "sites:\n  - upstreams:\n      - url: htp://x\n");
    let path = path.to_string_lossy();
    let message = format!(
        "{path}:3:14: sites[0].upstreams[0].url: \"htp://x\" is not an upstream; \
         write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH"
    );
    for arguments in [&["config", "validate"][..], &["config", "validate", "--config"], &["run", "--config"]]
    {
        assert_eq!(run(&[arguments, &[path.as_ref()]].concat()), refused(&message));
    }
}

#[test]
fn a_file_to_validate_is_named_once() {
    assert_eq!(
        run(&["config", "validate"]),
        refused("no file to validate; type `header-doctor config validate FILE`")
    );
    assert_eq!(
        run(&["config", "validate", "a.yaml", "--config", "b.yaml"]),
        refused("two files to validate; name one, as FILE or as --config FILE")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_why() {
    let ended = run(&["config", "validate", "nowhere.yaml"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.starts_with("header-doctor: nowhere.yaml: cannot be read: No such file"),
        "{}",
        ended.err
    );
}

#[test]
fn what_is_shown_is_a_configuration_that_shows_the_same() {
    let shown = run(&["config", "show", "--config", "config/header-doctor.yaml"]).out;
    let path = file("shown.yaml", &shown);
    assert_eq!(run(&["config", "show", "--config", &path.to_string_lossy()]).out, shown);
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&run(&["config", "schema"]).out).expect("JSON");
    assert!(schema["properties"]["sites"].is_object());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [&["config", "schema"][..], &["man"], &["completions", "bash"]] {
        let mut command = doctor(arguments, &[]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
    }
}

/// A pipe that nobody writes to.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn a_name_of_what_is_no_such_file_is_told_with_its_key_and_nothing_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (huge, empty) = (folder.path().join("huge"), folder.path().join("empty"));
    std::fs::File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    std::fs::write(&empty, "").unwrap();
    let wrong = [
        (pipe(folder.path()), "is a pipe, which can be read once"),
        (folder.path().to_owned(), "is a folder; name a "),
        (PathBuf::from("/dev/zero"), "is a device; name a "),
        (huge, "is larger than "),
        (empty, "hold"),
        (folder.path().join("gone"), "cannot be read: No such file"),
    ];
    let sites = "sites: [{ upstreams: [{ url: 'h:80' }] }]";
    let pair = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("a.crt"), folder.path().join("a.key"));
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let good = format!("certificate: {}, private_key: {}", certificate.display(), key.display());
    let keys = [
        ("trail.key_file", format!("trail: {{ key_file: FILE }}\n{sites}")),
        ("admin.token_file", format!("admin: {{ address: 127.0.0.1:0, token_file: FILE }}\n{sites}")),
        (
            "listeners[0].tls[0].certificate",
            format!(
                "listeners: [{{ address: ':0', tls: [{{ certificate: FILE, private_key: {} }}] }}]\n{sites}",
                key.display()
            ),
        ),
        (
            "listeners[0].tls[0].private_key",
            format!(
                "listeners: [{{ address: ':0', tls: [{{ certificate: {}, private_key: FILE }}] }}]\n{sites}",
                certificate.display()
            ),
        ),
        (
            "listeners[0].client_certificates.authorities",
            format!(
                "listeners: [{{ address: ':0', tls: [{{ {good} }}], client_certificates: {{ authorities: FILE }} }}]\n{sites}"
            ),
        ),
        (
            "sites[0].upstreams[0].tls.ca",
            "sites: [{ upstreams: [{ url: 'https://h', tls: { ca: FILE } }] }]".to_owned(),
        ),
    ];
    let config = folder.path().join("doctor.yaml");
    for ((path, yaml), (named, words)) in keys.iter().flat_map(|key| wrong.iter().map(move |one| (key, one)))
    {
        std::fs::write(&config, yaml.replace("FILE", &named.display().to_string())).unwrap();
        let ended = run(&["config", "validate", &config.to_string_lossy()]);
        assert_eq!(ended.code, Some(2), "{path}: {}", ended.err);
        let told = format!("{path}: \"{}\" ", named.display());
        assert!(ended.err.contains(&told) && ended.err.contains(words), "{path}, {named:?}: {}", ended.err);
    }
}

#[test]
fn a_flag_that_names_no_file_of_keys_is_told_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (named, words) in [
        (pipe(folder.path()), "is a pipe, which can be read once"),
        (folder.path().to_owned(), "is a folder; name a "),
        (PathBuf::from("/dev/zero"), "is a device; name a "),
    ] {
        let flags = ["run", "--upstream", "h:80", "--trail-key-file", &named.to_string_lossy()];
        let ended = run(&flags);
        let told = format!("--trail-key-file: \"{}\" {words}", named.display());
        assert!(ended.code == Some(2) && ended.err.contains(&told), "{}", ended.err);
    }
}

#[test]
fn a_configuration_that_is_none_is_told_and_a_pipe_that_nobody_writes_to_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge");
    std::fs::File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    std::fs::write(folder.path().join("latin"), b"hosts: \xe4").unwrap();
    let larger = "is larger than 256KiB, which no configuration is; is it the right one?";
    let silent = "is a pipe to which nobody writes; name a configuration, or have something write to it";
    for (path, words) in [
        (folder.path().to_owned(), "is a folder; name a configuration"),
        (PathBuf::from("/dev/zero"), larger),
        (huge, larger),
        (folder.path().join("latin"), "is not text; a configuration is YAML in UTF-8, is it the right file?"),
        (pipe(folder.path()), silent),
    ] {
        let path = path.to_string_lossy();
        assert_eq!(run(&["run", "--config", &path]), refused(&format!("{path}: {words}")));
    }
    let empty = run(&["run", "--config", "/dev/null"]);
    assert!(empty.err.contains("/dev/null:1:1: sites: names no site"), "{}", empty.err);
}

#[test]
fn keys_that_are_read_once_may_come_through_a_pipe() {
    let arguments = ["check", "http://localhost", "--dry-run", "--trail-key-file", "/dev/stdin"];
    let mut command = doctor(&arguments, &[])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut command.stdin.take().unwrap(), KEYS.as_bytes()).unwrap();
    let ended = command.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn authorities_that_the_environment_names_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge");
    std::fs::File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    let config = folder.path().join("doctor.yaml");
    std::fs::write(&config, "sites: [{ upstreams: [{ url: 'https://h' }] }]").unwrap();
    let config = config.to_string_lossy();
    for named in [pipe(folder.path()), folder.path().to_owned(), PathBuf::from("/dev/zero"), huge] {
        let ended =
            run_with(&["config", "validate", &config], &[("SSL_CERT_FILE", &named.to_string_lossy())]);
        let told = format!(
            "sites[0].upstreams[0].url: asks for https, and SSL_CERT_FILE names {}, which is no file, or larger",
            named.display()
        );
        assert!(ended.code == Some(2) && ended.err.contains(&told), "{}", ended.err);
    }
}
