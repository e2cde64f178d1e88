//! What can go wrong with PHP-FPM that no HTTP upstream knows, each with the line of its configuration to look at.
//!
//! A client reads these words too: they name settings, never a path.

use std::io;
use std::time::Duration;

use super::record::BadRecord;

/// Why PHP gave no reply, or was not asked for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No such socket.
    #[error(
        "PHP-FPM's socket is not there; start php-fpm, or compare the upstream's url with `listen` in its pool"
    )]
    SocketMissing,
    /// The socket may not be used.
    #[error(
        "the doctor's user may not use PHP-FPM's socket; let it in by `listen.owner`, `listen.group` and `listen.mode` \
         in its pool"
    )]
    SocketForbidden,
    /// Nobody listens.
    #[error(
        "nobody listens at PHP-FPM's address; start php-fpm, or compare the upstream's url with `listen` in its pool"
    )]
    Refused,
    /// As many wait for PHP as may.
    #[error(
        "as many requests wait for PHP-FPM as may; raise `pm.max_children`, and `listen.backlog`, in its pool, or find \
         what holds its workers"
    )]
    BacklogFull,
    /// As many wait at the doctor as may.
    #[error(
        "as many requests wait for PHP-FPM as may (`queue.length`, {0}); raise `max_connections` with `pm.max_children` in \
         its pool, or find what holds its workers"
    )]
    QueueFull(usize),
    /// No connection was free in time.
    #[error(
        "PHP-FPM had no worker free within {0:?} (`queue.timeout`); raise `max_connections` with `pm.max_children` in its \
         pool, or find what holds its workers"
    )]
    QueueTimeout(Duration),
    /// The connection ended before a reply began.
    #[error(
        "PHP-FPM closed the connection without a reply; its worker died (killed, a crash, `request_terminate_timeout`), \
         or `listen.allowed_clients` does not name the doctor. Its log says which"
    )]
    Closed,
    /// The connection was kept from an exchange before and ended as it was used again.
    #[error(
        "PHP-FPM closed a connection that was kept open (`keep_alive`) without a reply to the request that went out over it; \
         it was restarted just then, or its worker died. What may have run is not sent again"
    )]
    KeptClosed,
    /// The request ended in order and without a reply.
    #[error("PHP-FPM ended the request without a reply; is what listens there PHP-FPM?")]
    NoReply,
    /// The reply is not FastCGI.
    #[error(
        "what answered does not speak FastCGI, for {0}; an upstream that speaks HTTP is written http:// or unix:"
    )]
    Malformed(#[from] BadRecord),
    /// The application takes no more requests (`FCGI_OVERLOADED`).
    #[error("the FastCGI application says that it is overloaded")]
    Overloaded,
    /// It does not do what is asked (`FCGI_UNKNOWN_ROLE`, `FCGI_CANT_MPX_CONN`).
    #[error("the FastCGI application refused the request (protocol status {0}); it is not PHP-FPM's way")]
    Unwilling(u8),
    /// A field of the request fits into no record.
    #[error(
        "a header field of the request, or its target, is longer than FastCGI can carry (65535 bytes with its name)"
    )]
    FieldTooLong,
    /// Two credentials, of which PHP would take the last.
    #[error("the request has more than one Authorization header, and PHP can be given only one")]
    TwoCredentials,
    /// The body is larger than what all may take together.
    #[error(
        "the body of the request is larger than what may be held for PHP; raise `spool.total` to let it pass ({0} bytes)"
    )]
    BodyTooLarge(u64),
    /// The room for bodies is taken by others.
    #[error("the room for the bodies of requests is taken by others at the moment (`spool.total`)")]
    SpoolFull,
    /// No file answers the path, and WordPress's front door may not either.
    #[error(
        "no file answers this path, nor may WordPress's index.php: `never_serve` holds it back, or it is a link that \
         `follow_links` does not follow or that leads out of `root`"
    )]
    NoFrontDoor,
    /// The file for a body could not be written or read.
    #[error("the body of the request could not be kept in `spool.directory`: {0}")]
    Spool(io::ErrorKind),
}

