//! What the doctor counts and knows, in the text that Prometheus reads (exposition format 0.0.4).
//!
//! Nothing here is of one request: counts, and of PHP what it tells of itself where its plugin answers. What there is, is data
//! ([`FAMILIES`]); here it is filled in. Where all values of a label are known, all are told from the start, so that whoever
//! looks at how a count grows sees its first step; where they are not (rules, losses, codes) each appears when it first counts.

mod families;
mod process;

use std::fmt::Write as _;

pub use families::{FAMILIES, Family, Kind};

use crate::event::Tally;
use crate::evidence::{PhpNode, Word};
use crate::moment::Moment;
use crate::upstream::{BOUNDS, Known, Measured, Standing};
use families as f;
use process::Process;

/// All that is told, as it is at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What was counted of exchanges.
    pub tally: &'a Tally,
    /// What is known of the upstreams.
    pub upstreams: &'a [Known],
    /// What PHP told of itself.
    pub nodes: &'a [PhpNode],
    /// The connections of clients.
    pub connections: Connections,
    /// What became of changed configurations.
    pub reloads: Reloads,
    /// How many events the log could not take.
    pub events_dropped: u64,
    /// How many stand in summaries alone.
    pub events_suppressed: u64,
    /// How often the doctor itself failed.
    pub panics: u64,
    /// Whether it serves.
    pub is_ready: bool,
    /// What the files for bodies hold.
    pub spool_bytes: u64,
}

/// The connections of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// How many are open.
    pub open: u64,
    /// How many may be.
    pub limit: u64,
    /// How many there were.
    pub accepted: u64,
}

/// What became of changed configurations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// How many were put in force.
    pub succeeded: u64,
    /// How many were not.
    pub failed: u64,
    /// Whether the one in the file is in force.
    pub is_current: bool,
    /// When the one in force was put there.
    pub last: Moment,
}

/// The text of it all.
#[must_use]
pub fn metrics(told: &Told<'_>) -> String {
    let mut text = Text(String::with_capacity(16 * 1024), f::BUILD_INFO);
    text.one(&f::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1);
    text.one(&f::READY, &[], u64::from(told.is_ready));
    text.process(told.tally.since());
    text.exchanges(told.tally);
    text.upstreams(told.upstreams);
    text.php(told.upstreams);
    text.nodes(told.nodes);
    text.clients(told);
    text.own(told);
    text.0
}

/// Families and their samples, one after the other.
struct Text(String, Family);

