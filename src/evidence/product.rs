//! The products that stand on a path, and how each betrays itself: in a request that arrives, and in a reply.
//!
//! One table says of each what it is called, by which marks it is known and what it does with the headers that matter here.
//! Only marks that were read in the vendors' documentation or in source, or measured, are used; who bears none is
//! [`Product::Unknown`]. The texts of the rules have their cures under the same names.

use crate::message::Fields;

/// A product on the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// AWS API Gateway.
    ApiGateway,
    /// AWS Application Load Balancer, where it logs users in.
    Alb,
    /// AWS `CloudFront`.
    CloudFront,
    /// Cloudflare Access.
    CloudflareAccess,
    /// Cloudflare.
    Cloudflare,
    /// Fastly.
    Fastly,
    /// Azure App Service with its own login ("Easy Auth").
    AppService,
    /// Azure Front Door.
    FrontDoor,
    /// Google Identity-Aware Proxy.
    Iap,
    /// Google Cloud Run, or another service behind Google's frontend.
    CloudRun,
    /// Vercel.
    Vercel,
    /// Netlify.
    Netlify,
    /// oauth2-proxy.
    OAuth2Proxy,
    /// ingress-nginx.
    IngressNginx,
    /// Traefik, where its basicAuth asks.
    Traefik,
    /// Envoy.
    Envoy,
    /// Varnish.
    Varnish,
    /// Squid.
    Squid,
    /// `HAProxy`; it is known by its error pages alone.
    HaProxy,
    /// Caddy.
    Caddy,
    /// `LiteSpeed`.
    LiteSpeed,
    /// nginx, or `OpenResty` which is built on it.
    Nginx,
    /// Apache httpd.
    Apache,
    /// None that betrays itself.
    Unknown,
}

/// What is known of a product.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Which it is.
    pub product: Product,
    /// What it is called; the first is what the texts of the rules call it.
    pub names: &'static [&'static str],
    in_request: &'static [Mark],
    in_reply: &'static [Mark],
    /// What it does with `Authorization`, `Origin` and preflights, in a few sentences.
    pub habit: &'static str,
    /// Where that is from.
    pub source: &'static str,
}

