//! The products that stand on a path, from the table by which they are recognised, with the rules that they concern.

use super::{Kind, Term};
use crate::evidence::{PRODUCTS, Product};

pub(super) fn terms() -> impl Iterator<Item = Term> {
    PRODUCTS.iter().map(|known| Term {
        kind: Kind::Product,
        names: known.names,
        meaning: known.habit,
        rules: rules(known.product),
        source: known.source,
    })
}

const OF_CLOUDFRONT: &[&str] = &[
    "authorization-lost-before-doctor",
    "authorization-lost-before-php",
    "origin-header-stripped",
    "preflight-blocked",
    "preflight-cached-wrongly",
    "header-too-large",
];
const OF_CLOUDFLARE: &[&str] = &[
    "authorization-lost-before-doctor",
    "authorization-lost-before-php",
    "refusal-from-cache",
    "authenticated-reply-cached",
    "firewall-blocked",
];
const OF_OAUTH2_PROXY: &[&str] = &[
    "login-page-in-front",
    "preflight-needs-login",
    "authorization-lost-between-doctors",
    "authorization-lost-before-doctor",
    "authorization-lost-before-php",
];
const OF_NGINX: &[&str] = &[
    "authorization-lost-before-php",
    "cors-headers-doubled",
    "gate-in-front",
    "header-too-large",
    "authorization-twice",
];
const OF_A_GATEWAY: &[&str] = &[
    "authorization-lost-before-doctor",
    "authorization-lost-between-doctors",
    "authorization-lost-before-php",
];

/// The rules that a product concerns, the likeliest first.
const fn rules(product: Product) -> &'static [&'static str] {
    match product {
        Product::ApiGateway | Product::FrontDoor => OF_A_GATEWAY,
        Product::Alb => &["login-page-in-front", "header-too-large"],
        Product::CloudFront => OF_CLOUDFRONT,
        Product::CloudflareAccess => &["login-page-in-front", "preflight-needs-login"],
        Product::Cloudflare => OF_CLOUDFLARE,
        Product::Fastly => &["refusal-from-cache", "authenticated-reply-cached", "header-too-large"],
        Product::AppService | Product::Iap => &["login-page-in-front", "preflight-needs-login"],
        Product::CloudRun => &["signature-removed-by-google", "gate-in-front"],
        Product::Vercel => &["header-too-large"],
        Product::Netlify => &["gate-in-front"],
        Product::OAuth2Proxy => OF_OAUTH2_PROXY,
        Product::IngressNginx => &[
            "authorization-lost-before-doctor",
            "authorization-lost-between-doctors",
            "cors-headers-doubled",
        ],
        Product::Traefik => &["gate-in-front", "authorization-lost-between-doctors"],
        Product::Envoy => {
            &["authorization-lost-between-doctors", "authorization-lost-before-php", "header-too-large"]
        }
        Product::Varnish => {
            &["refusal-from-cache", "authenticated-reply-cached", "authorization-lost-between-doctors"]
        }
        Product::Squid => &["authorization-lost-before-php", "authorization-lost-between-doctors"],
        Product::HaProxy => {
            &["authorization-lost-before-php", "authorization-lost-between-doctors", "header-too-large"]
        }
        Product::Caddy => &["authorization-lost-before-php", "gate-in-front", "gate-login-reaches-wordpress"],
        Product::LiteSpeed => {
            &["authorization-lost-before-php", "refusal-from-cache", "authenticated-reply-cached"]
        }
        Product::Nginx => OF_NGINX,
        Product::Apache => {
            &["authorization-lost-before-php", "gate-in-front", "header-too-large", "authorization-twice"]
        }
        Product::Unknown => &[],
    }
}
