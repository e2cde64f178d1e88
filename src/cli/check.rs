//! `header-doctor check`: a site examined from outside, before anything is deployed.

use std::cell::RefCell;
use std::env::{VarError, var, var_os};
use std::io::{BufRead, IsTerminal, Write, stderr, stdin, stdout};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{ArgMatches, Args, ValueEnum};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::flags::{given, trail_keys};
use super::{NOTHING_WRONG, terminal};
use crate::browser::{Origin, Token};
use crate::check::{
    Conversation, Direct, Examination, Manners, Notes, Report, Site, Step, Task, Wallet, dry_run, examine,
};
use crate::config::Timeout;
use crate::event::now;
use crate::message::Name;
use crate::secret::{Key, Keyring, Secret};

/// Examine a WordPress site from outside: where its REST API is, whether Authorization arrives, and what refuses.
///
/// It only reads, at most 20 requests (60 with --deep), two a second, names itself in User-Agent, and stops where it is not wanted. It logs in
/// with --user alone. Passwords and tokens come from HEADER_DOCTOR_PASSWORD, HEADER_DOCTOR_APP_PASSWORD and HEADER_DOCTOR_TOKEN,
/// from a prompt, or from standard input, and go to the hosts named here and nowhere else.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Look at a site, without any login:
      header-doctor check https://example.com
  With a login, and the route that fails; the password is asked for:
      header-doctor check https://example.com --user jo --endpoint /my-app/v1/reports
  Is it the CDN? Ask the server behind it, too:
      header-doctor check https://example.com --origin 203.0.113.7
  Does it fail now and then? Ask each machine that the name leads to:
      header-doctor check https://example.com --all-addresses --user jo
  Is it CORS? As a page of that origin:
      header-doctor check https://example.com --browser-origin https://app.example.com --endpoint /my-app/v1/reports
  Which headers survive the way, and how long may they be?
      header-doctor check https://example.com --deep
  For a ticket:
      header-doctor check https://example.com --output markdown

Exit codes:
  0  nothing wrong in what could be seen
  1  something is
  2  the command line is wrong
  3  the site could not be examined, or wants to be left alone")]
pub(super) struct Arguments {
    /// The site: `https://example.com`, with its folder if it has one.
    url: String,

    /// Examine this route of the REST API, or this path of the site, too; may be repeated.
    ///
    /// `/my-app/v1/reports`, `/wp-json/my-app/v1/reports`, `/graphql`. It is only read (GET).
    #[arg(long, value_name = "PATH")]
    endpoint: Vec<String>,

    /// Examine what a browser makes of it, for pages of this origin: `https://app.example.com`.
    #[arg(long, value_name = "ORIGIN")]
    browser_origin: Option<String>,

    /// Ask this address as well, with the same Host and the same name in TLS; may be repeated.
    ///
    /// `203.0.113.7`, `203.0.113.7:8443`, `[2001:db8::7]`, or `http://10.0.0.7:8080` for a server behind the one that ends TLS.
    /// The difference is the finding.
    #[arg(long, value_name = "ADDR")]
    origin: Vec<String>,

    /// Ask every address that the site's name has, likewise: a machine with another secret or clock is found.
    ///
    /// It stays within the bound of requests; what was not asked is told.
    #[arg(long)]
    all_addresses: bool,

    /// Try as well which headers survive the way, and how long one may be: up to 60 requests.
    ///
    /// One field at a time goes along with a harmless request: a name with an underscore, one with a point, a cookie, a token in
    /// X-Authorization alone, and a field that grows to 64 KiB until it is refused. What no reply betrays is called unknown.
    #[arg(long)]
    deep: bool,

    /// The file of the key that the doctors on the way share: they then tell what they saw, and a loss between two is proved.
    ///
    /// As `run` has it. The check signs its requests by the name `client`; a doctor without the key passes on what it cannot read.
    #[arg(long, value_name = "FILE", env = "HEADER_DOCTOR_TRAIL_KEY_FILE", hide_env_values = true)]
    trail_key_file: Option<String>,

    /// Log in as this user; the password is read from HEADER_DOCTOR_PASSWORD (or HEADER_DOCTOR_APP_PASSWORD), else asked for.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Print what would be asked, and ask nothing.
    #[arg(long)]
    dry_run: bool,

    /// Send this along with each request to a host named here, for gates in front; may be repeated.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// How long one reply may take.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: String,

