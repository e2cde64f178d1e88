//! What the doctors of one path told one another of a request.
//!
//! It is more than inference: each doctor signed what it saw, so where two neighbours differ, what lies between them is
//! proved to have changed the request, and everything else on the path is proved innocent of it.

use std::time::Duration;

use super::change::{Change, Changed};
use super::hop_name::HopName;
use super::sighting::{Sightings, Watched};

/// The way from one doctor to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The doctor that sent.
    pub after: HopName,
    /// The next one, where it arrived.
    pub before: HopName,
    /// What was sent; nothing where it had to be left out, or where the judgement alone was handed on.
    pub sent: Option<Sightings>,
    /// What arrived, likewise.
    pub arrived: Option<Sightings>,
    /// What differs, as the doctor judged where it arrived.
    pub changes: Vec<Changed>,
}

impl Crossing {
    /// Whether it leads to PHP.
    #[must_use]
    pub fn is_to_php(&self) -> bool {
        self.before.is_php()
    }

    /// Where it leads, as a verdict says it.
    #[must_use]
    pub fn to(&self) -> &str {
        if self.is_to_php() { "PHP" } else { self.before.as_str() }
    }

    /// What happened to a header here.
    #[must_use]
    pub fn change(&self, header: Watched) -> Option<&Changed> {
        self.changes.iter().find(|changed| changed.header == header)
    }

    /// Whether its value did not survive the way.
    #[must_use]
    pub fn spoils(&self, header: Watched) -> bool {
        self.change(header).is_some_and(|changed| changed.change != Change::Respelled)
    }
}

/// Whose clock is ahead, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// That of the doctor in front.
    Theirs(Duration),
    /// This doctor's.
    Ours(Duration),
}

/// What became of the trail that a doctor in front signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrival {
    /// None came, and none was to be expected.
    #[default]
    None,
    /// It came and is believed.
    Believed,
    /// It was to be expected and did not come, or not so that it can be believed.
    Lost,
    /// It was signed with a shared key, at another time than ours.
    Skewed(Skew),
}

/// What became of the report from the doctor behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    /// None came, or none that can be believed.
    #[default]
    None,
    /// It came and is believed.
    Believed,
    /// It is signed with a shared key and tells of another exchange.
    Another,
}

/// What the doctors told one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// What this doctor is called.
    pub own: HopName,
    /// The doctor in front, as the configuration names it or as it signed.
    pub front: Option<HopName>,
    /// The ways before this doctor, in the order of the path.
    pub before: Vec<Crossing>,
    /// The ways behind it, likewise.
    pub behind: Vec<Crossing>,
    /// The way from the last doctor to PHP, where the plugin answered there.
    pub php: Option<Crossing>,
    /// The trail.
    pub arrival: Arrival,
    /// The report.
    pub report: Return,
    /// Whether all this is signed; otherwise it was put together from logs, and nothing is proved.
    pub is_signed: bool,
}

impl Company {
    /// A doctor alone.
    #[must_use]
    pub const fn of(own: HopName) -> Self {
        Self {
            own,
            front: None,
            before: Vec::new(),
            behind: Vec::new(),
            php: None,
            arrival: Arrival::None,
            report: Return::None,
            is_signed: true,
        }
    }

    /// All ways between doctors, in the order of the path.
    pub fn crossings(&self) -> impl Iterator<Item = &Crossing> {
        self.before.iter().chain(&self.behind)
    }

    /// The same, and the way to PHP.
    fn ways(&self) -> impl Iterator<Item = &Crossing> {
        self.crossings().chain(&self.php)
    }

    /// The first way on which something happened to a header, and what: something that lasts, if there is such, or else
    /// something that spoils its value. Another spelling in front hides no loss behind it.
    #[must_use]
    pub fn first(&self, header: Watched) -> Option<(&Crossing, &Changed)> {
        let spoils = |crossing: &&Crossing| crossing.spoils(header);
        let lasts = |crossing: &&Crossing| spoils(crossing) && !self.is_put_back(crossing, header);
        let found = self.ways().find(lasts).or_else(|| self.ways().find(spoils));
        let found = found.or_else(|| self.ways().find(|crossing| crossing.change(header).is_some()))?;
        Some((found, found.change(header)?))
    }

