//! What stands in front of a doctor and does not pass `Authorization` on: an edge that moves it to another name, as AWS API
//! Gateway does (`x-amzn-Remapped-Authorization`), or a proxy that deletes it, as HAProxy does when it is told to.

use crate::headers::hop_by_hop;
use crate::listen::{Answer, Client, Interim, Refusal};
use crate::message::{Fields, Name, Reply, Request};
use crate::upstream::{Error, Upstream};

use super::page::Page;

/// What it does to `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// It gives it another name.
    Moves,
    /// It throws it away.
    Deletes,
}

/// The edge, or the proxy.
pub(super) struct Edge {
    /// The doctor.
    pub(super) behind: Upstream,
    pub(super) habit: Habit,
}

impl Answer for Edge {
    async fn answer<'c>(&self, _: Client, request: Request<'c>, interim: &mut impl Interim) -> Reply<'c> {
        match self.forward(request, interim).await {
            Ok(reply) => reply,
            Err(error) => refusal(error.status().code()),
        }
    }

    fn refuse(&self, _: Client, refused: Refusal) -> Reply<'static> {
        refusal(refused.status().code())
    }

    fn panicked(&self) -> Reply<'static> {
        refusal(500)
    }
}

impl Edge {
    async fn forward<'c>(
        &self,
        request: Request<'c>,
        interim: &mut impl Interim,
    ) -> Result<Reply<'c>, Error> {
        let Request { mut head, body } = request;
        hop_by_hop::remove(&mut head.fields);
        match self.habit {
            Habit::Moves => remap(&mut head.fields),
            Habit::Deletes => drop(head.fields.remove(Name::Authorization)),
        }
        let (mut pending, mut head) = self.behind.send(&head, &mut Some(body)).await?;
        while head.status.is_interim() {
            interim.send(&head).await;
            head = pending.head().await?;
        }
        let body = pending.body(&mut head)?;
        Ok(Reply { head, body, close: false })
    }
}

fn remap(fields: &mut Fields) {
    let values: Vec<_> = fields.all(Name::Authorization).map(<[u8]>::to_vec).collect();
    fields.remove(Name::Authorization);
    for value in values {
        fields.append(b"x-amzn-Remapped-Authorization", &value);
    }
}

fn refusal(status: u16) -> Reply<'static> {
    let Reply { head, body, .. } =
        Page::html(status, "<h1>The edge cannot pass this on</h1>").served_by("edge");
    Reply { head, body, close: true }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Name, remap};

    #[test]
    fn the_header_is_moved_and_not_copied() {
        let mut fields = Fields::from([("authorization", "Bearer a.b.c"), ("Host", "a")]);
        remap(&mut fields);
        assert!(!fields.has(Name::Authorization));
        let moved = fields.iter().find(|field| field.name == b"x-amzn-Remapped-Authorization").unwrap();
        assert_eq!(moved.value, b"Bearer a.b.c");
    }
}
