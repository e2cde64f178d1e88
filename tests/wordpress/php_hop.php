<?php
/**
 * Runs the plugin of `header-doctor php-hop` where WordPress is a few functions, and prints the headers that it sends.
 *
 *     php php_hop.php PLUGIN '{"HTTP_AUTHORIZATION": "…"}'
 *
 * The functions fail in the ways that functions of other plugins do: what they throw or warn of must not be seen.
 */

namespace {
    define('ABSPATH', '/');
    $_SERVER = json_decode($argv[2], true);
    $GLOBALS['hooks'] = [];
    $GLOBALS['is_begun'] = false;
    $GLOBALS['is_sent'] = false;

    function add_action(string $name, callable $function): void
    {
        $GLOBALS['hooks'][$name] = $function;
    }

    function add_filter(string $name, callable $function): void
    {
        add_action($name, $function);
    }

    function home_url(): string
    {
        trigger_error('a warning of somebody', E_USER_WARNING);
        return 'http://wordpress.test';
    }

    function did_action(string $name): int
    {
        return (int) $GLOBALS['is_begun'];
    }

    function wp_get_environment_type(): string
    {
        if (!$GLOBALS['is_begun']) {
            echo 'the type is kept before everybody could set it';
        }
        return 'staging';
    }

    $sent = [];
    $plugin = file_get_contents($argv[1]);
    // The command line has no headers: they are caught by functions of a namespace of their own.
    eval('namespace Caught; ' . substr($plugin, strlen('<?php')));

    $GLOBALS['is_begun'] = true;
    if (isset($GLOBALS['hooks']['rest_post_dispatch'])) {
        // What other plugins do.
        $_SERVER['REQUEST_METHOD'] = 'PURGE';
        $response = new class () {
            public function get_matched_route(): string
            {
                throw new \RuntimeException('a failure of somebody');
            }
        };
        if ($GLOBALS['hooks']['rest_post_dispatch']($response) !== $response) {
            echo 'the reply was changed';
        }
        \Caught\header('Cache-Control: public, max-age=60');
        $before = $GLOBALS['hooks']['rest_pre_serve_request'] ?? 'strval';
        if ($before('served') !== 'served') {
            echo 'the body was changed';
        }
        // The body is longer than PHP's buffer.
        $GLOBALS['is_sent'] = true;
        $GLOBALS['hooks']['shutdown']();
    }
    foreach ($sent as $name => $line) {
        echo "$line\n";
    }
}

namespace Caught {
    function header(string $line, bool $replace = true): void
    {
        [$name] = explode(':', $line);
        $GLOBALS['sent'][$name] = $line;
    }

    function headers_list(): array
    {
        return array_values($GLOBALS['sent']);
    }

    function headers_sent(): bool
    {
        return $GLOBALS['is_sent'];
    }

    function getallheaders(): array
    {
        return [];
    }
}
