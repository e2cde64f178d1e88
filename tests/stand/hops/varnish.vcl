# Varnish between two doctors: as it comes, with a login unset, and as a cache that ignores the login.
#
# What a comment says of the outcome was measured with Varnish 7.1; tests/wordpress/pair/arrivals.rs holds it to that.
# The names of the doors are those of its listening sockets (`varnishd -a NAME=ADDRESS`).

vcl 4.1;

backend sidecar {
    .host = "@SIDECAR_IP@";
    .port = "@SIDECAR_PORT@";
}

sub vcl_recv {
    # UNSETS: no such line arrives.
    if (local.socket == "UNSETS") {
        unset req.http.Authorization;
    }
    # IGNORES: looks a request up as if it were anybody's. Left to itself (CLEAN), Varnish passes on whatever has
    # Authorization, and asks with GET for what it may store when the client asked with HEAD.
    if (local.socket == "IGNORES" && (req.method == "GET" || req.method == "HEAD")) {
        return (hash);
    }
}

sub vcl_backend_response {
    # IGNORES: keeps a reply for a minute, `private, no-store` notwithstanding.
    if (local.socket == "IGNORES") {
        unset beresp.http.Set-Cookie;
        set beresp.ttl = 60s;
        return (deliver);
    }
}
