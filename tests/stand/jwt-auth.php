<?php
/**
 * Plugin Name: Stand: JWT authentication
 *
 * Answers as the plugin "JWT Authentication for WP-API" 1.3.4 with php-jwt 6.4 does: the same routes, codes,
 * statuses, messages, and the same quirks. Written from its observed behaviour, so that the stand needs no
 * download and no foreign code. `tests/stand/check` holds it to that behaviour.
 *
 * The quirks are the point; a header doctor has to tell them apart:
 * - the token routes read the header raw, all other routes read it through sanitize_text_field();
 * - only `token/validate` ever says that the header is missing, elsewhere the request is simply anonymous;
 * - one refused token blocks every route, the public ones and the login itself included.
 */

namespace Stand\JwtAuth;

use DateTimeInterface;
use Exception;
use stdClass;
use WP_Error;
use WP_REST_Request;

const FORBIDDEN = ['status' => 403];

/** The user whom the request's Bearer token names, and the complaint if the token is no good. */
final class BearerLogin
{
    private ?WP_Error $refusal = null;

    public function register(): void
    {
        add_filter('determine_current_user', [$this, 'user']);
        add_filter('rest_pre_dispatch', [$this, 'refuse']);
    }

    /** On `determine_current_user`: nobody can be told here what is wrong, so a complaint is kept for later. */
    public function user(mixed $user): mixed
    {
        if (is_rest_request() && $user) {
            return $user;
        }
        // The validate route answers for itself.
        if (str_contains(request_uri(), 'token/validate')) {
            return $user;
        }
        $header = header_of_this_request();
        if (!str_starts_with($header, 'Bearer')) {
            return $user;
        }
        $claims = claims_of_header($header);
        if ($claims instanceof WP_Error) {
            $this->refusal = $claims;
            return $user;
        }
        return $claims->data->user->id;
    }

    /** On `rest_pre_dispatch`: the kept complaint is the answer, whatever route was asked for. */
    public function refuse(mixed $answer): mixed
    {
        return $this->refusal ?? $answer;
    }
}

/** What php-jwt throws, in its words. */
final class TokenError extends Exception
{
}

function register_routes(): void
{
    register_rest_route('jwt-auth/v1', 'token', [
        'methods' => 'POST',
        'callback' => __NAMESPACE__ . '\issue_token',
        'permission_callback' => '__return_true',
    ]);
    register_rest_route('jwt-auth/v1', 'token/validate', [
        'methods' => 'POST',
        'callback' => __NAMESPACE__ . '\validate_token',
        'permission_callback' => '__return_true',
    ]);
    // An application's own route, which asks for more than a login.
    register_rest_route('my-app/v1', 'reports', [
        'methods' => 'GET',
        'callback' => fn () => ['reports' => 'for ' . wp_get_current_user()->user_login],
        'permission_callback' => fn () => current_user_can('edit_posts'),
    ]);
}

function issue_token(WP_REST_Request $request): array|WP_Error
{
    if (secret() === '') {
        return bad_config();
    }
    $user = wp_authenticate($request->get_param('username'), $request->get_param('password'));
    if (is_wp_error($user)) {
        $code = $user->get_error_code();
        return new WP_Error("[jwt_auth] $code", $user->get_error_message($code), FORBIDDEN);
    }
    $now = time();
    return [
        'token' => encode([
            'iss' => get_bloginfo('url'),
            'iat' => $now,
            'nbf' => $now,
            'exp' => $now + 7 * DAY_IN_SECONDS,
            'data' => ['user' => ['id' => $user->ID]],
        ]),
        'user_email' => $user->user_email,
        'user_nicename' => $user->user_nicename,
        'user_display_name' => $user->display_name,
    ];
}

/** Does not ask whether the user still exists. */
function validate_token(WP_REST_Request $request): array|WP_Error
{
    $header = (string) $request->get_header('Authorization');
    if ($header === '') {
        return new WP_Error('jwt_auth_no_auth_header', 'Authorization header not found.', FORBIDDEN);
    }
    $claims = claims_of_header($header);
    if ($claims instanceof WP_Error) {
        return $claims;
    }
    return ['code' => 'jwt_auth_valid_token', 'data' => ['status' => 200]];
}

/** The first word after a case-sensitive `Bearer`, with or without white space between, is the token. */
function claims_of_header(string $header): stdClass|WP_Error
{
    [$token] = sscanf($header, 'Bearer %s') ?: [null];
    if (!$token) {
        return new WP_Error('jwt_auth_bad_auth_header', 'Authorization header malformed.', FORBIDDEN);
    }
    if (secret() === '') {
        return bad_config();
    }
    try {
        $claims = decode($token);
    } catch (TokenError $error) {
        return new WP_Error('jwt_auth_invalid_token', $error->getMessage(), FORBIDDEN);
    }
    if (($claims->iss ?? null) !== get_bloginfo('url')) {
        return new WP_Error('jwt_auth_bad_iss', 'The iss do not match with this server', FORBIDDEN);
    }
    if (!isset($claims->data->user->id)) {
        return new WP_Error('jwt_auth_bad_request', 'User ID not found in the token', FORBIDDEN);
    }
    return $claims;
}

