//! Keys `keep_alive`, `max_connections` and `queue` of an upstream that is PHP-FPM: how many of its workers the doctor may
//! occupy, and who waits for one.

use super::error::{Problem, Refused};
use super::reading::{Leaf, Scalar};
use super::sites::Site;
use super::upstreams::Upstream;
use super::values::{Speaks, Target, Timeout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How many connections there may be to PHP-FPM, over all workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connections {
    /// How many are kept open between two requests; below `max_connections`.
    pub keep_alive: usize,
    /// The most at a time; nothing for any number.
    pub max_connections: Option<usize>,
    /// How many requests may wait for one.
    pub queue_length: usize,
    /// How long each may wait.
    pub queue_timeout: Duration,
}

impl Connections {
    /// Any number, and none kept.
    pub(super) const DEFAULT: Self = Self {
        keep_alive: 0,
        max_connections: None,
        queue_length: 1024,
        queue_timeout: Duration::from_secs(10),
    };
}

/// The keys as they stand in the file.
pub(super) struct Keys {
    pub(super) keep_alive: Option<Scalar<Kept>>,
    pub(super) max_connections: Option<Scalar<Most>>,
    pub(super) queue: Option<Queue>,
}

/// `queue` of an upstream in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    /// How many requests may wait for a connection to PHP-FPM; 1024 when absent. One more gets 503 at once.
    length: Option<Scalar<Kept>>,
    /// How long each may wait, and gets 503 then; 10s when absent.
    timeout: Option<Scalar<Timeout>>,
}

/// What of it is said of PHP-FPM; of nothing else may any be said.
pub(super) fn check(target: &Target, keys: Keys) -> Result<Connections, Problem> {
    let said = [
        ("keep_alive", keys.keep_alive.is_some()),
        ("max_connections", keys.max_connections.is_some()),
        ("queue", keys.queue.is_some()),
    ];
    if target.speaks != Speaks::FastCgi
        && let Some((key, _)) = said.iter().find(|(_, is_said)| *is_said)
    {
        let message = "belongs to PHP-FPM; write fastcgi:// or fastcgi+unix: in `url`, or leave it out";
        return Err(Problem::here(message).under(*key));
    }
    let queue = keys.queue.unwrap_or_default();
    let default = Connections::DEFAULT;
    let connections = Connections {
        keep_alive: keys.keep_alive.map_or(default.keep_alive, |set| set.0.0),
        max_connections: keys.max_connections.map_or(default.max_connections, |set| set.0.0),
        queue_length: queue.length.map_or(default.queue_length, |set| set.0.0),
        queue_timeout: queue.timeout.map_or(default.queue_timeout, |set| set.0.0),
    };
    match connections {
        Connections { keep_alive: kept, max_connections: Some(most), .. } if kept >= most => {
            let message = format!(
                "{kept} is not below max_connections ({most}), so that connections nobody uses could occupy all workers \
                 of PHP; write at most {}",
                most - 1
            );
            Err(Problem::here(message).under("keep_alive"))
        }
        connections => Ok(connections),
    }
}

/// Checks that sites which ask the same PHP say the same of it: its workers are shared.
pub(super) fn check_alike(sites: &[Site]) -> Result<(), Problem> {
    let mut known: Vec<(&Upstream, usize, usize)> = Vec::new();
    for (site, of) in sites.iter().enumerate() {
        for (place, upstream) in of.upstreams.iter().enumerate().filter(|(_, one)| one.scripts.is_some()) {
            let Some((other, first, at)) = known.iter().find(|(other, ..)| other.address == upstream.address)
            else {
                known.push((upstream, site, place));
                continue;
            };
            if other.connections != upstream.connections {
                let message = format!(
                    "is also asked by sites[{first}].upstreams[{at}], with another keep_alive, max_connections or queue; \
                     write the same in both, for they share its workers"
                );
                return Err(Problem::here(message).under(place).under("upstreams").under(site));
            }
        }
    }
    Ok(())
}

impl From<&Connections> for Keys {
    fn from(connections: &Connections) -> Self {
        let queue = Queue {
            length: Some(Scalar(Kept(connections.queue_length))),
            timeout: Some(Scalar(Timeout(connections.queue_timeout))),
        };
        Self {
            keep_alive: Some(Scalar(Kept(connections.keep_alive))),
            max_connections: Some(Scalar(Most(connections.max_connections))),
            queue: Some(queue),
        }
    }
}

/// More than any pool has workers, and than any system holds descriptors.
const LARGEST: usize = 1 << 20;

/// A number that may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept(usize);

impl FromStr for Kept {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let number = number(text).filter(|number| *number <= LARGEST);
        number.map(Self).ok_or_else(|| Refused::new("is not a number", "write 0 to 1048576, such as 4"))
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Kept {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "integer", "minimum": 0, "maximum": LARGEST }),
            json!({ "type": "string", "pattern": "^[0-9]{1,7}$" }),
        ]
    }
}

/// A number of connections, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Most(Option<usize>);

impl FromStr for Most {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let number = number(text).filter(|number| (1..=LARGEST).contains(number));
        number.map(|number| Self(Some(number))).ok_or_else(|| {
            let right =
                "write `unlimited`, or the number of PHP-FPM's workers (`pm.max_children`), such as 5";
            Refused::new("is not a number of connections", right)
        })
    }
}

impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("unlimited"),
        }
    }
}

impl Leaf for Most {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "const": "unlimited" }),
            json!({ "type": "integer", "minimum": 1, "maximum": LARGEST }),
            json!({ "type": "string", "pattern": "^0*[1-9][0-9]{0,6}$" }),
        ]
    }
}

fn number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Kept, Most};

    #[test]
    fn connections_are_counted_in_whole_numbers() {
        assert_eq!("0".parse(), Ok(Kept(0)));
        assert_eq!("12".parse(), Ok(Most(Some(12))));
        assert_eq!("unlimited".parse::<Most>().unwrap().to_string(), "unlimited");
        for text in ["-1", "+1", "1k", "1048577", "", "none"] {
            let refused = text.parse::<Kept>().unwrap_err().to_string();
            assert_eq!(refused, "is not a number; write 0 to 1048576, such as 4");
            assert!(text.parse::<Most>().is_err());
        }
        let refused = "0".parse::<Most>().unwrap_err().to_string();
        assert!(refused.contains("write `unlimited`, or the number of PHP-FPM's workers"), "{refused}");
    }
}