    /// Take any certificate. Whoever can answer in the site's place then reads what is sent to it.
    #[arg(long)]
    insecure: bool,

    /// The form of the report.
    #[arg(long, value_enum, ignore_case = true, default_value_t = Output::Text)]
    output: Output,
}

const NO_NUMBERS: &str = "the system has no random numbers";

/// The variables by which other programs are sent through a proxy.
const PROXIES: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For eyes.
    Text,
    /// For machines; versioned.
    Json,
    /// For a ticket.
    Markdown,
    /// For a pipeline.
    Junit,
}

/// Examines.
pub(super) fn check(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let mut task = task(arguments)?;
    let keys = trail_keys(arguments.trail_key_file.as_ref(), matches)?;
    task.has_key = keys.ring.is_some();
    let manners = manners(arguments, matches, &task)?;
    for warning in &keys.warnings {
        writeln!(stderr().lock(), "warning: {warning}")?;
    }
    if arguments.dry_run {
        // What would be asked does not hang on what the password is.
        if task.wallet.user.is_some() && !task.wallet.is_filled() {
            task.wallet.password = Some(Secret::new(String::new()));
        }
        stdout().lock().write_all(dry_run(&task).as_bytes())?;
        return Ok(ExitCode::from(NOTHING_WRONG));
    }
    if task.wallet.user.is_some() && !task.wallet.is_filled() {
        task.wallet.password = Some(password()?);
    }
    let report = Report::of(&run(&task, manners, keys.ring)?);
    let text = match arguments.output {
        Output::Text => report.text(terminal::page()),
        Output::Json => report.json(),
        Output::Markdown => report.markdown(),
        Output::Junit => report.junit(),
    };
    stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::from(report.code()))
}

fn run(task: &Task, manners: Manners, ring: Option<Keyring>) -> anyhow::Result<Examination> {
    let key = Key::random().context(NO_NUMBERS)?;
    let notes = ring.map(|ring| Notes::new(ring).context(NO_NUMBERS)).transpose()?;
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    Ok(runtime.block_on(async {
        let doing = Rc::new(RefCell::new(""));
        let telling = spawn_local(tell(Rc::clone(&doing)));
        let mut conversation = Conversation::new(manners).signing(notes);
        let mut progress = |step: &Step| {
            doing.replace(step.title());
        };
        let seen = examine(task, &mut conversation, &key, now(), &mut progress).await;
        telling.abort();
        seen
    }))
}

/// Tells every second what is being done, when it is another thing.
async fn tell(doing: Rc<RefCell<&'static str>>) {
    let mut told = "";
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = *doing.borrow();
        if now != told {
            told = now;
            // Who listens there is not known, and nothing hangs on it.
            drop(writeln!(stderr().lock(), "… {now}"));
        }
    }
}

fn task(arguments: &Arguments) -> anyhow::Result<Task> {
    let site: Site = arguments.url.parse().map_err(|bad| anyhow!("the URL {bad}"))?;
    let direct = |text: &String| {
        text.parse::<Direct>().map_err(|_| {
            anyhow!(
                "--origin: is not an address; write one such as 203.0.113.7, 203.0.113.7:8443, [2001:db8::7] or \
                 http://10.0.0.7:8080"
            )
        })
    };
    Ok(Task {
        endpoints: arguments.endpoint.iter().map(|text| endpoint(text, &site)).collect::<Result<_, _>>()?,
        browser_origin: arguments.browser_origin.as_deref().map(browser_origin).transpose()?,
        origins: arguments.origin.iter().map(direct).collect::<Result<_, _>>()?,
        all_addresses: arguments.all_addresses,
        deep: arguments.deep,
        has_key: false,
        fresh: Key::random().context(NO_NUMBERS)?.fingerprint(b"fresh").to_string(),
        wallet: wallet(arguments.user.as_deref())?,
        proxies: PROXIES.into_iter().filter(|name| var_os(name).is_some()).collect(),
        site,
    })
}

/// A path; a whole URL of the site is cut to it.
fn endpoint(text: &str, site: &Site) -> anyhow::Result<String> {
    let behind = text.strip_prefix(&site.to_string());
    let path = behind.filter(|path| path.starts_with(['/', '?'])).unwrap_or(text);
    let is_clear = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if path.is_empty() || path.contains("://") || !is_clear {
        bail!("--endpoint: is not a path of {site}; write one such as /my-app/v1/reports");
    }
    Ok(path.to_owned())
}

