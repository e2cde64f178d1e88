//! What can be collected, as data: the text for Prometheus is written by it, and so is `docs/reference/metrics.md`.
//!
//! Names are a contract: alerts and dashboards build on them. They follow Prometheus's conventions: base units, `_total` for what
//! only grows, `_info` for labels alone. No label is ever taken from a request.

/// How a family behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, and begins at zero with the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by how much.
    Histogram,
}

impl Kind {
    /// Prometheus's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What is collected under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it says, in one sentence.
    pub help: &'static str,
    /// Its labels, each with what its values are.
    pub labels: &'static [(&'static str, &'static str)],
}

const UPSTREAM: (&str, &str) = (
    "upstream",
    "its URL as configured; with `resolve: all` one for each address, and `other` for those beyond 64",
);

macro_rules! families {
    ($($(#[$about:meta])* $id:ident $kind:ident $name:literal [$($label:expr),*] $help:literal;)+) => {
        $(pub(super) const $id: Family =
            Family { name: $name, kind: Kind::$kind, help: $help, labels: &[$($label),*] };)+

        /// All families, in the order in which they are told.
        pub const FAMILIES: &[Family] = &[$($id),+];
    };
}

families! {
    BUILD_INFO Gauge "header_doctor_build_info"
        [("version", "of header-doctor")]
        "The version that runs.";
    READY Gauge "header_doctor_ready"
        []
        "Whether the doctor serves: 1 between the opening of its listeners and the signal to stop, as at /readyz.";
    START_TIME Gauge "process_start_time_seconds"
        []
        "When the process began, in seconds since 1970.";
    CPU_SECONDS Counter "process_cpu_seconds_total"
        []
        "Processor time that the process took, in its own code and in the kernel.";
    RESIDENT_MEMORY Gauge "process_resident_memory_bytes"
        []
        "Memory of the process that is in RAM.";
    OPEN_FDS Gauge "process_open_fds"
        []
        "File descriptors that are open.";
    MAX_FDS Gauge "process_max_fds"
        []
        "File descriptors that may be open.";

    EXCHANGES Counter "header_doctor_exchanges_total"
        [
            ("route", "`token`, `validate`, `refresh`, `users-me`, `public` (what core shows to anybody), `rest` (any other REST route), \
             `other` (pages), `static` (files that the doctor has itself), `preflight`, `unread` (no request that could be read)"),
            ("status", "`1xx` to `5xx`; `none` where there was no reply")
        ]
        "Exchanges, each once when its status is known.";
    PREFLIGHTS Counter "header_doctor_preflights_total"
        [("outcome", "`answered` or `refused` by the doctor, or `passed` on to WordPress")]
        "CORS preflights.";
    FINDINGS Counter "header_doctor_findings_total"
        [
            ("rule", "its name, as in `header-doctor explain RULE`"),
            ("proof", "`possible`, `likely`, `proved`"),
            ("severity", "`note`, `warning`, `error`")
        ]
        "Findings, by rule and by how sure and how grave they are.";
    LOSSES Counter "header_doctor_losses_total"
        [
            ("header", "in small letters"),
            ("change", "`missing`, `emptied`, `moved`, `replaced`, `truncated` and the like"),
            ("after", "the last hop that had it: `client`, `edge`, `doctor`, `web-server`, `php`, or the name of a doctor; `other` for names beyond 16"),
            ("before", "the first hop that had it no more, likewise"),
            ("proof", "`possible`, `likely`, `proved`")
        ]
        "Headers that findings say were lost or changed, once for each exchange and loss.";
    TRAIL_FAILURES Counter "header_doctor_trail_failures_total"
        [("reason", "`too_long`, `malformed`, `unknown_key`, `bad_seal` (not of this request), `clock_off`, `replayed`, `own_name` (it was here before), \
          `missing` (`trail.after` names a doctor and none signed), `other_exchange` (a report that a cache kept)")]
        "Trails of requests and reports of replies that count for nothing.";

    RESPONSE_SECONDS Histogram "header_doctor_upstream_response_seconds"
        [UPSTREAM]
        "Time to the first head of an upstream's reply: from the head of the request, for PHP from its whole body, after a failed try from there.";
    UPSTREAM_FAILURES Counter "header_doctor_upstream_failures_total"
        [UPSTREAM, ("code", "`header_doctor_...`, as in the log")]
        "Requests that an upstream left without a whole reply; one that is sent again counts for each.";
    IN_FLIGHT Gauge "header_doctor_upstream_requests_in_flight"
        [UPSTREAM]
        "Requests to an upstream whose reply has not ended.";
    UPSTREAM_UP Gauge "header_doctor_upstream_up"
        [UPSTREAM]
        "Whether an upstream is asked (1), or left out for a while because it failed (0); one that has no other beside it never is.";
    IDLE Gauge "header_doctor_upstream_connections_idle"
        [UPSTREAM]
        "Connections to an upstream that are kept and not in use, in HTTP/1.1 and FastCGI.";
    OPENED Counter "header_doctor_upstream_connections_opened_total"
        [UPSTREAM]
        "Connections that were made to an upstream.";
    PHP_CONNECTIONS Gauge "header_doctor_php_connections"
        [UPSTREAM, ("state", "`busy` or `idle`: a kept one occupies a worker of PHP all the same")]
        "Connections to PHP-FPM.";
    PHP_LIMIT Gauge "header_doctor_php_connections_limit"
        [UPSTREAM]
        "Connections that there may be to PHP-FPM (`max_connections`), where that is limited.";
    PHP_QUEUE Gauge "header_doctor_php_queue_length"
        [UPSTREAM]
        "Requests that wait for a connection to PHP-FPM.";
    PHP_REFUSED Counter "header_doctor_php_queue_refused_total"
        [UPSTREAM, ("reason", "`full` (`queue.length`) or `timeout` (`queue.timeout`)")]
        "Requests that got no connection to PHP-FPM.";
    PHP_CLOCK Gauge "header_doctor_php_clock_offset_seconds"
        [("home", "the site's address, as PHP tells it"), UPSTREAM]
        "How far PHP's clock was ahead of the doctor's when it last told (php-hop), within ten minutes.";
    PHP_SECRET Gauge "header_doctor_php_secret_info"
        [
            ("home", "the site's address, as PHP tells it"),
            UPSTREAM,
            ("key", "the shared key"),
            ("secret", "twenty bits under that key: equal ones stand for equal secrets")
        ]
        "Twenty bits under the shared key that stand for the secret of tokens, as PHP last told them (php-hop).";

    CONNECTIONS Gauge "header_doctor_connections"
        []
        "Connections of clients that are open.";
    CONNECTIONS_LIMIT Gauge "header_doctor_connections_limit"
        []
        "Connections of clients that may be open (`limits.connections`).";
    ACCEPTED Counter "header_doctor_connections_accepted_total"
        []
        "Connections of clients, those that were refused among them.";
    REFUSED Counter "header_doctor_connections_refused_total"
        [("reason", "`too_many`, `too_many_of_address`, `plain_http` (on a port of HTTPS), `proxy_protocol`")]
        "Connections of clients that were refused before their first request.";
    HANDSHAKES_FAILED Counter "header_doctor_tls_handshakes_failed_total"
        []
        "TLS handshakes that failed.";

    RELOADS Counter "header_doctor_reloads_total"
        [("result", "`success` or `failure`; the same mistake in the same file counts once")]
        "Attempts to put a changed configuration in force.";
    RELOAD_SUCCESSFUL Gauge "header_doctor_config_last_reload_successful"
        []
        "Whether the configuration in the file is the one in force (1), or the one before it is because the file is wrong (0).";
    RELOAD_TIME Gauge "header_doctor_config_last_reload_success_timestamp_seconds"
        []
        "When the configuration in force was put in force, in seconds since 1970.";
    SUPPRESSED Counter "header_doctor_events_suppressed_total"
        []
        "Sick exchanges that were like one in the log, and stand there in a summary alone.";
    DROPPED Counter "header_doctor_events_dropped_total"
        []
        "Events that the log could not take, or could not write.";
    PANICS Counter "header_doctor_panics_total"
        []
        "Defects of the doctor itself that were caught; the log says where.";
    SPOOL Gauge "header_doctor_spool_bytes"
        []
        "What files of `spool.directory` hold of the bodies of requests to PHP-FPM.";
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, Kind};

    #[test]
    fn names_are_unique_and_say_what_only_grows() {
        for (place, family) in FAMILIES.iter().enumerate() {
            assert!(
                !FAMILIES.iter().skip(place + 1).any(|other| other.name == family.name),
                "{}",
                family.name
            );
            assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
            assert!(family.help.ends_with('.'), "{}", family.help);
        }
    }
}