function bad_config(): WP_Error
{
    return new WP_Error(
        'jwt_auth_bad_config',
        'JWT is not configured properly, please contact the admin',
        FORBIDDEN
    );
}

function secret(): string
{
    return defined('JWT_AUTH_SECRET_KEY') ? (string) JWT_AUTH_SECRET_KEY : '';
}

/** Apache's internal redirects move the header to the second name; an empty first name does not hide it. */
function header_of_this_request(): string
{
    $header = ($_SERVER['HTTP_AUTHORIZATION'] ?? '') ?: ($_SERVER['REDIRECT_HTTP_AUTHORIZATION'] ?? '');
    return sanitize_text_field($header);
}

function request_uri(): string
{
    return $_SERVER['REQUEST_URI'] ?? '';
}

function is_rest_request(): bool
{
    return (defined('REST_REQUEST') && REST_REQUEST) || str_contains(request_uri(), rest_get_url_prefix());
}

function encode(array $claims): string
{
    $signed = base64url(wp_json_encode(['typ' => 'JWT', 'alg' => 'HS256'])) . '.' . base64url(wp_json_encode($claims));
    return $signed . '.' . base64url(signature($signed));
}

/** The order of the questions decides which complaint wins, and is php-jwt's. */
function decode(string $token): stdClass
{
    $segments = explode('.', $token);
    if (count($segments) !== 3) {
        throw new TokenError('Wrong number of segments');
    }
    [$head, $body, $signature] = $segments;
    $header = decode_json($head) ?? throw new TokenError('Invalid header encoding');
    $claims = decode_json($body) ?? throw new TokenError('Invalid claims encoding');
    // An empty JSON array is PHP's way of writing an object without members.
    $claims = is_array($claims) ? (object) $claims : $claims;
    if (!$claims instanceof stdClass) {
        throw new TokenError('Payload must be a JSON object');
    }
    check_algorithm($header->alg ?? '');
    if (!hash_equals(signature("$head.$body"), from_base64url($signature))) {
        throw new TokenError('Signature verification failed');
    }
    check_times($claims, time());
    return $claims;
}

function check_algorithm(string $algorithm): void
{
    $known = ['ES384', 'ES256', 'ES256K', 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'EdDSA'];
    match (true) {
        $algorithm === '' => throw new TokenError('Empty algorithm'),
        !in_array($algorithm, $known, true) => throw new TokenError('Algorithm not supported'),
        $algorithm !== 'HS256' => throw new TokenError('Incorrect key for this algorithm'),
        default => null,
    };
}

/** No leeway: a token is refused in the very second in which it expires. */
function check_times(stdClass $claims, int $now): void
{
    foreach (['nbf', 'iat'] as $claim) {
        if (isset($claims->$claim) && $claims->$claim > $now) {
            $moment = date(DateTimeInterface::ISO8601, (int) $claims->$claim);
            throw new TokenError("Cannot handle token prior to $moment");
        }
    }
    if (isset($claims->exp) && $now >= $claims->exp) {
        throw new TokenError('Expired token');
    }
}

function decode_json(string $segment): mixed
{
    $value = json_decode(from_base64url($segment), false, 512, JSON_BIGINT_AS_STRING);
    return match (json_last_error()) {
        JSON_ERROR_NONE => $value,
        JSON_ERROR_DEPTH => throw new TokenError('Maximum stack depth exceeded'),
        JSON_ERROR_STATE_MISMATCH => throw new TokenError('Invalid or malformed JSON'),
        JSON_ERROR_CTRL_CHAR => throw new TokenError('Unexpected control character found'),
        JSON_ERROR_SYNTAX => throw new TokenError('Syntax error, malformed JSON'),
        JSON_ERROR_UTF8 => throw new TokenError('Malformed UTF-8 characters'),
        default => throw new TokenError('Unknown JSON error: ' . json_last_error()),
    };
}

function signature(string $signed): string
{
    return hash_hmac('sha256', $signed, secret(), true);
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

/** Lenient on purpose: foreign characters are skipped, so that a token with a comma behind it is still good. */
function from_base64url(string $text): string
{
    $padding = (4 - strlen($text) % 4) % 4;
    return base64_decode(strtr($text, '-_', '+/') . str_repeat('=', $padding));
}

(new BearerLogin())->register();
add_action('rest_api_init', __NAMESPACE__ . '\register_routes');
