//! WordPress's REST API, release 7.1. Its permission codes come with 401 for anonymous callers and 403 for known ones.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::Core,
    codes: &[],
    statuses: &[401, 403],
    messages: &[],
    meaning: "",
    place: Place::Application,
    desk: Desk::Application,
    severity: Severity::Note,
    cure: "",
    rules: &[],
    source: "",
};

/// A permission: what is wrong depends on the status.
const PERMISSION: Known = Known {
    cure: "with 401 see what became of Authorization; with 403 give the user the capability",
    rules: &[
        "permission-refused",
        "authorization-lost-before-php",
        "bearer-scheme-wrong",
        "cookie-without-nonce",
    ],
    source: "wp-includes/rest-api.php, rest_authorization_required_code; the controllers in wp-includes/rest-api/endpoints",
    ..BASE
};

/// What is refused before anybody asks who the caller is.
const REQUEST: Known = Known {
    statuses: &[400],
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    source: "class-wp-rest-server.php, dispatch; measured",
    ..BASE
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["rest_not_logged_in"],
        statuses: &[401],
        messages: &["You are not currently logged in."],
        meaning: "WordPress knows nobody: no credential arrived, it was passed over for its spelling or for want of TLS, or the \
                  user of the token is gone.",
        cure: "compare with token/validate, which says whether the header arrived",
        rules: &[
            "authorization-lost-before-php",
            "bearer-scheme-wrong",
            "cookie-without-nonce",
            "authorization-lost-between-doctors",
        ],
        source: "class-wp-rest-users-controller.php; measured",
        ..PERMISSION
    },
    Known {
        codes: &["rest_forbidden"],
        messages: &["Sorry, you are not allowed to …"],
        meaning: "The route's permission check said no; routes of plugins use this code most. With 401 WordPress took the caller for \
                  anonymous, with 403 it knows the user.",
        ..PERMISSION
    },
    Known {
        codes: &["rest_forbidden_context"],
        meaning: "The request asks for context=edit, which the caller may not.",
        cure: "leave context=edit out, or give the user the capability; with 401 see what became of Authorization",
        ..PERMISSION
    },
    Known {
        codes: &[
            "rest_forbidden_param",
            "rest_forbidden_status",
            "rest_forbidden_orderby",
            "rest_forbidden_who",
        ],
        meaning: "The request has a parameter that the caller may not use.",
        ..PERMISSION
    },
    Known {
        codes: &[
            "rest_cannot_create",
            "rest_cannot_edit",
            "rest_cannot_edit_others",
            "rest_cannot_publish",
            "rest_cannot_update",
            "rest_cannot_delete",
            "rest_cannot_assign_term",
            "rest_cannot_assign_sticky",
            "rest_cannot_read",
            "rest_cannot_read_post",
            "rest_cannot_view",
            "rest_cannot_create_user",
            "rest_cannot_edit_roles",
            "rest_cannot_manage_plugins",
            "rest_cannot_view_plugins",
            "rest_cannot_view_themes",
            "rest_cannot_manage_templates",
            "rest_cannot_manage_widgets",
        ],
        meaning: "The caller may not do this on that route. With 401 WordPress took the caller for anonymous, with 403 it knows \
                  the user. rest_cannot_create with 400 and rest_cannot_delete with 500 or 501 are no permissions.",
        ..PERMISSION
    },
    Known {
        codes: &["rest_user_cannot_view", "rest_user_cannot_delete", "rest_user_invalid_role"],
        meaning: "The caller may not read or change users.",
        ..PERMISSION
    },
    Known {
        codes: &["rest_comment_login_required"],
        statuses: &[401],
        meaning: "Nobody may comment here without a login.",
        place: Place::Client,
        desk: Desk::Frontend,
        cure: "send a credential with the comment",
        source: "class-wp-rest-comments-controller.php",
        ..PERMISSION
    },
    Known {
        codes: &[
            "rest_comment_closed",
            "rest_comment_draft_post",
            "rest_comment_trash_post",
            "rest_comment_invalid_post_id",
        ],
        statuses: &[403],
        meaning: "Nobody may comment on this post, whoever asks: it takes no comments, is a draft or in the trash, or is not there.",
        cure: "open the post for comments (Settings, Discussion), or publish it",
        source: "class-wp-rest-comments-controller.php",
        ..PERMISSION
    },
    Known {
        codes: &["rest_post_incorrect_password"],
        statuses: &[403],
        meaning: "The post is protected by a password of its own, and the one in the request is not it.",
        place: Place::Client,
        desk: Desk::Frontend,
        cure: "send the post's password in the parameter `password`",
        rules: &["post-password-wrong"],
        source: "class-wp-rest-posts-controller.php",
        ..BASE
    },
    Known {
        codes: &["rest_cookie_invalid_nonce"],
        statuses: &[403],
        messages: &["Cookie check failed", "Cookie nonce is invalid"],
        meaning: "The X-WP-Nonce or _wpnonce is wrong or too old. It is refused on public routes and without any cookie as well, \
                  unless another credential counted.",
        place: Place::Client,
        desk: Desk::Frontend,
        severity: Severity::Warning,
        cure: "take a new nonce from a fresh page; do not cache pages that hold one; send none beside a token",
        rules: &["nonce-refused", "header-added-on-the-way", "header-changed-between-doctors"],
        source: "wp-includes/rest-api.php, rest_cookie_check_errors; measured",
        ..BASE
    },
    Known {
        codes: &["rest_no_route"],
        statuses: &[404],
        messages: &["No route was found matching the URL and request method."],
        meaning: "WordPress has no such route, or not with this method: core has no 405. On a token route it is a GET, often a POST that \
                  a redirect made one, or the plugin is not active.",
        place: Place::Client,
        desk: Desk::Frontend,
        severity: Severity::Warning,
        cure: "check the method and whether a redirect changed it, then whether the index lists the plugin's namespace",
        rules: &["route-wrong-method", "jwt-plugin-inactive", "redirect-drops-authorization"],
        source: "class-wp-rest-server.php, match_request_to_handler; measured",
        ..BASE
    },
    Known {
        codes: &["rest_invalid_namespace"],
        statuses: &[404],
        meaning: "The namespace whose index was asked for is unknown. The plugin behind it is not active.",
        cure: "activate the plugin, or correct the URL",
        source: "class-wp-rest-server.php",
        ..REQUEST
    },
    Known {
        codes: &["rest_invalid_param", "rest_missing_callback_param"],
        meaning: "A parameter is wrong or missing. Parameters are checked before permissions, so it says nothing of \
                  Authorization and may hide a fault of it.",
        cure: "correct the parameter, then see whether the credential counts",
        ..REQUEST
    },
    Known {
        codes: &["rest_invalid_json"],
        messages: &["Invalid JSON body passed."],
        meaning: "The body is not the JSON that its Content-Type says. It is refused before anybody asks who the caller is.",
        cure: "send whole JSON, or form fields with `application/x-www-form-urlencoded`",
        rules: &["header-changed-between-doctors"],
        source: "class-wp-rest-request.php, parse_json_params; measured",
        ..REQUEST
    },
    Known {
        codes: &["rest_path_invalid_type"],
        meaning: "The parameter rest_route is a list, not a text.",
        cure: "send rest_route once, as a text",
        source: "wp-includes/rest-api.php, rest_api_loaded; measured",
        ..REQUEST
    },
    Known {
        codes: &["rest_callback_disabled", "rest_callback_invalid"],
        meaning: "JSONP was asked for, which is off, or with a name that is not allowed.",
        cure: "ask without _jsonp",
        source: "class-wp-rest-server.php, serve_request",
        ..REQUEST
    },
    Known {
        codes: &["rest_encode_error", "rest_invalid_handler"],
        statuses: &[500],
        meaning: "The route itself is broken: its reply is no JSON, or its handler cannot be called.",
        place: Place::Plugin,
        desk: Desk::Application,
        severity: Severity::Error,
        cure: "see the log of PHP and the plugin that has the route",
        source: "class-wp-rest-server.php",
        ..BASE
    },
    Known {
        codes: &["internal_server_error"],
        statuses: &[500],
        meaning: "PHP broke off, told as JSON to a client that accepts it. Others get a page with a critical error.",
        place: Place::Php,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "see the log of PHP for the plugin that broke",
        rules: &["php-fatal"],
        source: "class-wp-fatal-error-handler.php; measured",
        ..BASE
    },
];