/// A field that betrays a product.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// The field is there.
    Has(&'static str),
    /// A field is there whose name begins so.
    Named(&'static str),
    /// The field's value is this, in any spelling.
    Is(&'static str, &'static str),
    /// The field's value begins so, in any spelling.
    Begins(&'static str, &'static str),
    /// The field's value holds this.
    Holds(&'static str, &'static str),
    /// Both fields are there.
    Both(&'static str, &'static str),
}

use Mark::{Begins, Both, Has, Holds, Is, Named};

/// Every product. Those that say who they are stand before those whose marks others may pass on, and web servers come last:
/// a reply that an edge passed on names both.
pub const PRODUCTS: &[Known] = &[
    Known {
        product: Product::ApiGateway,
        names: &["API Gateway", "AWS API Gateway"],
        in_request: &[Named("x-amzn-remapped-")],
        in_reply: &[Has("x-amz-apigw-id"), Named("x-amzn-remapped-")],
        habit: "AWS API Gateway may rename Authorization to x-amzn-Remapped-Authorization, and WWW-Authenticate likewise on the way \
                back. Map it explicitly, or let the doctor restore it.",
        source: "AWS, API Gateway, known issues",
    },
    Known {
        product: Product::Alb,
        names: &["ALB", "AWS ALB", "Application Load Balancer"],
        in_request: &[Has("x-amzn-oidc-data"), Has("x-amzn-oidc-identity"), Has("x-amzn-oidc-accesstoken")],
        in_reply: &[],
        habit: "AWS's Application Load Balancer forwards Authorization. Where it logs users in (authenticate-oidc), a client of the API \
                without its cookie is sent to the login: put a rule for /wp-json/* before that action.",
        source: "AWS, listener-authenticate-users",
    },
    Known {
        product: Product::CloudFront,
        names: &["CloudFront", "AWS CloudFront", "Amazon CloudFront"],
        in_request: &[Is("user-agent", "Amazon CloudFront"), Has("x-amz-cf-id")],
        in_reply: &[
            Is("server", "CloudFront"),
            Has("x-amz-cf-id"),
            Has("x-amz-cf-pop"),
            Holds("via", "(CloudFront)"),
            Holds("x-cache", " from cloudfront"),
        ],
        habit: "CloudFront removes Authorization by default, and X-Forwarded-Proto and X-HTTP-Method-Override. A cache policy that names \
                it, or an origin request policy for all viewer headers, lets it pass. Preflights need Origin and the two Access-Control-Request fields forwarded and OPTIONS \
                allowed; it may cache them.",
        source: "AWS, RequestAndResponseBehaviorCustomOrigin, add-origin-custom-headers",
    },
    Known {
        product: Product::CloudflareAccess,
        names: &["Cloudflare Access"],
        in_request: &[Has("cf-access-jwt-assertion")],
        in_reply: &[Holds("location", ".cloudflareaccess.com")],
        habit: "Cloudflare Access wants its cookie or a service token and sends everybody else to a login, preflights too unless \
                \"Bypass options requests to origin\" is on.",
        source: "Cloudflare, Access, authorization cookie and CORS",
    },
    Known {
        product: Product::Cloudflare,
        names: &["Cloudflare"],
        in_request: &[Has("cf-ray"), Has("cf-connecting-ip"), Holds("cdn-loop", "cloudflare")],
        in_reply: &[Has("cf-ray"), Is("server", "cloudflare"), Has("cf-cache-status")],
        habit: "Cloudflare passes Authorization on. A Transform Rule or a Worker may remove it, and header names with a dot may be \
                dropped.",
        source: "Cloudflare, HTTP headers reference; Transform Rules",
    },
    Known {
        product: Product::Fastly,
        names: &["Fastly"],
        in_request: &[],
        in_reply: &[Begins("x-served-by", "cache-")],
        habit: "Fastly forwards Authorization, but its boilerplate VCL looks every GET up in the cache without a look at it: one caller's \
                reply goes to the next unless the origin forbids it.",
        source: "Fastly, boilerplate VCL and cache recipes",
    },
    Known {
        product: Product::AppService,
        names: &["Azure App Service", "Easy Auth", "EasyAuth"],
        in_request: &[Named("x-ms-client-principal")],
        in_reply: &[Holds("location", "/.auth/login/")],
        habit: "Azure App Service with its own authentication answers before PHP and sends callers to /.auth/login/; its own token is \
                X-ZUMO-AUTH. Exclude /wp-json/* or allow anonymous requests.",
        source: "Azure, App Service, overview of authentication and authorization",
    },
    Known {
        product: Product::FrontDoor,
        names: &["Azure Front Door", "Front Door"],
        in_request: &[Has("x-azure-fdid"), Is("via", "1.1 Azure")],
        in_reply: &[Has("x-azure-ref")],
        habit: "Azure Front Door passes most headers on; its rules engine can delete one. Asked with X-Azure-DebugInfo: 1 it says \
                whether the edge or the origin answered.",
        source: "Azure, front-door-http-headers-protocol",
    },
    Known {
        product: Product::Iap,
        names: &["Google IAP", "Identity-Aware Proxy", "IAP"],
        in_request: &[Has("x-goog-iap-jwt-assertion")],
        in_reply: &[],
        habit: "Google's Identity-Aware Proxy takes an ID token from Authorization or Proxy-Authorization, sends others to \
                accounts.google.com and removes the client's x-goog-* fields.",
        source: "Google Cloud, IAP, signed headers",
    },
    Known {
        product: Product::CloudRun,
        names: &["Google Cloud Run", "Cloud Run", "Google Frontend"],
        in_request: &[Has("x-serverless-authorization")],
        in_reply: &[Is("server", "Google Frontend")],
        habit: "Google Cloud Run with IAM consumes Authorization and hands it on with the signature replaced by \
                SIGNATURE_REMOVED_BY_GOOGLE. With Google's token in X-Serverless-Authorization it passes Authorization untouched.",
        source: "Google Cloud Run, troubleshooting",
    },
    Known {
        product: Product::Vercel,
        names: &["Vercel"],
        in_request: &[],
        in_reply: &[Has("x-vercel-id"), Is("server", "Vercel")],
        habit: "Vercel's rewrites proxy the request with its headers. A header above 16 KB, or more than 32 KB in all, is refused with \
                REQUEST_HEADER_TOO_LARGE.",
        source: "Vercel, rewrites; errors, REQUEST_HEADER_TOO_LARGE",
    },
    Known {
        product: Product::Netlify,
        names: &["Netlify"],
        in_request: &[],
        in_reply: &[Has("x-nf-request-id"), Is("server", "Netlify")],
        habit: "Netlify's rewrites with status 200 proxy the request. Its own Basic-Auth uses the same Authorization and clashes with a \
                token: leave the API out of it.",
        source: "Netlify, rewrites and proxies; its forum",
    },
    Known {
        product: Product::OAuth2Proxy,
        names: &["oauth2-proxy"],
        in_request: &[Holds("cookie", "_oauth2_proxy")],
        in_reply: &[Begins("set-cookie", "_oauth2_proxy"), Begins("location", "/oauth2/")],
        habit: "oauth2-proxy writes a Basic of its own into Authorization (--pass-basic-auth), strips it on routes without login \
                (--skip-auth-strip-headers), sends a client's Bearer to the login and asks preflights to log in, all by default.",
        source: "oauth2-proxy, configuration overview",
    },
    Known {
        product: Product::IngressNginx,
        names: &["ingress-nginx"],
        in_request: &[Both("x-scheme", "x-original-forwarded-for")],
        in_reply: &[],
        habit: "ingress-nginx blanks Authorization where auth-type is basic or digest, and replaces it where auth-response-headers names \
                it. With enable-cors it answers OPTIONS itself, and Access-Control-Allow-Origin may come twice.",
        source: "ingress-nginx, nginx.tmpl of an older version; annotations",
    },
    Known {
        product: Product::Traefik,
        names: &["Traefik"],
        in_request: &[],
        in_reply: &[Is("www-authenticate", "Basic realm=\"traefik\"")],
        habit: "Traefik forwards Authorization. basicAuth and digestAuth delete it with removeHeader: true, forwardAuth where \
                authResponseHeaders names it.",
        source: "Traefik, pkg/middlewares/auth",
    },
    Known {
        product: Product::Envoy,
        names: &["Envoy"],
        in_request: &[],
        in_reply: &[Is("server", "envoy"), Has("x-envoy-upstream-service-time")],
        habit: "Envoy forwards Authorization. Its jwt_authn filter removes a token once it is verified, so only good ones are lost, \
                unless it says forward: true. It takes 60 KiB of headers and answers 431 beyond.",
        source: "Envoy, api protos and source",
    },
    Known {
        product: Product::Varnish,
        names: &["Varnish"],
        in_request: &[],
        in_reply: &[Has("x-varnish"), Holds("via", "(Varnish/")],
        habit: "Varnish passes a request with Authorization uncached by its built-in VCL. VCL of the site that returns hash before that, \
                or unsets the field, replays one caller's reply or loses the header.",
        source: "varnishd -x builtin; measured with 7.1",
    },
    Known {
        product: Product::Squid,
        names: &["Squid"],
        in_request: &[],
        in_reply: &[Holds("via", "(squid/")],
        habit: "Squid as a reverse proxy drops Authorization to an origin peer unless cache_peer says login=PASSTHRU (or PASS, \
                PROXYPASS).",
        source: "squid, src/http.cc (read in a copy of 3.5)",
    },
    Known {
        product: Product::HaProxy,
        names: &["HAProxy"],
        in_request: &[],
        in_reply: &[],
        habit: "HAProxy forwards Authorization over HTTP, in small letters. Its fcgi-app hides it from FastCGI applications unless \
                it says pass-header Authorization.",
        source: "HAProxy, src/fcgi-app.c; measured with 2.6",
    },
    Known {
        product: Product::Caddy,
        names: &["Caddy"],
        in_request: &[],
        in_reply: &[Begins("server", "Caddy")],
        habit: "Caddy forwards Authorization by reverse_proxy and php_fastcgi, unless Connection nominates it. Newer versions drop header \
                names with _ or . in them.",
        source: "Caddy, modules/caddyhttp; measured with 2.6",
    },
    Known {
        product: Product::LiteSpeed,
        names: &["LiteSpeed", "OpenLiteSpeed"],
        in_request: &[],
        in_reply: &[Begins("server", "LiteSpeed"), Has("x-litespeed-cache")],
        habit: "OpenLiteSpeed passes Authorization to PHP unless it has authenticated the user itself. The cache plugin for WordPress \
                keeps replies of the REST API by default.",
        source: "openlitespeed, src/http/httpcgitool.cpp; litespeedtech/lscache_wp#413",
    },
    Known {
        product: Product::Nginx,
        names: &["nginx", "OpenResty"],
        in_request: &[],
        in_reply: &[Begins("server", "nginx"), Begins("server", "openresty")],
        habit: "nginx forwards Authorization without any setting, over HTTP and to PHP-FPM. It is lost by proxy_set_header Authorization \"\" \
                or where request headers are not passed; two lines of it are refused with 400, and add_header adds to what WordPress sent.",
        source: "nginx source; measured with 1.22",
    },
    Known {
        product: Product::Apache,
        names: &["Apache", "Apache httpd", "httpd"],
        in_request: &[],
        in_reply: &[Begins("server", "Apache")],
        habit: "Apache keeps Authorization from PHP-FPM, CGI and mod_fcgid unless CGIPassAuth is on, and joins two lines of it into one. \
                By mod_php only getallheaders() has it.",
        source: "httpd, server/util_script.c; measured with 2.4",
    },
];

impl Product {
    /// The product that a request came through.
    #[must_use]
    pub fn of_request(fields: &Fields) -> Self {
        Self::find(|known| known.in_request, fields)
    }

    /// The product that a reply came through, or from.
    #[must_use]
    pub fn of_reply(fields: &Fields) -> Self {
        Self::find(|known| known.in_reply, fields)
    }

    fn find(marks: fn(&Known) -> &'static [Mark], fields: &Fields) -> Self {
        let is = |known: &&Known| marks(known).iter().any(|mark| mark.is_on(fields));
        PRODUCTS.iter().find(is).map_or(Self::Unknown, |known| known.product)
    }

    /// Its name, as the texts of the rules write it; `any` for none.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = PRODUCTS.iter().find(|known| known.product == self);
        known.and_then(|known| known.names.first()).copied().unwrap_or("any")
    }
}

