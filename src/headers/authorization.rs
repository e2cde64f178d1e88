//! `Authorization` goes on byte for byte, or the request is refused.
//!
//! Two things may be done beside that, where an operator asks for them. *Recover*: a hop in front moved the value to
//! another name (`x-amzn-Remapped-Authorization`), and it is put back. *Mirror*: a hop behind drops the field, and
//! a copy under another name gets past it.

use super::{FieldName, Peer};
use crate::evidence::{Credential, Placeholder, Token};
use crate::message::{Fields, Name, Span};

/// Why a request's credentials may not be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCredentials {
    /// The field is no list (RFC 9110 §5.3, §11.6.2). nginx answers 400, Apache joins the two, PHP keeps the
    /// last: whichever WordPress sees, the client would not know.
    #[error("there is more than one Authorization field; send exactly one")]
    Twice,
    /// A word stands where a token should, and the policy refuses that.
    #[error(
        "the token is the word {0}, which no token is: the client had none yet; \
         send no Authorization until the token is there"
    )]
    Placeholder(Placeholder),
}

impl BadCredentials {
    /// The stable code of the reply's JSON body and of the event.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Twice => "header_doctor_authorization_twice",
            Self::Placeholder(_) => "header_doctor_placeholder_token",
        }
    }
}

/// Refuses what cannot be forwarded in one meaning.
///
/// # Errors
/// There are two `Authorization` fields.
pub fn check(fields: &Fields) -> Result<(), BadCredentials> {
    if fields.all(Name::Authorization).nth(1).is_some() { Err(BadCredentials::Twice) } else { Ok(()) }
}

/// What may be done about `Authorization`. By default it goes on as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Where it may be found when it is absent; no name twice.
    pub recover_from: Vec<FieldName>,
    /// Where it is copied to; no name twice.
    pub mirror_to: Vec<FieldName>,
    /// What becomes of `Bearer undefined`.
    pub placeholder_tokens: PlaceholderTokens,
}

/// What becomes of a request whose token is a placeholder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaceholderTokens {
    /// It goes on, and is diagnosed when WordPress refuses it.
    #[default]
    Report,
    /// The doctor answers 400 itself: nothing is wrong with the way, and WordPress is spared the request.
    Refuse,
}

/// What became of the wish to recover `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery<'p> {
    /// There was nothing to recover: it arrived, or no source has a value.
    Nothing,
    /// It was taken from this field, which is gone.
    From(&'p FieldName),
    /// A source has a value, and it was left where it is.
    Withheld(Withheld<'p>),
}

/// Why a value was not recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld<'p> {
    /// Whoever may set the field could log in with it, and this peer is not a trusted proxy.
    #[error("the peer that sent {0} is not among the trusted proxies")]
    Untrusted(&'p FieldName),
    /// Two fields have values, and nothing says which one counts.
    #[error("{0} and {1} both have a value")]
    SeveralSources(&'p FieldName, &'p FieldName),
    /// One field stands there more than once.
    #[error("{0} stands there more than once")]
    SeveralLines(&'p FieldName),
}

impl Policy {
    /// Does what the policy says: refuses, recovers, mirrors. Call it after `hop_by_hop::remove`, since else a client
    /// could nominate the mirrored fields away.
    ///
    /// # Errors
    /// The request may not be forwarded; its fields are then half treated.
    pub fn apply(&self, fields: &mut Fields, peer: &Peer) -> Result<Recovery<'_>, BadCredentials> {
        check(fields)?;
        let recovery = self.recover(fields, peer);
        self.check_token(fields)?;
        self.mirror(fields);
        Ok(recovery)
    }

    fn recover(&self, fields: &mut Fields, peer: &Peer) -> Recovery<'_> {
        if self.recover_from.is_empty()
            || fields.first(Name::Authorization).is_some_and(|value| !value.is_empty())
        {
            return Recovery::Nothing;
        }
        match self.source(fields, peer) {
            Ok(None) => Recovery::Nothing,
            Err(withheld) => Recovery::Withheld(withheld),
            Ok(Some((source, value))) => {
                fields.retain(|field| field.id != Name::Authorization && !source.names(&field));
                fields.push(Name::Authorization, value);
                Recovery::From(source)
            }
        }
    }

    /// The one source that has a value.
    fn source(&self, fields: &Fields, peer: &Peer) -> Result<Option<(&FieldName, Span)>, Withheld<'_>> {
        let mut found: Option<(&FieldName, Span)> = None;
        for source in &self.recover_from {
            let Some(value) = value_of(source, fields)? else { continue };
            if let Some((first, _)) = found {
                return Err(Withheld::SeveralSources(first, source));
            }
            found = Some((source, value));
        }
        match found {
            Some((source, _)) if !peer.is_trusted() => Err(Withheld::Untrusted(source)),
            found => Ok(found),
        }
    }

    fn check_token(&self, fields: &Fields) -> Result<(), BadCredentials> {
        if self.placeholder_tokens == PlaceholderTokens::Report {
            return Ok(());
        }
        match fields.first(Name::Authorization).map(Credential::of) {
            Some(Credential::Bearer(Token::Placeholder(word))) => Err(BadCredentials::Placeholder(word)),
            _ => Ok(()),
        }
    }

    /// The mirrored names are ours alone: whatever the client says under them goes, also without `Authorization`, and
    /// in every spelling that PHP takes for them.
    fn mirror(&self, fields: &mut Fields) {
        if self.mirror_to.is_empty() {
            return;
        }
        fields.retain(|field| !self.mirror_to.iter().any(|name| name.is_taken_for(&field)));
        let Some(value) =
            fields.entries().find(|entry| entry.id == Name::Authorization).map(|entry| entry.value)
        else {
            return;
        };
        if value.is_empty() {
            return;
        }
        for name in &self.mirror_to {
            let name = fields.store(name.as_str().as_bytes());
            fields.push_span(name, value);
        }
    }
}

