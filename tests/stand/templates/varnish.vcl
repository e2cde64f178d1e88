# Varnish in front of NGINX_GOOD: as it comes, with the login unset, and as a cache that asks nobody who is asking.
#
# The names of the doors are those of its listening sockets (`varnishd -a NAME=ADDRESS`). VARNISH has no line of its own:
# left to itself, Varnish passes on whatever has Authorization.

vcl 4.1;

backend wordpress {
    .host = "127.0.0.1";
    .port = "@NGINX_GOOD_PORT@";
}

sub vcl_recv {
    # VARNISH_UNSETS
    if (local.socket == "VARNISH_UNSETS") {
        unset req.http.Authorization;
    }
    # CACHING_EDGE: looks REST up as if it were anybody's, and keeps it, `no-store` notwithstanding.
    if (local.socket == "CACHING_EDGE" && req.url ~ "^/wp-json/" && req.method ~ "^(GET|HEAD)$") {
        return (hash);
    }
}

sub vcl_backend_response {
    if (local.socket == "CACHING_EDGE") {
        unset beresp.http.Set-Cookie;
        set beresp.ttl = 60s;
        return (deliver);
    }
}
