//! WooCommerce's REST API, on routes that begin with `wc/` or `wc-`. It takes the key from the query or from Basic, both only where
//! WordPress sees TLS; else by OAuth 1.0a. One code stands for all refusals of a key: the message tells them apart.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::WooCommerce,
    codes: &["woocommerce_rest_authentication_error"],
    statuses: &[401],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &["woocommerce-key-refused"],
    source: "class-wc-rest-authentication.php",
};

pub(super) const CODES: &[Known] = &[
    Known {
        messages: &["Consumer secret is invalid."],
        meaning: "The consumer key is known, and its secret is wrong. WordPress adds WWW-Authenticate with the realm WooCommerce API.",
        cure: "send the secret that was shown when the key was made, or make a new key; key as user, secret as password",
        ..BASE
    },
    Known {
        messages: &["Consumer key is invalid."],
        meaning: "The consumer key is unknown. Only requests signed by OAuth 1.0a are told so.",
        cure: "make a key for this site under WooCommerce, Settings, Advanced, REST API; over https send it as Basic, without a signature",
        ..BASE
    },
    Known {
        messages: &["Invalid signature - …"],
        meaning: "The signature by OAuth 1.0a does not match. A proxy that changes host, path or scheme breaks it as well, for they are \
                  part of what is signed.",
        cure: "let WordPress see host and scheme as the client asked for them, or send key and secret as Basic over https",
        ..BASE
    },
    Known {
        messages: &["Invalid timestamp."],
        meaning: "The signature's timestamp is more than 15 minutes off. The client's clock is wrong, or the machine's.",
        cure: "set both clocks by NTP",
        ..BASE
    },
    Known {
        messages: &["Invalid nonce - nonce has already been used."],
        meaning: "The signature was used before: the client or a proxy sent the request again.",
        cure: "sign every try anew, and let no proxy repeat signed requests",
        ..BASE
    },
    Known {
        messages: &[
            "The API key provided does not have read permissions.",
            "The API key provided does not have write permissions.",
        ],
        meaning: "The key is good, and may not read or write.",
        place: Place::Application,
        desk: Desk::WordPress,
        severity: Severity::Note,
        cure: "give the key the permission Read/Write under WooCommerce, Settings, Advanced, REST API",
        ..BASE
    },
    Known {
        messages: &["The provided API key cannot be used to access this endpoint."],
        meaning: "The key is good, and not for this endpoint. WooCommerce 11.1 and later say so.",
        place: Place::Application,
        desk: Desk::WordPress,
        severity: Severity::Note,
        cure: "use a key that is meant for this endpoint",
        ..BASE
    },
    Known {
        messages: &["Unknown request method."],
        meaning: "The key's permissions know no such method.",
        cure: "use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS",
        ..BASE
    },
    Known {
        meaning: "The key was refused, and the message tells why. The words may be translated.",
        cure: "read the message; key and secret go as Basic over https",
        ..BASE
    },
    Known {
        codes: &["woocommerce_rest_authentication_missing_parameter"],
        messages: &["Missing OAuth parameter …", "Missing OAuth parameters …"],
        meaning: "Parameters of OAuth 1.0a are missing. The client left them out, or a hop removed them from the query.",
        cure: "let every hop keep the query, or send key and secret as Basic over https",
        ..BASE
    },
    Known {
        codes: &["woocommerce_rest_cannot_view"],
        statuses: &[401, 403],
        meaning: "The caller may not see this. 401 says that the key was not seen at all: Authorization is lost, WordPress does not \
                  see TLS, or the key is unknown. 403 says that the key's user lacks the capability.",
        cure: "try consumer_key and consumer_secret in the query over https: that works where the header is lost, and not where WordPress sees no TLS",
        rules: &["woocommerce-key-unseen", "permission-refused"],
        ..BASE
    },
    Known {
        codes: &[
            "woocommerce_rest_cannot_create",
            "woocommerce_rest_cannot_edit",
            "woocommerce_rest_cannot_delete",
            "woocommerce_rest_cannot_batch",
        ],
        statuses: &[401, 403],
        meaning: "The caller may not do this. 401 says that the key was not seen, 403 that its user lacks the capability.",
        cure: "try consumer_key and consumer_secret in the query over https: that works where the header is lost, and not where WordPress sees no TLS",
        rules: &["woocommerce-key-unseen", "permission-refused"],
        source: "class-wc-rest-authentication.php; the names follow woocommerce_rest_cannot_view and are unverified",
        ..BASE
    },
];