impl Mark {
    fn is_on(self, fields: &Fields) -> bool {
        let any = |name: &str, fits: &dyn Fn(&[u8]) -> bool| {
            fields.iter().any(|field| field.name.eq_ignore_ascii_case(name.as_bytes()) && fits(field.value))
        };
        match self {
            Has(name) => any(name, &|_| true),
            Named(start) => fields.iter().any(|field| begins(field.name, start)),
            Is(name, text) => any(name, &|value| value.eq_ignore_ascii_case(text.as_bytes())),
            Begins(name, start) => any(name, &|value| begins(value, start)),
            Holds(name, part) => any(name, &|value| memchr::memmem::find(value, part.as_bytes()).is_some()),
            Both(one, other) => any(one, &|_| true) && any(other, &|_| true),
        }
    }
}

fn begins(text: &[u8], start: &str) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{PRODUCTS, Product};
    use crate::message::Fields;

    #[test]
    fn products_are_known_by_their_marks_on_requests() {
        let table: [(&[(&str, &str)], Product); 14] = [
            (&[("User-Agent", "Amazon CloudFront")], Product::CloudFront),
            (&[("x-amz-cf-id", "x")], Product::CloudFront),
            (&[("x-amzn-Remapped-Authorization", "x")], Product::ApiGateway),
            (&[("x-amzn-oidc-data", "x")], Product::Alb),
            (&[("CF-Ray", "x")], Product::Cloudflare),
            (&[("CDN-Loop", "cloudflare")], Product::Cloudflare),
            (&[("CF-Ray", "x"), ("Cf-Access-Jwt-Assertion", "x")], Product::CloudflareAccess),
            (&[("X-Azure-FDID", "x")], Product::FrontDoor),
            (&[("X-MS-CLIENT-PRINCIPAL-ID", "x")], Product::AppService),
            (&[("X-Scheme", "https"), ("X-Original-Forwarded-For", "1.2.3.4")], Product::IngressNginx),
            (&[("X-Scheme", "https")], Product::Unknown),
            (&[("Cookie", "a=b; _oauth2_proxy=x")], Product::OAuth2Proxy),
            (&[("User-Agent", "curl/7.88.1"), ("X-Forwarded-For", "1.2.3.4")], Product::Unknown),
            (&[("Via", "1.1 varnish")], Product::Unknown),
        ];
        for (pairs, product) in table {
            assert_eq!(Product::of_request(&fields(pairs)), product, "{pairs:?}");
        }
    }

    #[test]
    fn products_are_known_by_their_marks_on_replies() {
        let table: [(&[(&str, &str)], Product); 17] = [
            (&[("X-Cache", "Miss from cloudfront"), ("Server", "nginx")], Product::CloudFront),
            (&[("Via", "1.1 abc.cloudfront.net (CloudFront)")], Product::CloudFront),
            (&[("x-amz-apigw-id", "x")], Product::ApiGateway),
            (&[("Server", "cloudflare")], Product::Cloudflare),
            (&[("X-Served-By", "cache-fra1-FRA"), ("Server", "nginx")], Product::Fastly),
            (&[("X-Served-By", "web3")], Product::Unknown),
            (&[("x-azure-ref", "x")], Product::FrontDoor),
            (&[("server", "Google Frontend")], Product::CloudRun),
            (&[("Server", "Vercel")], Product::Vercel),
            (&[("Server", "Netlify")], Product::Netlify),
            (&[("Set-Cookie", "_oauth2_proxy_csrf=x")], Product::OAuth2Proxy),
            (&[("WWW-Authenticate", "Basic realm=\"traefik\"")], Product::Traefik),
            (&[("Server", "envoy")], Product::Envoy),
            (&[("X-Varnish", "7"), ("Server", "Apache/2.4.71")], Product::Varnish),
            (&[("Via", "1.1 gw (squid/5.7)")], Product::Squid),
            (&[("Server", "openresty/1.21")], Product::Nginx),
            (&[("Server", "awselb/2.0")], Product::Unknown),
        ];
        for (pairs, product) in table {
            assert_eq!(Product::of_reply(&fields(pairs)), product, "{pairs:?}");
        }
    }

    #[test]
    fn every_product_stands_in_the_table_once() {
        for known in PRODUCTS {
            assert_eq!(PRODUCTS.iter().filter(|other| other.product == known.product).count(), 1);
            assert_eq!(known.names.first().copied(), Some(known.product.name()));
            assert!(known.habit.ends_with('.') && !known.source.is_empty(), "{:?}", known.product);
        }
        assert_eq!(Product::Unknown.name(), "any");
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::new();
        pairs.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
        fields
    }

    proptest! {
        #[test]
        fn no_bytes_panic(name in "[A-Za-z-]{1,20}", value in any::<Vec<u8>>()) {
            let mut fields = Fields::new();
            fields.append(name.as_bytes(), &value);
            std::hint::black_box((Product::of_request(&fields), Product::of_reply(&fields)));
        }
    }
}
