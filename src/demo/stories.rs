//! The stories, in the order in which they are told: one request each, what must come of it, and what it teaches.
//!
//! To add one, add an entry.

use super::wordpress::{ADMIN, READER, User};
use crate::diagnosis::Proof;

/// Somebody's request, and what must come of it.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    pub(super) title: &'static str,
    pub(super) door: Door,
    pub(super) method: &'static str,
    /// Below `/wp-json`.
    pub(super) route: &'static str,
    pub(super) credential: Credential,
    pub(super) fields: &'static [(&'static str, &'static str)],
    pub(super) answer: Answer,
    pub(super) verdict: Verdict,
    pub(super) lesson: &'static str,
}

/// The way to WordPress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The doctor, then nginx.
    Nginx,
    /// The doctor, then Apache.
    Apache,
    /// The doctor, then a password gate.
    Gate,
    /// The edge, then the doctor and nginx.
    Edge,
    /// A doctor, a proxy that deletes `Authorization`, a second doctor, and nginx.
    Pair,
}

impl Door {
    /// How many doctors stand behind it.
    pub(super) const fn doctors(self) -> usize {
        if matches!(self, Self::Pair) { 2 } else { 1 }
    }
}

/// What the client sends as `Authorization`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Credential {
    /// Nothing.
    None,
    /// A good token of this user, which a story shows as this variable.
    Token(User, &'static str),
    /// A token of this user whose time is over, likewise.
    Expired(User, &'static str),
    /// `Bearer` and this word.
    Word(&'static str),
}

/// The status, and the code in the body; empty when it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer(pub(super) u16, pub(super) &'static str);

/// What the doctor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Silence,
    /// This rule, this sure.
    Rule(&'static str, Proof),
}

const ME: &str = "/wp/v2/users/me";

/// What most stories have in common.
const PLAIN: Story = Story {
    title: "",
    door: Door::Nginx,
    method: "GET",
    route: ME,
    credential: Credential::Token(ADMIN, "TOKEN"),
    fields: &[],
    answer: Answer(200, ""),
    verdict: Verdict::Silence,
    lesson: "",
};

/// All stories.
pub const STORIES: &[Story] = &[
    Story {
        title: "A healthy request",
        lesson: "The token reached WordPress, so there is nothing to report. Healthy traffic stays silent.",
        ..PLAIN
    },
    Story {
        title: "The web server eats the header, and WordPress says so",
        door: Door::Apache,
        method: "POST",
        route: "/jwt-auth/v1/token/validate",
        answer: Answer(403, "jwt_auth_no_auth_header"),
        verdict: Verdict::Rule("authorization-lost-before-php", Proof::Likely),
        lesson: "One line of Apache's configuration cures it. A new token or a new secret would not.",
        ..PLAIN
    },
    Story {
        title: "The same loss on an ordinary route",
        door: Door::Apache,
        answer: Answer(401, "rest_not_logged_in"),
        verdict: Verdict::Rule("authorization-lost-before-php", Proof::Possible),
        lesson: "Here WordPress says what it says to any stranger. The doctor names the question that decides.",
        ..PLAIN
    },
    Story {
        title: "An edge in front of the doctor moves the header to another name",
        door: Door::Edge,
        answer: Answer(401, "rest_not_logged_in"),
        verdict: Verdict::Rule("authorization-lost-before-doctor", Proof::Proved),
        lesson: "The same words from WordPress, but the loss is on the other side of the doctor, at another desk.",
        ..PLAIN
    },
    Story {
        title: "Two doctors with a proxy between them that deletes the header",
        door: Door::Pair,
        answer: Answer(401, "rest_not_logged_in"),
        verdict: Verdict::Rule("authorization-lost-between-doctors", Proof::Proved),
        lesson: "Each doctor signed what it saw, so the place is proved, and both logs tell the same story.",
        ..PLAIN
    },
    Story {
        title: "The client sends the word undefined",
        credential: Credential::Word("undefined"),
        answer: Answer(403, "jwt_auth_invalid_token"),
        verdict: Verdict::Rule("placeholder-token", Proof::Proved),
        lesson: "The program asked before it had its token. No server is at fault, and no secret.",
        ..PLAIN
    },
    Story {
        title: "The token is too old",
        credential: Credential::Expired(ADMIN, "OLD_TOKEN"),
        answer: Answer(403, "jwt_auth_invalid_token"),
        verdict: Verdict::Rule("token-expired", Proof::Proved),
        lesson: "The same status and the same code as before, another cause and another cure.",
        ..PLAIN
    },
    Story {
        title: "A subscriber asks for what editors may see",
        route: "/my-app/v1/reports",
        credential: Credential::Token(READER, "READER_TOKEN"),
        answer: Answer(403, "rest_forbidden"),
        verdict: Verdict::Rule("permission-refused", Proof::Proved),
        lesson: "Authentication worked. Nothing on the way is broken, so this is a note and no alarm.",
        ..PLAIN
    },
    Story {
        title: "A password gate in front of WordPress",
        door: Door::Gate,
        answer: Answer(401, ""),
        verdict: Verdict::Rule("gate-in-front", Proof::Proved),
        lesson: "WordPress was never asked: the gate took the token for a wrong password.",
        ..PLAIN
    },
    Story {
        title: "A browser asks first for a page of an unknown origin (CORS preflight)",
        method: "OPTIONS",
        credential: Credential::None,
        fields: &[
            ("Origin", "https://other.example.com"),
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "authorization"),
        ],
        answer: Answer(403, "header_doctor_preflight_refused"),
        verdict: Verdict::Rule("preflight-refused", Proof::Proved),
        lesson: "WordPress itself lets the scripts of every origin in, with credentials. The doctor keeps to a list.",
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use super::{STORIES, Verdict};
    use crate::diagnosis;

    #[test]
    fn every_story_has_a_title_of_its_own_and_a_lesson_and_names_a_rule() {
        for story in STORIES {
            let title = story.title;
            assert_eq!(STORIES.iter().filter(|other| other.title == title).count(), 1, "{title}");
            assert!(story.lesson.ends_with('.'), "{title}");
            if let Verdict::Rule(rule, _) = story.verdict {
                assert!(diagnosis::rule(rule).is_some(), "{title}: {rule}");
            }
        }
    }
}
