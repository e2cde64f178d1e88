//! An exchange under way, whatever version of HTTP it goes by.

use super::health::Attempt;
use super::meter::UnderWay;
use super::{Error, fastcgi, http, http2};
use crate::message::{Body, ReplyHead};

/// An exchange under way: the request is being sent, the reply awaited; or over, where the doctor has the reply itself.
pub struct Pending<'c>(By<'c>);

enum By<'c> {
    Http1(http::Pending<'c>),
    Http2(Box<http2::Exchange<'c>>),
    FastCgi(Box<fastcgi::Exchange<'c>>),
    /// Nobody was asked: this is the body of a file.
    Nobody(Body<'c>),
}

impl Pending<'_> {
    /// Counts the exchange as under way until its reply has ended, whether or not there is another upstream.
    pub(super) fn count(&mut self, under_way: UnderWay) {
        match &mut self.0 {
            By::Http1(pending) => pending.count(under_way),
            By::Http2(exchange) => exchange.count(under_way),
            By::FastCgi(exchange) => exchange.count(under_way),
            By::Nobody(_) => {}
        }
    }

    /// Counts the exchange as under way until its reply has ended.
    pub(super) fn hold(&mut self, attempt: Attempt) {
        match &mut self.0 {
            By::Http1(pending) => pending.hold(attempt),
            By::Http2(exchange) => exchange.hold(attempt),
            By::FastCgi(exchange) => exchange.hold(attempt),
            By::Nobody(_) => {}
        }
    }

    /// The next head of the reply: interim ones first, then the final one.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub async fn head(&mut self) -> Result<ReplyHead, Error> {
        match &mut self.0 {
            By::Http1(pending) => pending.head().await,
            By::Http2(exchange) => exchange.head().await,
            // CGI knows no interim replies, so nothing follows the first.
            By::FastCgi(_) | By::Nobody(_) => Err(Error::HeadTruncated),
        }
    }
}

impl<'c> Pending<'c> {
    /// What follows the head of a reply that the doctor has itself.
    pub(super) const fn of_own(body: Body<'c>) -> Self {
        Self(By::Nobody(body))
    }

    /// The body that follows the final head. Removes the fields that end here, and a Content-Length that a
    /// Transfer-Encoding overrides.
    ///
    /// # Errors
    /// The reply is ambiguous.
    pub fn body(self, head: &mut ReplyHead) -> Result<Body<'c>, Error> {
        match self.0 {
            By::Http1(pending) => pending.body(head),
            By::Http2(exchange) => exchange.body(head),
            By::FastCgi(exchange) => exchange.body(head),
            By::Nobody(body) => Ok(body),
        }
    }
}

impl<'c> From<http::Pending<'c>> for Pending<'c> {
    fn from(pending: http::Pending<'c>) -> Self {
        Self(By::Http1(pending))
    }
}

impl<'c> From<http2::Exchange<'c>> for Pending<'c> {
    fn from(exchange: http2::Exchange<'c>) -> Self {
        Self(By::Http2(Box::new(exchange)))
    }
}

impl<'c> From<fastcgi::Exchange<'c>> for Pending<'c> {
    fn from(exchange: fastcgi::Exchange<'c>) -> Self {
        Self(By::FastCgi(Box::new(exchange)))
    }
}
