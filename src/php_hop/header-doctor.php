<?php
/**
 * Plugin Name: Header Doctor: what PHP saw
 * Description: Tells the doctor in front, when it asks with a shared key, how Authorization and its like arrived in PHP.
 *
 * Made by `header-doctor php-hop`, which also removes it. Keep it as secret as wp-config.php: it holds keys.
 *
 * It answers a question that the doctor sealed for this request within the last five minutes, and is silent to everybody
 * else. It tells of a value how long it is and what stands for it under a key, never the value; it writes nothing anywhere;
 * and whatever fails in here fails in silence, for a page must not break over it.
 *
 * PHP 7.4 to 8.4.
 */

if (!defined('ABSPATH') || !isset($_SERVER['HTTP_HEADER_DOCTOR_ASK'])) {
    return;
}

(static function (): void {
    // Of each key file's line: for questions and answers, for the values of headers, for the secret of tokens.
    $keys = [
        /* KEYS */
    ];

    $hop = new class ($keys) {
        /** How far the doctor's clock may be from ours, in seconds. */
        private const APART = 300;

        /** How long an answer may be. There are hops that take 8 KiB of fields and no more. */
        private const LONGEST = 1024;

        private const UNSTORED = 'private, no-store';

        /** Headers that bear a credential though no scheme stands before it. */
        private const USUAL = [
            'HTTP_X_AUTHORIZATION', 'HTTP_X_FORWARDED_AUTHORIZATION', 'HTTP_X_AMZN_REMAPPED_AUTHORIZATION',
            'HTTP_AUTHENTICATION', 'HTTP_X_AUTH_TOKEN', 'HTTP_X_FORWARDED_ACCESS_TOKEN', 'HTTP_X_SERVERLESS_AUTHORIZATION',
        ];

        /** The folders of plugins that read tokens. */
        private const PLUGINS = [
            'jwt-authentication-for-wp-rest-api', 'jwt-auth', 'jwt-auth-pro', 'simple-jwt-login', 'simple-jwt-authentication',
            'wp-graphql-jwt-authentication', 'wp-rest-api-authentication', 'api-bearer-auth',
        ];

        private array $keys;

        /** The keys that the question was sealed with; empty until one is believed. */
        private array $own = [];

        private string $question = '';

        private string $host = '';

        /** As it was asked with: what runs here may change its variable, and the seal is of this one. */
        private string $method = '';

        /** What was seen when this file was read, before any plugin could change it. */
        private array $early = [];

        /** What became of the request in the REST server. */
        private array $rest = [];

        /** Versions of plugins, by file, so that each file is read once. */
        private array $versions = [];

        private int $cookieUser = 0;

        private int $passwordUser = 0;

        private string $storing = '';

        public function __construct(array $keys)
        {
            $this->keys = $keys;
        }

        public function begin(): void
        {
            $this->quietly(function (): void {
                $ask = $_SERVER['HTTP_HEADER_DOCTOR_ASK'];
                unset($_SERVER['HTTP_HEADER_DOCTOR_ASK']);
                if (!is_string($ask) || !$this->believes($ask)) {
                    return;
                }
                if (!defined('DONOTCACHEPAGE')) {
                    define('DONOTCACHEPAGE', true);
                }
                $this->early = $this->arrived();
                $this->tell();
                add_action('auth_cookie_valid', [$this, 'noteCookie'], 10, 2);
                add_action('application_password_did_authenticate', [$this, 'notePassword']);
                add_filter('rest_post_dispatch', [$this, 'noteReply'], PHP_INT_MAX, 3);
                // After the reply's own Cache-Control, and before its body takes the headers along.
                add_filter('rest_pre_serve_request', [$this, 'beforeBody'], PHP_INT_MAX);
                add_action('send_headers', [$this, 'again'], PHP_INT_MAX);
                // Before WordPress lets go of what it holds back.
                add_action('shutdown', [$this, 'again'], PHP_INT_MIN);
            });
        }

        public function noteCookie($cookie, $user = null): void
        {
            $this->cookieUser = isset($user->ID) ? (int) $user->ID : 0;
        }

        public function notePassword($user = null): void
        {
            $this->passwordUser = isset($user->ID) ? (int) $user->ID : 0;
        }

        /** The first reply is the one that is sent; those that it embeds come later. */
        public function noteReply($response, $server = null, $request = null)
        {
            $this->quietly(function () use ($response, $server, $request): void {
                if ($this->rest === []) {
                    $this->rest = $this->reply($response, $server, $request);
                    $this->tell();
                }
            });
            return $response;
        }

        public function beforeBody($served = false)
        {
            $this->again();
            return $served;
        }

        public function again(): void
        {
            $this->quietly(function (): void {
                $this->tell();
            });
        }

        private function quietly(callable $do): void
        {
            set_error_handler(static function (): bool {
                return true;
            });
            try {
                $do();
            } catch (\Throwable $thrown) {
                // Whatever it is: the page goes on as if nobody had asked.
                unset($thrown);
            } finally {
                restore_error_handler();
            }
        }

        private function believes(string $ask): bool
        {
            $form = '/^(1;([A-Za-z0-9._-]{1,16});[0-9a-f]{16});([0-9]{1,12});([0-9a-f]{32})$/D';
            if (!preg_match($form, $ask, $part)) {
                return false;
            }
            $own = $this->keys[$part[2]] ?? null;
            if (!is_array($own) || abs(time() - (int) $part[3]) > self::APART) {
                return false;
            }
            $this->own = array_map('hex2bin', $own);
            $this->method = $this->text('REQUEST_METHOD') === 'HEAD' ? 'GET' : $this->text('REQUEST_METHOD');
            foreach ($this->hosts() as $host) {
                if (hash_equals($this->seal('question', $host, "$part[1];$part[3]"), $part[4])) {
                    [$this->question, $this->host] = [$part[1], $host];
                    return true;
                }
            }
            return false;
        }

        /** The host that was asked for, and what a proxy that rewrites it says that it was. */
        private function hosts(): array
        {
            $forwarded = explode(',', $this->text('HTTP_X_FORWARDED_HOST'))[0];
            $hosts = array_map([$this, 'hostOf'], [$this->text('HTTP_HOST'), $forwarded]);
            return array_unique(array_filter($hosts, 'strlen'));
        }

        private function hostOf(string $authority): string
        {
            $host = preg_replace('/:[^:\]]*$/D', '', trim($authority));
            return strtolower(substr($host, -1) === '.' ? substr($host, 0, -1) : $host);
        }

        private function seal(string $what, string $host, string $text): string
        {
            $whole = "header-doctor $what v1\n{$this->method}\n$host\n$text";
            return substr(hash_hmac('sha256', $whole, $this->own[0]), 0, 32);
        }

        /** Says it, in the place of what was said before. */
        private function tell(): void
        {
            if ($this->own === [] || headers_sent()) {
                return;
            }
            $text = $this->question . ';' . (int) floor(microtime(true) * 1000);
            foreach ($this->early + $this->late() + $this->rest as $name => $value) {
                $more = ";$name=$value";
                // There is room for the seal.
                $text .= strlen($text . $more) <= self::LONGEST - 64 ? $more : '';
            }
            header('Header-Doctor-Answer: ' . $text . ';m=' . $this->seal('answer', $this->host, $text));
            $this->forbidStoring();
        }

        /** What tells of one request is not for the next. The doctor takes these words off again. */
        private function forbidStoring(): void
        {
            $lines = [];
            foreach (headers_list() as $line) {
                if (stripos($line, 'Cache-Control:') === 0) {
                    $lines[] = trim(substr($line, 14));
                }
            }
            $first = (string) array_shift($lines);
            if ($this->storing !== '' && $first === $this->storing) {
                return;
            }
            $this->storing = self::UNSTORED . ($first === '' ? '' : ", $first");
            header("Cache-Control: $this->storing");
            foreach ($lines as $line) {
                header("Cache-Control: $line", false);
            }
        }

        // --- what is told -------------------------------------------------------------------------------------------

        private function arrived(): array
        {
            $told = [
                's' => $this->word(PHP_SAPI, 20),
                'a' => $this->credential($_SERVER['HTTP_AUTHORIZATION'] ?? null),
                'r' => $this->credential($_SERVER['REDIRECT_HTTP_AUTHORIZATION'] ?? null),
                'rr' => $this->credential($_SERVER['REDIRECT_REDIRECT_HTTP_AUTHORIZATION'] ?? null),
                'g' => $this->ofAllHeaders(),
                'l' => $this->login(),
                'd' => $this->there('PHP_AUTH_DIGEST'),
                'u' => $this->there('REMOTE_USER') | $this->there('REDIRECT_REMOTE_USER'),
                'y' => $this->word($this->text('AUTH_TYPE'), 16),
                'w' => $this->watched(),
                'o' => $this->others(),
            ];
            return array_filter($told, [$this, 'isTold']);
        }

        private function late(): array
        {
            $told = [
                'h' => function_exists('is_ssl') ? (int) is_ssl() : '',
                'k' => $this->siteSecret(),
                'i' => $this->user(),
            ];
            $told += function_exists('did_action') && did_action('muplugins_loaded') ? $this->ofSite() : [];
            $told['j'] = $this->plugins();
            return array_filter($told, [$this, 'isTold']);
        }

        /** Not before other must-use plugins had their say: WordPress keeps the type as it was first asked for. */
        private function ofSite(): array
        {
            return [
                'n' => function_exists('home_url') ? $this->word((string) home_url(), 120) : '',
                'e' => function_exists('wp_get_environment_type') ? $this->word((string) wp_get_environment_type(), 16) : '',
            ];
        }

        private function isTold($value): bool
        {
            return $value !== '' && $value !== '-' && $value !== 0;
        }

        private function text(string $name): string
        {
            $value = $_SERVER[$name] ?? '';
            return is_string($value) ? $value : '';
        }

        private function there(string $name): int
        {
            return $this->text($name) === '' ? 0 : 1;
        }

        /** In letters that need no escape in a header. */
        private function word(string $text, int $longest): string
        {
            return str_replace(['%3A', '%2F'], [':', '/'], rawurlencode(substr($text, 0, $longest)));
        }

        /** `-` where it is absent, `e` where it is empty, else length, a letter for the scheme, and what stands for it. */
        private function seen($value, string $scheme): string
        {
            if (!is_string($value)) {
                return '-';
            }
            if ($value === '') {
                return 'e';
            }
            return strlen($value) . ".$scheme." . substr(hash_hmac('sha256', $value, $this->own[1]), 0, 16);
        }

        private function credential($value): string
        {
            return $this->seen($value, $this->scheme(is_string($value) ? $value : ''));
        }

        private function scheme(string $value): string
        {
            $words = preg_split('/[ \t]+/', trim($value), 2);
            if (count($words) < 2) {
                return 'n';
            }
            if ($words[0] === 'Bearer') {
                return 'b';
            }
            $known = ['bearer' => 'o', 'basic' => 's'];
            return $known[strtolower($words[0])] ?? 'x';
        }

        /** What getallheaders() has, which under mod_php is all that there is, with the letters of its name. */
        private function ofAllHeaders(): string
        {
            foreach (function_exists('getallheaders') ? (array) getallheaders() : [] as $name => $value) {
                $name = (string) $name;
                if (strcasecmp($name, 'Authorization') === 0) {
                    $small = $name === 'authorization' ? 'l' : 'o';
                    return $this->credential($value) . '.' . ($name === 'Authorization' ? 'c' : $small);
                }
            }
            return '-';
        }

        /** The login that PHP took apart, as it must have been sent. */
        private function login(): string
        {
            if (!isset($_SERVER['PHP_AUTH_USER'])) {
                return '-';
            }
            return $this->credential('Basic ' . base64_encode($this->text('PHP_AUTH_USER') . ':' . $this->text('PHP_AUTH_PW')));
        }

        /** The other headers that doctors watch. */
        private function watched(): string
        {
            $names = [
                'HTTP_COOKIE', 'HTTP_X_WP_NONCE', 'HTTP_ORIGIN', 'CONTENT_TYPE', 'HTTP_USER_AGENT', 'HTTP_HOST',
                'HTTP_X_FORWARDED_PROTO',
            ];
            $seen = [];
            foreach ($names as $name) {
                $value = $_SERVER[$name] ?? ($name === 'CONTENT_TYPE' ? $_SERVER['HTTP_CONTENT_TYPE'] ?? null : null);
                // A web server sets this one though none came.
                $seen[] = $name === 'CONTENT_TYPE' && $value === '' ? '-' : $this->seen($value, '');
            }
            return implode(',', $seen);
        }

        /** Other headers that look as if they bore a credential. */
        private function others(): string
        {
            $found = [];
            foreach ($_SERVER as $name => $value) {
                if (!is_string($name) || !is_string($value) || $value === '' || strncmp($name, 'HTTP_', 5) !== 0) {
                    continue;
                }
                $is_one = in_array($name, self::USUAL, true) || preg_match('/^(bearer|basic)[ \t]/i', $value);
                if ($is_one && $name !== 'HTTP_AUTHORIZATION' && count($found) < 3 && strlen($name) <= 45) {
                    $called = strtolower(str_replace('_', '-', substr($name, 5)));
                    $found[] = $this->word($called, 40) . ':' . $this->credential($value);
                }
            }
            return implode(',', $found);
        }

        /** Twenty bits: enough to show that two machines have different ones, and of no use to whoever guesses. */
        private function siteSecret(): string
        {
            if (!defined('JWT_AUTH_SECRET_KEY')) {
                return '-';
            }
            $secret = constant('JWT_AUTH_SECRET_KEY');
            if (!is_scalar($secret) || (string) $secret === '') {
                return 'e';
            }
            return substr(hash_hmac('sha256', (string) $secret, $this->own[2]), 0, 5);
        }

        /** Nobody is looked up for it: what WordPress has not decided is not told. */
        private function user(): string
        {
            $user = $GLOBALS['current_user'] ?? null;
            if (!is_object($user) || !isset($user->ID)) {
                return '';
            }
            $id = (int) $user->ID;
            if ($id === 0) {
                return '0,none';
            }
            $roles = array_slice(array_values((array) ($user->roles ?? [])), 0, 4);
            $roles = array_map(function ($role): string {
                return $this->word((string) $role, 24);
            }, $roles);
            return implode(',', array_merge([$id, $this->how($id)], $roles));
        }

        private function how(int $id): string
        {
            if ($id === $this->passwordUser) {
                return 'password';
            }
            if ($id === $this->cookieUser) {
                return 'cookie';
            }
            $header = $this->text('HTTP_AUTHORIZATION') ?: $this->text('REDIRECT_HTTP_AUTHORIZATION');
            return strncasecmp($header, 'Bearer', 6) === 0 ? 'token' : 'other';
        }

        private function plugins(): string
        {
            if (!function_exists('get_option')) {
                return '';
            }
            $files = (array) get_option('active_plugins', []);
            if (function_exists('is_multisite') && is_multisite()) {
                $files = array_merge($files, array_keys((array) get_site_option('active_sitewide_plugins', [])));
            }
            $found = [];
            foreach ($files as $file) {
                $folder = explode('/', (string) $file)[0];
                if (in_array($folder, self::PLUGINS, true) && count($found) < 2) {
                    $found[] = $folder . ':' . $this->version((string) $file);
                }
            }
            return implode(',', $found);
        }

        private function version(string $file): string
        {
            if (!isset($this->versions[$file])) {
                $about = get_file_data(WP_PLUGIN_DIR . '/' . $file, ['version' => 'Version']);
                $this->versions[$file] = $this->word((string) ($about['version'] ?? ''), 16);
            }
            return $this->versions[$file];
        }

        private function reply($response, $server, $request): array
        {
            $told = [];
            if (is_object($response) && method_exists($response, 'get_matched_route')) {
                $told['p'] = $this->word((string) $response->get_matched_route(), 80);
                $error = $response->is_error() ? $response->as_error() : null;
                $told['f'] = $error === null ? '' : $this->word((string) $error->get_error_code(), 60);
            }
            if (is_object($server) && method_exists($server, 'get_namespaces')) {
                $told['z'] = in_array('jwt-auth/v1', $server->get_namespaces(), true) ? 1 : 0;
            }
            if (is_object($request) && method_exists($request, 'get_attributes')) {
                $told['c'] = $this->word($this->nameOf($request->get_attributes()['callback'] ?? ''), 60);
            }
            // Said once, and never empty, so that a second reply is not taken for the first.
            return array_filter($told, [$this, 'isTold']) + ['q' => 1];
        }

        /** Whose function it is: the class, or the function's own name. */
        private function nameOf($function): string
        {
            $owner = is_array($function) ? reset($function) : $function;
            $name = is_object($owner) ? get_class($owner) : (is_string($owner) ? $owner : '');
            return explode('@', $name)[0];
        }
    };
    $hop->begin();
})();