impl Text {
    fn family(&mut self, family: &Family) {
        self.1 = *family;
        let Family { name, kind, help, .. } = family;
        // Writing to a String cannot fail.
        let _written = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.word());
    }

    /// A family of one sample.
    fn one(&mut self, family: &Family, labels: &[&str], value: u64) {
        self.family(family);
        self.sample(labels, value);
    }

    /// A sample with the values of the family's labels, in their order.
    fn sample(&mut self, labels: &[&str], value: impl std::fmt::Display) {
        self.line("", labels, None, value);
    }

    fn line(&mut self, suffix: &str, labels: &[&str], bound: Option<&str>, value: impl std::fmt::Display) {
        let named = self.1.labels.iter().map(|(name, _)| *name).zip(labels.iter().copied());
        let named: Vec<_> = named.chain(bound.map(|bound| ("le", bound))).collect();
        self.0.push_str(self.1.name);
        self.0.push_str(suffix);
        for (place, (name, value)) in named.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _written = write!(self.0, "{before}{name}=\"{}\"", escaped(value));
        }
        let after = if named.is_empty() { "" } else { "}" };
        let _written = writeln!(self.0, "{after} {value}");
    }

    fn process(&mut self, since: Moment) {
        let Process { cpu_centis, resident_bytes, open_files, most_files } = Process::read();
        self.family(&f::START_TIME);
        self.sample(&[], seconds(since.millis()));
        if let Some(centis) = cpu_centis {
            self.family(&f::CPU_SECONDS);
            self.sample(&[], format_args!("{}.{:02}", centis / 100, centis % 100));
        }
        for (family, value) in
            [(&f::RESIDENT_MEMORY, resident_bytes), (&f::OPEN_FDS, open_files), (&f::MAX_FDS, most_files)]
        {
            if let Some(value) = value {
                self.one(family, &[], value);
            }
        }
    }

    fn exchanges(&mut self, tally: &Tally) {
        self.family(&f::EXCHANGES);
        for (about, status, count) in tally.ended() {
            self.sample(&[about.word(), status], count);
        }
        self.family(&f::PREFLIGHTS);
        for (outcome, count) in tally.preflights() {
            self.sample(&[outcome.word()], count);
        }
        self.family(&f::FINDINGS);
        for (rule, proof, severity, count) in tally.findings() {
            self.sample(&[rule, proof.word(), severity.word()], count);
        }
        self.family(&f::LOSSES);
        for (loss, count) in tally.losses() {
            self.sample(&[&loss.header, loss.change, &loss.after, &loss.before, loss.proof.word()], count);
        }
        self.family(&f::TRAIL_FAILURES);
        for (why, count) in tally.trail_failures() {
            self.sample(&[why.word()], count);
        }
    }

    fn upstreams(&mut self, upstreams: &[Known]) {
        let measured = || upstreams.iter().map(|known| &known.measured);
        self.family(&f::RESPONSE_SECONDS);
        measured().for_each(|one| self.histogram(one));
        self.family(&f::UPSTREAM_FAILURES);
        for one in measured() {
            for (code, count) in &one.failures {
                self.sample(&[&one.name, code], count);
            }
        }
        self.family(&f::IN_FLIGHT);
        measured().for_each(|one| self.sample(&[&one.name], one.in_flight));
        self.family(&f::UPSTREAM_UP);
        for known in upstreams {
            if let Some(is_in) = known.is_in {
                self.sample(&[&known.measured.name], u8::from(is_in));
            }
        }
        self.family(&f::IDLE);
        measured().for_each(|one| self.sample(&[&one.name], one.idle));
        self.family(&f::OPENED);
        measured().for_each(|one| self.sample(&[&one.name], one.opened));
    }

    fn histogram(&mut self, measured: &Measured) {
        let name = &[&*measured.name];
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|millis| bound(*millis)).chain(["+Inf".to_owned()]);
        for (bound, bucket) in bounds.zip(measured.buckets) {
            count += bucket;
            self.line("_bucket", name, Some(&bound), count);
        }
        let took = measured.took;
        self.line("_sum", name, None, format_args!("{}.{:06}", took.as_secs(), took.subsec_micros()));
        self.line("_count", name, None, count);
    }

    fn php(&mut self, upstreams: &[Known]) {
        let php = || upstreams.iter().filter_map(|known| Some((&known.measured, known.php?)));
        self.family(&f::PHP_CONNECTIONS);
        for (Measured { name, idle, .. }, Standing { open, .. }) in php() {
            self.sample(&[name, "busy"], (open as u64).saturating_sub(*idle));
            self.sample(&[name, "idle"], idle);
        }
        self.family(&f::PHP_LIMIT);
        for (one, standing) in php() {
            if let Some(most) = standing.most {
                self.sample(&[&one.name], most);
            }
        }
        self.family(&f::PHP_QUEUE);
        php().for_each(|(one, standing)| self.sample(&[&one.name], standing.waiting));
        self.family(&f::PHP_REFUSED);
        for (one, standing) in php() {
            self.sample(&[&one.name, "full"], standing.full);
            self.sample(&[&one.name, "timeout"], standing.late);
        }
    }

    fn nodes(&mut self, nodes: &[PhpNode]) {
        let home = |node: &PhpNode| node.told.home.as_ref().map_or("", Word::as_str).to_owned();
        self.family(&f::PHP_CLOCK);
        for node in nodes {
            self.sample(&[&home(node), &node.upstream], seconds(node.told.ahead));
        }
        self.family(&f::PHP_SECRET);
        for node in nodes {
            let Some(secret) = &node.told.secret else { continue };
            let bits = format!("{:05x}", secret.bits);
            self.sample(&[&home(node), &node.upstream, secret.key.as_str(), &bits], 1);
        }
    }

    fn clients(&mut self, told: &Told<'_>) {
        let Connections { open, limit, accepted } = told.connections;
        self.one(&f::CONNECTIONS, &[], open);
        self.one(&f::CONNECTIONS_LIMIT, &[], limit);
        self.one(&f::ACCEPTED, &[], accepted);
        self.family(&f::REFUSED);
        for (why, count) in told.tally.turned_away() {
            self.sample(&[why.word()], count);
        }
        self.one(&f::HANDSHAKES_FAILED, &[], told.tally.failed_handshakes());
    }

    fn own(&mut self, told: &Told<'_>) {
        let Reloads { succeeded, failed, is_current, last } = told.reloads;
        self.family(&f::RELOADS);
        self.sample(&["success"], succeeded);
        self.sample(&["failure"], failed);
        self.one(&f::RELOAD_SUCCESSFUL, &[], u64::from(is_current));
        self.family(&f::RELOAD_TIME);
        self.sample(&[], seconds(last.millis()));
        self.one(&f::SUPPRESSED, &[], told.events_suppressed);
        self.one(&f::DROPPED, &[], told.events_dropped);
        self.one(&f::PANICS, &[], told.panics);
        self.one(&f::SPOOL, &[], told.spool_bytes);
    }
}

fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000)
}