fn browser_origin(text: &str) -> anyhow::Result<String> {
    let text = text.trim_end_matches('/');
    match Origin::read(text.as_bytes()) {
        Some(origin) if !origin.is_null() => Ok(origin.as_str().to_owned()),
        _ => bail!(
            "--browser-origin: what was given is not an origin; write one such as https://app.example.com"
        ),
    }
}

fn wallet(user: Option<&str>) -> anyhow::Result<Wallet> {
    if user
        .is_some_and(|user| user.is_empty() || user.contains(|char: char| char == ':' || char.is_control()))
    {
        bail!(
            "--user: what was given is not a name to log in with, which is not empty and has no colon or control character"
        );
    }
    let with_user = |name: &str| if user.is_some() { secret(name) } else { Ok(None) };
    let token = secret("HEADER_DOCTOR_TOKEN")?;
    if token.as_ref().is_some_and(|token| !token.expose().bytes().all(|byte| byte.is_ascii_graphic())) {
        bail!(
            "HEADER_DOCTOR_TOKEN: what stands there is not a token; write it without `Bearer`, blanks and line ends"
        );
    }
    Ok(Wallet {
        user: user.map(str::to_owned),
        password: with_user("HEADER_DOCTOR_PASSWORD")?,
        app_password: with_user("HEADER_DOCTOR_APP_PASSWORD")?,
        token,
    })
}

/// What a variable holds; nothing where it is not set, or empty.
fn secret(name: &str) -> anyhow::Result<Option<Secret<String>>> {
    match var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty()).map(Secret::new)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            bail!("{name}: what stands there is not UTF-8, as WordPress takes it")
        }
    }
}

fn manners(arguments: &Arguments, matches: &ArgMatches, task: &Task) -> anyhow::Result<Manners> {
    let timeout = given::<Timeout>(&arguments.timeout, "timeout", matches)?;
    let Some(Timeout(timeout)) = timeout else { bail!("--timeout: leaves no time at all") };
    let headers = arguments.header.iter().map(|text| header(text)).collect::<Result<_, _>>()?;
    Ok(Manners {
        timeout,
        most: task.most(),
        insecure: arguments.insecure,
        headers,
        named: vec![task.site.place.clone()],
    })
}

/// `Name: value`; what stands in it may be a secret and is never repeated.
fn header(text: &str) -> anyhow::Result<(String, Secret<String>)> {
    let Some((name, value)) = text.split_once(':') else {
        bail!("--header: what was given has no colon; write it as 'Name: value'");
    };
    let Some(token) = Token::read(name.as_bytes()) else {
        bail!("--header: what stands before the colon is not the name of a header");
    };
    let own = [
        Name::Authorization,
        Name::Host,
        Name::Connection,
        Name::ContentLength,
        Name::TransferEncoding,
        Name::Origin,
        Name::Expect,
        Name::Upgrade,
        Name::UserAgent,
        Name::HeaderDoctorTrail,
    ];
    let is_own = |own: &str| name.eq_ignore_ascii_case(own);
    if own.contains(&Name::of(name.as_bytes())) || is_own("Accept") || is_own("Content-Type") {
        bail!(
            "--header: {token} is written by the check itself; a token comes from HEADER_DOCTOR_TOKEN, a password from \
             HEADER_DOCTOR_PASSWORD or HEADER_DOCTOR_APP_PASSWORD"
        );
    }
    if value.chars().any(|char| char.is_control() && char != '\t') {
        bail!("--header: the value of {token} has a control character in it");
    }
    Ok((token.as_str().to_owned(), Secret::new(value.trim().to_owned())))
}

/// The password, from whoever sits there, without an echo, or from standard input.
fn password() -> anyhow::Result<Secret<String>> {
    let mut line = String::new();
    if stdin().is_terminal() {
        write!(stderr().lock(), "Password: ")?;
        let read = terminal::without_echo(|| stdin().lock().read_line(&mut line));
        writeln!(stderr().lock())?;
        read?;
    } else {
        stdin().lock().read_line(&mut line)?;
    }
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!(
            "--user: no password came; set HEADER_DOCTOR_PASSWORD or HEADER_DOCTOR_APP_PASSWORD, or type it when asked"
        );
    }
    Ok(Secret::new(password))
}