impl Fault {
    /// What a failure to connect says.
    pub(super) const fn of_connect(kind: io::ErrorKind) -> Option<Self> {
        match kind {
            io::ErrorKind::NotFound => Some(Self::SocketMissing),
            io::ErrorKind::PermissionDenied => Some(Self::SocketForbidden),
            // A Unix socket resets those that wait in its queue when its last listener dies: none of them was served.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Some(Self::Refused),
            // A Unix socket has no handshake that could wait: the system says at once that its queue is full.
            io::ErrorKind::WouldBlock => Some(Self::BacklogFull),
            _ => None,
        }
    }

    pub(in super::super) const fn status(self) -> u16 {
        match self {
            Self::TwoCredentials => 400,
            Self::BodyTooLarge(_) => 413,
            Self::FieldTooLong => 431,
            Self::BacklogFull | Self::Overloaded | Self::NoFrontDoor | Self::SpoolFull | Self::Spool(_) => {
                503
            }
            Self::QueueFull(_) | Self::QueueTimeout(_) => 503,
            _ => 502,
        }
    }

    pub(in super::super) const fn code(self) -> &'static str {
        match self {
            Self::SocketMissing => "header_doctor_php_socket_missing",
            Self::SocketForbidden => "header_doctor_php_socket_forbidden",
            Self::Refused => "header_doctor_php_refused",
            Self::BacklogFull => "header_doctor_php_backlog_full",
            Self::QueueFull(_) => "header_doctor_php_queue_full",
            Self::QueueTimeout(_) => "header_doctor_php_queue_timeout",
            Self::Closed => "header_doctor_php_closed",
            Self::KeptClosed => "header_doctor_php_kept_closed",
            Self::NoReply => "header_doctor_php_no_reply",
            Self::Malformed(_) => "header_doctor_php_malformed",
            Self::Overloaded => "header_doctor_php_overloaded",
            Self::Unwilling(_) => "header_doctor_php_unwilling",
            Self::FieldTooLong => "header_doctor_php_field_too_long",
            Self::TwoCredentials => "header_doctor_php_two_credentials",
            Self::BodyTooLarge(_) => "header_doctor_spool_too_small",
            Self::NoFrontDoor => "header_doctor_no_front_door",
            Self::SpoolFull => "header_doctor_spool_full",
            Self::Spool(_) => "header_doctor_spool_failed",
        }
    }

    /// Whether PHP was not asked because others had all of it: that says nothing of whether it is well.
    pub(in super::super) const fn is_waiting(self) -> bool {
        matches!(self, Self::QueueFull(_) | Self::QueueTimeout(_))
    }

    /// Whether the doctor itself failed.
    pub(in super::super) const fn is_own(self) -> bool {
        matches!(self, Self::NoFrontDoor | Self::SpoolFull | Self::Spool(_))
    }

    /// Whether the request cannot be sent as it is.
    pub(in super::super) const fn is_clients(self) -> bool {
        matches!(self, Self::FieldTooLong | Self::TwoCredentials | Self::BodyTooLarge(_))
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::Fault;

    #[test]
    fn a_failure_to_connect_names_what_to_change() {
        for (kind, fault, word, status) in [
            (ErrorKind::NotFound, Fault::SocketMissing, "`listen`", 502),
            (ErrorKind::PermissionDenied, Fault::SocketForbidden, "`listen.mode`", 502),
            (ErrorKind::ConnectionRefused, Fault::Refused, "start php-fpm", 502),
            (ErrorKind::ConnectionReset, Fault::Refused, "start php-fpm", 502),
            (ErrorKind::WouldBlock, Fault::BacklogFull, "`listen.backlog`", 503),
        ] {
            assert_eq!(Fault::of_connect(kind), Some(fault));
            assert!(fault.to_string().contains(word), "{fault}");
            assert_eq!(fault.status(), status);
        }
        assert_eq!(Fault::of_connect(ErrorKind::TimedOut), None);
    }
}
