//! What the doctor counts and knows, in the text that Prometheus reads (exposition format 0.0.4).
//!
//! Nothing here is of one request: counts, and of PHP what it tells of itself where its plugin answers. Names are those of
//! Prometheus's conventions: base units, `_total` for what only grows, `_info` for labels alone.

use std::fmt::Write as _;

use crate::event::Tally;
use crate::evidence::{PhpNode, Word};

/// The text of it all.
#[must_use]
pub fn metrics(tally: &Tally, nodes: &[PhpNode]) -> String {
    let mut text = Text::default();
    text.family("header_doctor_build_info", "gauge", "The version that runs.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], "1");
    text.family("header_doctor_exchanges_total", "counter", "Requests that were read.");
    text.sample(&[], &tally.exchanges().to_string());
    text.family("header_doctor_findings_total", "counter", "Findings, by rule.");
    for (rule, count) in tally.findings() {
        text.sample(&[("rule", rule)], &count.to_string());
    }
    text.family("header_doctor_tls_handshakes_failed_total", "counter", "TLS handshakes that failed.");
    text.sample(&[], &tally.failed_handshakes().to_string());
    text.family(
        "header_doctor_php_clock_offset_seconds",
        "gauge",
        "How far PHP's clock was ahead of the doctor's when it last told (php-hop), within ten minutes.",
    );
    for node in nodes {
        text.sample(&labels(node), &seconds(node.told.ahead));
    }
    text.family(
        "header_doctor_php_secret_info",
        "gauge",
        "Twenty bits under the shared key that stand for the secret of tokens, as PHP last told them (php-hop).",
    );
    for node in nodes {
        let Some(secret) = &node.told.secret else { continue };
        let bits = format!("{:05x}", secret.bits);
        let more = [("key", secret.key.as_str()), ("secret", &*bits)];
        text.sample(&[&labels(node)[..], &more].concat(), "1");
    }
    text.0
}

fn labels(node: &PhpNode) -> [(&'static str, &str); 2] {
    let home = node.told.home.as_ref().map_or("", Word::as_str);
    [("home", home), ("upstream", &node.upstream)]
}

fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000)
}

/// Families and their samples, one after the other.
#[derive(Default)]
struct Text(String, &'static str);

impl Text {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.1 = name;
        // Writing to a String cannot fail.
        let _written = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: &str) {
        let pairs: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _written = writeln!(self.0, "{}{labels} {value}", self.1);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::metrics;
    use crate::event::Tally;
    use crate::evidence::{PhpNode, PhpTold, Secret};
    use crate::moment::Moment;
    use crate::secret::KeyId;

    #[test]
    fn what_is_counted_and_told_is_written_as_prometheus_reads_it() {
        let tally = Tally::new(Moment::default());
        tally.count(true);
        let _scope = tally.find("token-expired", true);
        let secret = Some(Secret { key: KeyId::new("k1").unwrap(), bits: 0x4a });
        let told = PhpTold { home: None, secret, ahead: -1500 };
        let node = PhpNode { site: "s".into(), upstream: "http://a\"b\\".into(), told };
        let text = metrics(&tally, &[node]);
        for line in [
            "# TYPE header_doctor_findings_total counter",
            "header_doctor_exchanges_total 1",
            r#"header_doctor_findings_total{rule="token-expired"} 1"#,
            r#"header_doctor_php_clock_offset_seconds{home="",upstream="http://a\"b\\"} -1.500"#,
            r#"header_doctor_php_secret_info{home="",upstream="http://a\"b\\",key="k1",secret="0004a"} 1"#,
        ] {
            assert!(text.lines().any(|is| is == line), "{line}\n{text}");
        }
    }
}