/// The value of the only line of `source` when it has one.
fn value_of<'p>(source: &'p FieldName, fields: &Fields) -> Result<Option<Span>, Withheld<'p>> {
    let mut values = fields.entries().filter(|entry| {
        source.names(&crate::message::Field { id: entry.id, name: fields.text(entry.name), value: b"" })
    });
    let Some(first) = values.next() else { return Ok(None) };
    let rest_is_empty = first.value.is_empty() && values.all(|entry| entry.value.is_empty());
    if rest_is_empty {
        return Ok(None);
    }
    let is_only = !first.value.is_empty() && values.next().is_none();
    if is_only { Ok(Some(first.value)) } else { Err(Withheld::SeveralLines(source)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{BadCredentials, PlaceholderTokens, Policy, Recovery, Withheld, check};
    use crate::headers::{FieldName, Peer, Scheme, Trusted};
    use crate::message::{Fields, Name};

    fn names(list: &[&str]) -> Vec<FieldName> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn peer(address: &str) -> Peer {
        Peer::new(address.parse().unwrap(), &Trusted::new(vec!["private".parse().unwrap()]), Scheme::Http)
    }

    fn proxy() -> Peer {
        peer("10.0.0.1")
    }

    fn stranger() -> Peer {
        peer("203.0.113.9")
    }

    fn recovering() -> Policy {
        let recover_from = names(&["x-authorization", "X-Amzn-Remapped-Authorization"]);
        Policy { recover_from, ..Policy::default() }
    }

    fn mirroring() -> Policy {
        Policy { mirror_to: names(&["X-Authorization"]), ..Policy::default() }
    }

    fn lines(fields: &Fields) -> Vec<String> {
        let line = |name: &[u8], value: &[u8]| {
            format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        fields.iter().map(|field| line(field.name, field.value)).collect()
    }

    #[test]
    fn two_lines_are_refused_even_when_they_are_equal() {
        let one = Fields::from([("Authorization", "Bearer a")]);
        let mut two = Fields::from([("Authorization", "Bearer a"), ("authorization", "Bearer a")]);
        assert_eq!(check(&one), Ok(()));
        assert_eq!(check(&two), Err(BadCredentials::Twice));
        assert_eq!(Policy::default().apply(&mut two, &proxy()), Err(BadCredentials::Twice));
    }

    #[test]
    fn a_moved_credential_is_put_back_byte_for_byte() {
        for before in [None, Some("")] {
            let mut fields = Fields::from([
                ("Host", "a"),
                ("X-AUTHORIZATION", "Bearer  a.b.c ,"),
                ("x-amzn-remapped-authorization", ""),
            ]);
            before.into_iter().for_each(|value| fields.append(b"authorization", value.as_bytes()));
            let policy = recovering();
            let recovery = policy.apply(&mut fields, &proxy()).unwrap();
            assert_eq!(recovery, Recovery::From(&policy.recover_from[0]));
            assert_eq!(
                lines(&fields),
                ["Host: a", "x-amzn-remapped-authorization: ", "Authorization: Bearer  a.b.c ,"]
            );
        }
    }

    #[test]
    fn an_authorization_that_arrived_is_never_replaced() {
        let mut fields = Fields::from([("authorization", "x"), ("X-Authorization", "Bearer a")]);
        assert_eq!(recovering().apply(&mut fields, &proxy()), Ok(Recovery::Nothing));
        assert_eq!(lines(&fields), ["authorization: x", "X-Authorization: Bearer a"]);
    }

    #[test]
    fn what_is_not_recovered_says_why_and_stays() {
        let (one, two) = (("X-Authorization", "Bearer a"), ("X-Amzn-Remapped-Authorization", "Bearer b"));
        let empty = ("x-authorization", "");
        let policy = recovering();
        let [first, second] = [&policy.recover_from[0], &policy.recover_from[1]];
        let table = [
            (stranger(), vec![one], Withheld::Untrusted(first)),
            (stranger(), vec![two], Withheld::Untrusted(second)),
            (proxy(), vec![one, two], Withheld::SeveralSources(first, second)),
            (proxy(), vec![one, one], Withheld::SeveralLines(first)),
            (proxy(), vec![one, empty], Withheld::SeveralLines(first)),
            (proxy(), vec![empty, one], Withheld::SeveralLines(first)),
        ];
        for (peer, sent, withheld) in table {
            let mut fields = Fields::new();
            sent.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
            let before = lines(&fields);
            assert_eq!(policy.apply(&mut fields, &peer), Ok(Recovery::Withheld(withheld)), "{sent:?}");
            assert_eq!(lines(&fields), before);
        }
        for sent in [vec![], vec![empty], vec![empty, empty]] {
            let mut fields = Fields::new();
            sent.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
            assert_eq!(policy.apply(&mut fields, &stranger()), Ok(Recovery::Nothing));
        }
    }

    #[test]
    fn a_mirror_shows_what_goes_on_and_nothing_of_the_clients() {
        let mut fields = Fields::from([
            ("x-authorization", "forged"),
            ("authorization", "Bearer a"),
            ("X-AUTHORIZATION", "forged"),
            ("X_Authorization", "forged"),
            ("x.authorization", "forged"),
        ]);
        mirroring().apply(&mut fields, &stranger()).unwrap();
        assert_eq!(lines(&fields), ["authorization: Bearer a", "X-Authorization: Bearer a"]);
        for sent in [vec![], vec![("Authorization", "")]] {
            let mut fields = Fields::from([("x-authorization", "forged")]);
            sent.iter()
                .for_each(|(name, value): &(&str, &str)| fields.append(name.as_bytes(), value.as_bytes()));
            mirroring().apply(&mut fields, &proxy()).unwrap();
            assert_eq!(fields.len(), sent.len());
        }
    }

    #[test]
    fn a_name_may_be_source_and_mirror() {
        let policy = Policy { mirror_to: names(&["x-authorization"]), ..recovering() };
        let mut fields = Fields::from([("X-Authorization", "Bearer a")]);
        assert_eq!(policy.apply(&mut fields, &proxy()), Ok(Recovery::From(&policy.recover_from[0])));
        assert_eq!(lines(&fields), ["Authorization: Bearer a", "x-authorization: Bearer a"]);
        let mut fields = Fields::from([("X-Authorization", "Bearer a")]);
        assert!(matches!(policy.apply(&mut fields, &stranger()), Ok(Recovery::Withheld(_))));
        assert!(fields.is_empty());
    }

    #[test]
    fn placeholders_are_refused_only_where_the_policy_says_so() {
        let mut sent = Fields::from([("Authorization", "Bearer undefined")]);
        assert_eq!(Policy::default().apply(&mut sent, &stranger()), Ok(Recovery::Nothing));
        let policy = Policy { placeholder_tokens: PlaceholderTokens::Refuse, ..recovering() };
        let refused = policy.apply(&mut sent, &stranger()).unwrap_err();
        assert_eq!(refused.code(), "header_doctor_placeholder_token");
        assert!(refused.to_string().starts_with("the token is the word undefined, which no token is"));
        let mut moved = Fields::from([("X-Authorization", "Bearer null")]);
        assert!(matches!(policy.apply(&mut moved, &proxy()), Err(BadCredentials::Placeholder(_))));
        for value in ["Bearer a.b.c", "Basic dTpw", "undefined", ""] {
            assert!(policy.apply(&mut Fields::from([("Authorization", value)]), &proxy()).is_ok(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_policy_alters_an_authorization_that_arrived(value in any::<Vec<u8>>(), other in any::<Vec<u8>>(), trusted in any::<bool>()) {
            let mut fields = Fields::new();
            fields.append(b"authorization", &value);
            fields.append(b"x-authorization", &other);
            let policy = Policy { mirror_to: names(&["x-auth", "x-authorization"]), ..recovering() };
            let recovery = policy.apply(&mut fields, &if trusted { proxy() } else { stranger() }).unwrap();
            let sent = fields.only(Name::Authorization).unwrap();
            let recovered = matches!(recovery, Recovery::From(_));
            assert_eq!(recovered, trusted && value.is_empty() && !other.is_empty());
            assert_eq!(sent, if recovered { &other } else { &value });
            let mirrored = fields.iter().filter(|field| field.id == Name::Other);
            assert!(mirrored.map(|field| field.value).all(|copy| copy == sent));
        }

        #[test]
        fn a_recovered_value_is_the_one_of_the_source(sent in prop::collection::vec((0..3_usize, any::<Vec<u8>>()), 0..5)) {
            let mut fields = Fields::new();
            let known: [&[u8]; 3] = [b"X-Authorization", b"x-amzn-remapped-authorization", b"authorization"];
            sent.iter().for_each(|(name, value)| fields.append(known[*name], value));
            if let Ok(Recovery::From(name)) = recovering().apply(&mut fields, &proxy()) {
                let values: Vec<_> = sent.iter().filter(|(which, value)| *which < 2 && !value.is_empty()).collect();
                assert_eq!(values.len(), 1);
                assert_eq!(fields.only(Name::Authorization), Some(&values[0].1[..]));
                assert!(!fields.iter().any(|field| name.names(&field)));
            }
        }
    }
}
