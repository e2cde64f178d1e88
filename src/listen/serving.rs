//! What a worker serves with at the moment. A reload swaps it whole: an exchange under way keeps what it began with,
//! the next one on the same connection begins with the new.

use std::cell::RefCell;
use std::rc::Rc;

use super::Settings;
use crate::wire;

/// Who answers, and within which limits.
pub struct Serving<A> {
    /// What clients are allowed.
    pub settings: Settings,
    /// Who answers.
    pub answer: A,
}

/// What a worker serves with now.
pub struct Current<A>(RefCell<Rc<Serving<A>>>);

impl<A> Current<A> {
    /// Begins with `serving`.
    pub fn new(serving: Serving<A>) -> Self {
        Self(RefCell::new(Rc::new(serving)))
    }

    /// From now on exchanges begin with `serving`. Connections that wait for a request are woken, so that they let
    /// go of what was before.
    pub fn swap(&self, serving: Serving<A>) {
        self.0.replace(Rc::new(serving));
        wire::wake_all();
    }

    /// Makes `serving` what an exchange that begins now is served with, and frees what it was.
    pub(super) fn renew(&self, serving: &mut Rc<Serving<A>>) {
        let current = self.0.borrow();
        if !Rc::ptr_eq(&current, serving) {
            *serving = Rc::clone(&current);
        }
    }

    /// What an exchange that begins now is served with.
    pub fn get(&self) -> Rc<Serving<A>> {
        Rc::clone(&self.0.borrow())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::{Rc, Weak};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::{mpsc, watch};
    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::{Current, Serving};
    use crate::listen::{Answer, Client, Interim, Refusal, Settings, bind, run};
    use crate::message::{Body, Fields, Reply, ReplyHead, Request, Status};

    /// Answers with 204, and holds something whose end can be seen.
    struct Plain(#[expect(dead_code, reason = "it is held")] Rc<()>);

    fn plain() -> Reply<'static> {
        let head = ReplyHead::build(Status::NO_CONTENT, Fields::new());
        Reply { head, body: Body::empty(), close: false }
    }

    impl Answer for Plain {
        async fn answer<'c>(&self, _: Client, _: Request<'c>, _: &mut impl Interim) -> Reply<'c> {
            plain()
        }

        fn refuse(&self, _: Client, _: Refusal) -> Reply<'static> {
            plain()
        }

        fn panicked(&self) -> Reply<'static> {
            plain()
        }
    }

    fn serving() -> (Serving<Plain>, Weak<()>) {
        let held = Rc::new(());
        let seen = Rc::downgrade(&held);
        let minute = Duration::from_secs(60);
        let settings = Settings {
            connections: 100,
            connections_per_address: None,
            header_bytes: 1 << 16,
            body_bytes: None,
            header_timeout: minute,
            body_timeout: minute,
            keep_alive_timeout: minute,
            write_timeout: minute,
        };
        (Serving { settings, answer: Plain(held) }, seen)
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_keep_what_a_reload_replaced() {
        let served = async {
            let socket = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap().pop().unwrap();
            let address = socket.local_addr().unwrap();
            let ((first, seen), (open, doors)) = (serving(), mpsc::unbounded_channel());
            let (_stop, stop) = watch::channel(None);
            let current = Rc::new(Current::new(first));
            open.send(socket.into()).unwrap();
            spawn_local(run(doors, Rc::clone(&current), std::sync::Arc::default(), stop));
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            assert!(client.read(&mut [0; 4096]).await.unwrap() > 0);
            assert!(seen.upgrade().is_some());
            current.swap(serving().0);
            while seen.upgrade().is_some() {
                yield_now().await;
            }
        };
        LocalSet::new().run_until(tokio::time::timeout(Duration::from_secs(20), served)).await.unwrap();
    }
}
