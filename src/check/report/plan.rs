//! What would be asked, for `--dry-run`.

use super::super::conversation::Direct;
use super::super::deep::{FILLER, INSTEAD};
use super::super::examine::Task;
use super::super::plan::foreseen;
use super::super::question::{Carries, Step, USER_AGENT};
use crate::event::redact_target;

/// The requests, a line each.
#[must_use]
pub fn dry_run(task: &Task) -> String {
    let mut out = format!(
        "Would ask {} with at most {} requests, as `User-Agent: {USER_AGENT}`; nothing was sent.\n",
        task.site.place,
        task.most()
    );
    if !task.origins.is_empty() {
        let origins: Vec<_> = task.origins.iter().map(Direct::to_string).collect();
        out.push_str(&format!("Part of it goes to {}, with the same Host.\n", origins.join(", ")));
    }
    for (number, question) in (1..).zip(foreseen(task)) {
        let target = redact_target(question.target.as_bytes());
        out.push_str(&format!("{number:>3} {:<8}{target}\n", question.method));
        let mut with: Vec<String> = Vec::new();
        if question.carries != Carries::Nothing {
            with.push(question.carries.words().to_owned());
        }
        with.extend(tried(&question.step));
        with.extend(question.origin.map(|origin| format!("Origin: {origin}")));
        if !with.is_empty() {
            out.push_str(&format!("    with {}\n", with.join("; ")));
        }
    }
    if task.all_addresses {
        out.push_str(
            "What is asked of an origin goes to each address of the name, too, while requests are left.\n",
        );
    }
    if task.has_key {
        out.push_str("Each is signed by the name `client`, for the doctors on the way.\n");
    }
    out.push_str("Paths are those of a site with usual permalinks; what the site says of itself decides.\n");
    out
}

/// The field that a question tries.
fn tried(step: &Step) -> Option<String> {
    Some(match step {
        Step::Beside(beside) => beside.field().0.to_owned(),
        Step::Instead => INSTEAD.to_owned(),
        Step::Long(size) => format!("{FILLER} of {size}, until one is refused"),
        _ => return None,
    })
}