    /// Whether a header that was gone after this way was sent on again by a doctor behind it.
    #[must_use]
    pub fn is_put_back(&self, way: &Crossing, header: Watched) -> bool {
        let behind = self.ways().skip_while(|crossing| *crossing != way).skip(1);
        let mut sent = behind.filter_map(|crossing| crossing.sent);
        let is_gone = way.change(header).is_some_and(|changed| {
            matches!(changed.change, Change::Missing | Change::Emptied | Change::Moved)
        });
        is_gone && sent.any(|sent| sent.of(header).once().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{Company, Crossing};
    use crate::evidence::{Change, Changed, HopName, Watched, look};
    use crate::message::Fields;
    use crate::secret::Key;

    fn name(text: &str) -> HopName {
        HopName::new(text).unwrap()
    }

    fn crossing(after: &str, before: &str, changes: &[(Watched, Change)]) -> Crossing {
        let changed =
            |(header, change): &(Watched, Change)| Changed { header: *header, change: *change, to: None };
        Crossing {
            after: name(after),
            before: name(before),
            sent: None,
            arrived: None,
            changes: changes.iter().map(changed).collect(),
        }
    }

    #[test]
    fn the_first_way_that_changed_a_header_is_found_on_the_whole_path() {
        let company = Company {
            before: vec![
                crossing("client", "edge", &[]),
                crossing("edge", "shield", &[(Watched::Origin, Change::Replaced)]),
            ],
            behind: vec![
                crossing("shield", "sidecar", &[(Watched::Authorization, Change::Moved)]),
                crossing(
                    "sidecar",
                    "php",
                    &[(Watched::Origin, Change::Missing), (Watched::Host, Change::Added)],
                ),
            ],
            ..Company::of(name("shield"))
        };
        let first = |header| {
            let (crossing, changed) = company.first(header)?;
            Some((crossing.after.as_str(), crossing.before.as_str(), changed.change))
        };
        assert_eq!(first(Watched::Origin), Some(("edge", "shield", Change::Replaced)));
        assert_eq!(first(Watched::Authorization), Some(("shield", "sidecar", Change::Moved)));
        assert_eq!(first(Watched::Host), Some(("sidecar", "php", Change::Added)));
        assert_eq!(first(Watched::Cookie), None);
        assert_eq!(Company::of(name("edge")).first(Watched::Origin), None);
    }

    #[test]
    fn another_spelling_hides_no_loss_behind_it() {
        let authorization = |change| vec![(Watched::Authorization, change)];
        let company = Company {
            before: vec![
                crossing("edge", "shield", &authorization(Change::Respelled)),
                crossing("shield", "sidecar", &authorization(Change::Missing)),
            ],
            ..Company::of(name("sidecar"))
        };
        let (at, changed) = company.first(Watched::Authorization).unwrap();
        assert_eq!((at.after.as_str(), changed.change), ("shield", Change::Missing));
    }

    #[test]
    fn what_was_put_back_hides_no_loss_behind_it() {
        let fields = Fields::from([("Authorization", "Bearer a")]);
        let seen = look(&fields).sightings(&fields, &Key::from_bytes(&[1; 32]));
        let moved = crossing("edge", "shield", &[(Watched::Authorization, Change::Moved)]);
        let sent_on = |changes| Crossing { sent: Some(seen), ..crossing("shield", "sidecar", changes) };
        let first = |behind| {
            let company = Company { before: vec![moved.clone(), behind], ..Company::of(name("sidecar")) };
            company.first(Watched::Authorization).map(|(_, changed)| changed.change)
        };
        assert_eq!(first(sent_on(&[(Watched::Authorization, Change::Missing)])), Some(Change::Missing));
        assert_eq!(first(sent_on(&[])), Some(Change::Moved));
    }

    #[test]
    fn another_spelling_spoils_nothing() {
        for change in Change::ALL {
            let crossing = crossing("edge", "sidecar", &[(Watched::Authorization, change)]);
            assert_eq!(crossing.spoils(Watched::Authorization), change != Change::Respelled, "{change}");
            assert!(!crossing.spoils(Watched::Cookie));
        }
    }
}