/// A bucket's upper bound as Prometheus writes it: `0.005`, `2.5`, `60`.
fn bound(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Connections, Known, Measured, Reloads, Standing, Told, bound, metrics};
    use crate::event::{About, Preflight, Tally, TrailFailure, TurnedAway};
    use crate::evidence::{PhpNode, PhpTold, Secret};
    use crate::moment::Moment;
    use crate::secret::KeyId;

    fn php() -> Known {
        let mut measured = Measured { name: "fastcgi://p:9000".into(), idle: 1, ..Measured::default() };
        (measured.buckets[0], measured.buckets[4], measured.buckets[13]) = (3, 2, 1);
        measured.took = Duration::from_micros(61_500_001);
        measured.failures = vec![("header_doctor_php_queue_full", 4)];
        let php = Standing { open: 3, most: Some(5), waiting: 2, full: 4, late: 1 };
        Known { measured, is_in: Some(false), php: Some(php) }
    }

    #[test]
    fn what_is_counted_and_told_is_written_as_prometheus_reads_it() {
        let tally = Tally::new(Moment::from_millis(1_500));
        tally.shard().ended(About::UsersMe, None);
        tally.shard().preflight(Preflight::Refused);
        tally.count_turned_away(TurnedAway::PlainHttp);
        tally.count_trail_failure(TrailFailure::BadSeal);
        let secret = Some(Secret { key: KeyId::new("k1").unwrap(), bits: 0x4a });
        let node = PhpTold { home: None, secret, ahead: -1500 };
        let node = PhpNode { upstream: "http://a\"b\\".into(), told: node };
        let text = metrics(&Told {
            tally: &tally,
            upstreams: &[php()],
            nodes: &[node],
            connections: Connections { open: 7, limit: 10, accepted: 9 },
            reloads: Reloads { succeeded: 1, failed: 2, is_current: false, last: Moment::from_seconds(60) },
            events_dropped: 5,
            events_suppressed: 6,
            panics: 0,
            is_ready: true,
            spool_bytes: 11,
        });
        for line in [
            "# TYPE header_doctor_findings_total counter",
            "header_doctor_ready 1",
            "process_start_time_seconds 1.500",
            r#"header_doctor_exchanges_total{route="users-me",status="none"} 1"#,
            r#"header_doctor_exchanges_total{route="token",status="4xx"} 0"#,
            r#"header_doctor_preflights_total{outcome="refused"} 1"#,
            r#"header_doctor_trail_failures_total{reason="bad_seal"} 1"#,
            r#"header_doctor_trail_failures_total{reason="replayed"} 0"#,
            "# TYPE header_doctor_upstream_response_seconds histogram",
            r#"header_doctor_upstream_response_seconds_bucket{upstream="fastcgi://p:9000",le="0.005"} 3"#,
            r#"header_doctor_upstream_response_seconds_bucket{upstream="fastcgi://p:9000",le="60"} 5"#,
            r#"header_doctor_upstream_response_seconds_bucket{upstream="fastcgi://p:9000",le="+Inf"} 6"#,
            r#"header_doctor_upstream_response_seconds_sum{upstream="fastcgi://p:9000"} 61.500001"#,
            r#"header_doctor_upstream_response_seconds_count{upstream="fastcgi://p:9000"} 6"#,
            r#"header_doctor_upstream_failures_total{upstream="fastcgi://p:9000",code="header_doctor_php_queue_full"} 4"#,
            r#"header_doctor_upstream_up{upstream="fastcgi://p:9000"} 0"#,
            r#"header_doctor_php_connections{upstream="fastcgi://p:9000",state="busy"} 2"#,
            r#"header_doctor_php_connections_limit{upstream="fastcgi://p:9000"} 5"#,
            r#"header_doctor_php_queue_refused_total{upstream="fastcgi://p:9000",reason="timeout"} 1"#,
            r#"header_doctor_php_clock_offset_seconds{home="",upstream="http://a\"b\\"} -1.500"#,
            r#"header_doctor_php_secret_info{home="",upstream="http://a\"b\\",key="k1",secret="0004a"} 1"#,
            r#"header_doctor_connections_refused_total{reason="plain_http"} 1"#,
            r#"header_doctor_reloads_total{result="failure"} 2"#,
            "header_doctor_config_last_reload_successful 0",
            "header_doctor_config_last_reload_success_timestamp_seconds 60.000",
            "header_doctor_spool_bytes 11",
        ] {
            assert!(text.lines().any(|is| is == line), "{line}\n{text}");
        }
    }

    #[test]
    fn bounds_are_written_as_prometheus_writes_them() {
        assert_eq!([5, 25, 250, 2500, 60_000].map(bound), ["0.005", "0.025", "0.25", "2.5", "60"]);
    }
}
