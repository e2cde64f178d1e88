//! Why there is no TLS with an upstream, in classes: an operator must know what to change, and a client must not
//! learn names that stand in a certificate.

use std::io;
use std::time::Duration;

use rustls::{CertificateError, InvalidMessage};

use super::Error;

/// Why an upstream's certificate is not trusted. Ends a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// None of its names is the one asked for.
    #[error("it is for another name; write the one it is for as tls.server_name")]
    WrongName,
    /// It was signed by nobody known.
    #[error("nobody known has signed it; name who has, or the certificate itself, as tls.ca")]
    UnknownIssuer,
    /// It is marked as that of an authority, as self-signed ones often are.
    #[error("it vouches for itself; name the certificate as tls.ca to trust it")]
    SelfSigned,
    /// Its time is over.
    #[error("it has expired; renew it, and compare the clocks")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet; compare the clocks")]
    NotYetValid,
    /// It was withdrawn.
    #[error("it has been revoked")]
    Revoked,
    /// It cannot be read, is not meant for servers, or is signed in a way nobody should trust.
    #[error("it is malformed, or not one for a server")]
    Unfit,
}

/// Why TLS could not be agreed on. Ends a sentence whose subject is the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// What came is no TLS.
    #[error("speaks no TLS there; is its URL http://?")]
    NotTls,
    /// It closed the connection.
    #[error("closed the connection within the TLS handshake; does it speak TLS there?")]
    Closed,
    /// It said nothing, or not enough, in time.
    #[error("did not complete the TLS handshake within {0:?}")]
    Stalled(Duration),
    /// It refused, with this alert (RFC 8446 §6).
    #[error("refused the TLS handshake ({0})")]
    Refused(&'static str),
    /// It asks for a certificate of the doctor's.
    #[error("wants a certificate of its client, and the doctor has none")]
    WantsCertificate,
    /// It ended TLS once the handshake was done on our part, which in TLS 1.3 is how it asks in vain for a certificate
    /// (RFC 8446 §4.4.2.4).
    #[error("ended TLS instead of answering; does it want a certificate of its client? The doctor has none")]
    Ended,
    /// It speaks other versions or ciphers.
    #[error("and the doctor have no TLS version and cipher in common")]
    Incompatible,
    /// The connection broke.
    #[error("broke the connection within the TLS handshake: {0}")]
    Connection(io::ErrorKind),
    /// It broke the rules of TLS.
    #[error("broke the rules of TLS in its handshake")]
    Misbehaved,
}

/// The error of a handshake that failed.
pub(super) fn of(error: &io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(bad)) => Error::Certificate(distrust(bad)),
        Some(error) => Error::Tls(fault(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => Error::Tls(TlsFault::Closed),
        None => Error::Tls(TlsFault::Connection(error.kind())),
    }
}

/// What a connection that broke before a reply says. Only TLS calls bytes invalid.
pub(super) const fn of_broken(kind: io::ErrorKind) -> Error {
    match kind {
        io::ErrorKind::InvalidData => Error::Tls(TlsFault::Ended),
        kind => Error::Connection(kind),
    }
}

fn fault(error: &rustls::Error) -> TlsFault {
    use rustls::AlertDescription::{CertificateRequired, CloseNotify};
    match error {
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => TlsFault::NotTls,
        rustls::Error::AlertReceived(CertificateRequired) => TlsFault::WantsCertificate,
        rustls::Error::AlertReceived(CloseNotify) => TlsFault::Closed,
        rustls::Error::AlertReceived(alert) => TlsFault::Refused(alert.as_str().unwrap_or("unknown alert")),
        rustls::Error::PeerIncompatible(_) => TlsFault::Incompatible,
        _ => TlsFault::Misbehaved,
    }
}

fn distrust(error: &CertificateError) -> Distrust {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Distrust::WrongName
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Distrust::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Distrust::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Distrust::NotYetValid,
        CertificateError::Revoked => Distrust::Revoked,
        // The one cause that has no variant of its own and is common.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => Distrust::SelfSigned,
        _ => Distrust::Unfit,
    }
}
