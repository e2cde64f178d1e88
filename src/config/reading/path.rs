//! Where in the file a value stands, as people write it: `sites[0].upstreams[0].url`.
//!
//! A path is all that a check needs to know about a mistake. The line and column are found afterwards, by
//! reading the file once more up to that path, so no setting has to carry its position around.

use std::fmt;

/// The way from the top of the file to one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a mapping, by key.
    Key(String),
    /// Into a list, by position.
    Index(usize),
}

impl Path {
    /// Goes one step further down.
    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Goes back up; false at the top.
    pub(crate) fn pop(&mut self) -> bool {
        self.0.pop().is_some()
    }

    /// The same place seen from one level further up.
    #[must_use]
    pub(crate) fn under(mut self, step: Step) -> Self {
        self.0.insert(0, step);
        self
    }
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if depth == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = Path::default().under("url".into()).under(0.into()).under("upstreams".into());
        assert_eq!(path.to_string(), "upstreams[0].url");
        assert_eq!(path.under(2.into()).under("sites".into()).to_string(), "sites[2].upstreams[0].url");
    }
}
