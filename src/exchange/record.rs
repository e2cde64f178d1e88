//! TEMPORARY.
use super::site::Site;
use super::watch::Ending;
use super::{own, watch};
use crate::diagnosis::diagnose;
use crate::evidence::{Look, Symptom, Trail};
use crate::headers::authorization::BadCredentials;
use crate::listen::{Client, Refusal};
use crate::message::{Name, Reply, RequestHead, Status};
use crate::moment::Moment;
use crate::secret::Key;
use crate::upstream::Error;
use serde_json::json;
use std::rc::Rc;

/// x
pub struct Recorder {
    pub key: Key,
}
impl Recorder {
    pub(super) fn open(self: &Rc<Self>, client: Client, arrived: Look) -> Record {
        Record { recorder: Rc::clone(self), client, arrived, done: false }
    }
    pub(super) fn refuse(&self, _client: Client, refusal: Refusal) -> Reply<'static> {
        println!(
            "{}",
            json!({"exchange": "1", "status": refusal.status().code(), "refusal": {"code": refusal.code()}})
        );
        own::error(refusal.status(), refusal.code(), &refusal.to_string())
    }
}
pub(super) struct Record {
    recorder: Rc<Recorder>,
    client: Client,
    arrived: Look,
    done: bool,
}
impl Record {
    pub(super) fn at(self, _site: &Site) -> Self {
        self
    }
    pub(super) fn nominated(&mut self, _names: Vec<Name>) {}
    pub(super) fn misdirected(mut self, _head: &RequestHead) -> Reply<'static> {
        self.done = true;
        own::error(
            Status::new(421).unwrap_or(Status::BAD_REQUEST),
            "header_doctor_unknown_host",
            "no site has this host",
        )
    }
    pub(super) fn refused(mut self, _head: &RequestHead, bad: BadCredentials) -> Reply<'static> {
        self.done = true;
        println!(
            "{}",
            json!({"exchange": "1", "status": 400, "refusal": {"code": "header_doctor_authorization_twice"}})
        );
        own::error(Status::BAD_REQUEST, "header_doctor_authorization_twice", &bad.to_string())
    }
    pub(super) fn failed(mut self, _head: &RequestHead, _sent: &Look, error: &Error) -> Reply<'static> {
        self.done = true;
        println!(
            "{}",
            json!({"exchange": "1", "status": error.status().code(), "failure": {"code": error.code(), "reason": error.to_string()}})
        );
        own::error(error.status(), error.code(), &error.to_string())
    }
    pub(super) fn answered<'c>(mut self, head: RequestHead, sent: Look, reply: Reply<'c>) -> Reply<'c> {
        self.done = true;
        let status = reply.head.status;
        if reply.body.is_full() && !status.is_error() {
            return reply;
        }
        let rhead = reply.head.clone();
        let body = watch::watch(reply.body, status.is_error(), move |prefix, ending| {
            let mut findings = vec![];
            if status.is_error() {
                let trail = Trail::read(&head, &self.arrived, &sent, &self.recorder.key);
                let symptom = Symptom::read(&rhead, prefix, Moment::default());
                findings = diagnose(&trail, &symptom);
            }
            match ending {
                Ending::Complete if status.is_error() => println!(
                    "{}",
                    json!({"exchange": "1", "status": status.code(), "findings": findings.iter().map(|f| json!({"rule": f.rule, "proof": f.proof.word(), "cure": f.cure})).collect::<Vec<_>>()})
                ),
                Ending::Complete => {}
                Ending::Broken(_) => println!(
                    "{}",
                    json!({"exchange": "1", "status": status.code(), "failure": {"code": "header_doctor_reply_cut_off"}})
                ),
                Ending::Unwanted => println!(
                    "{}",
                    json!({"exchange": "1", "status": status.code(), "failure": {"code": "header_doctor_client_gone"}})
                ),
            }
        });
        Reply { head: reply.head, body, close: reply.close }
    }
}
impl Drop for Record {
    fn drop(&mut self) {
        if !self.done {
            let _c = self.client;
            println!("{}", json!({"exchange": "1", "failure": {"code": "header_doctor_client_gone"}}));
        }
    }
}
