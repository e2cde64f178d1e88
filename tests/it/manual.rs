//! The manual page and the completions: whole, and taken by the programs that read them.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What the program prints, which must be no error.
fn printed(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let output =
        command.args(arguments).env_clear().stdin(Stdio::null()).output().expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The first words of the lines that are indented so, below the line that begins with this heading.
fn first_words(help: &str, heading: &str, indent: usize) -> Vec<String> {
    let lines = help.lines().skip_while(|line| !line.starts_with(heading)).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let at_indent = lines.filter(|line| line.len() - line.trim_start().len() == indent);
    at_indent.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn commands() -> Vec<String> {
    let commands = first_words(&printed(&["--help"]), "Commands:", 2);
    assert!(commands.len() >= 10 && commands.contains(&"run".to_owned()), "{commands:?}");
    commands
}

/// The page as its reader sees it, or nothing where no groff is installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn read(page: &str) -> Option<String> {
    let mut groff = Command::new("groff");
    groff.args(["-ww", "-man", "-Tutf8", "-P-c", "-rLL=200n"]);
    groff.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut groff) = groff.spawn() else {
        eprintln!("skipped: groff is not installed");
        return None;
    };
    let mut input = groff.stdin.take().expect("a pipe");
    let page = page.to_owned();
    let writer = std::thread::spawn(move || input.write_all(page.as_bytes()));
    let output = groff.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("groff reads all");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // A terminal of old shows bold and italic by typing a letter twice.
    let mut plain = String::new();
    for character in text.chars() {
        if character == '\u{8}' {
            plain.pop();
        } else {
            plain.push(character);
        }
    }
    Some(plain)
}

#[test]
fn the_manual_page_tells_of_every_command_and_flag() {
    let source = printed(&["man"]);
    let page = source.replace("\\-", "-");
    for command in
        commands().iter().filter(|command| !["help", "config", "php-hop"].contains(&command.as_str()))
    {
        assert!(page.contains(&format!("\n.SS \"header-doctor {command}\"\n")), "{command}: {page}");
    }
    for command in [&["run", "--help"][..], &["check", "--help"], &["config", "validate", "--help"]] {
        let flags: Vec<_> = first_words(&printed(command), "Options:", 6);
        assert!(flags.len() > 7, "{flags:?}");
        for flag in flags {
            assert!(page.contains(&flag), "{command:?} {flag}");
        }
    }
    for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"] {
        assert!(
            page.contains(&format!("\n.SH \"{section}\"\n")) || page.contains(&format!("\n.SH {section}\n"))
        );
    }
    assert!(source.is_ascii(), "roff knows no encoding");
}

#[test]
fn groff_has_no_remark_on_the_manual_page_and_commands_can_be_copied_from_it() {
    let Some(page) = read(&printed(&["man"])) else {
        return;
    };
    for line in [
        "header-doctor - A reverse proxy for WordPress that forwards Authorization",
        "(umask 077; printf 'k1:%s\\n' \"$(openssl rand -base64 32)\" > trail.keys)",
        "header-doctor check https://example.com --user jo --endpoint /my-app/v1/reports",
        "curl -s https://example.com/wp-json/jwt-auth/v1/token -d @login.json",
        "2  the command line or the configuration is wrong",
        "HEADER_DOCTOR_LISTEN=:8080 HEADER_DOCTOR_UPSTREAM=wordpress:80 header-doctor run",
        "As --listen of run.",
        "is not an upstream; …",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
}

#[test]
fn what_stands_in_the_environment_is_not_printed() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("man").env_clear().env("HEADER_DOCTOR_UPSTREAM", "http://user:hunter2@h");
    let output = command.output().expect("the program starts");
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("hunter2"));
}

#[test]
fn completions_hold_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let text = printed(&["completions", shell]);
        for command in commands() {
            assert!(text.contains(&command), "{shell}: {command}");
        }
        assert!(text.contains("trail-key-file"), "{shell}");
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn bash_completes_commands_and_flags() {
    let completions = printed(&["completions", "bash"]);
    for (typed, completed) in [
        ("che", "check"),
        ("run --trail", "--trail-key-file"),
        ("completions z", "zsh"),
        ("config val", "validate"),
    ] {
        let words = format!("header-doctor {typed}");
        let script = format!(
            "{completions}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             complete_it=$(complete -p header-doctor); complete_it=${{complete_it##*-F }}\n\
             ${{complete_it%% *}} header-doctor \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\"\n"
        );
        let mut bash = Command::new("bash");
        let Ok(output) = bash.args(["--norc", "-c", &script]).stdin(Stdio::null()).output() else {
            eprintln!("skipped: bash is not installed");
            return;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!((text(&output.stdout).trim(), text(&output.stderr).as_str()), (completed, ""), "{typed}");
    }
}
