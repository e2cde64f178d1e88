//! What is an upstream's address and what is not, as tables.

use super::{Address, Speaks, Target};
use proptest::prelude::{any, proptest};

fn read(text: &str) -> String {
    text.parse::<Target>().map_or_else(|refused| refused.to_string(), |address| address.to_string())
}

#[test]
fn every_form_is_understood() {
    for (text, address) in [
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("http://WordPress.internal", "http://wordpress.internal:80"),
        ("word_press:80", "http://word_press:80"),
        ("name.example.com.:80", "http://name.example.com.:80"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("http://[2001:DB8::0]", "http://[2001:db8::]:80"),
        ("https://Origin.example.com", "https://origin.example.com:443"),
        ("https://10.0.0.7:8443", "https://10.0.0.7:8443"),
        ("unix:/run/web.sock", "unix:/run/web.sock"),
        ("fastcgi://PHP:9000", "fastcgi://php:9000"),
        ("fastcgi://[::1]:9000", "fastcgi://[::1]:9000"),
        ("fastcgi+unix:/run/php/php8.2-fpm.sock", "fastcgi+unix:/run/php/php8.2-fpm.sock"),
        ("fastcgi+unix:///run/php.sock", "fastcgi+unix:/run/php.sock"),
        ("unix:///run/web.sock", "unix:/run/web.sock"),
    ] {
        assert_eq!(read(text), address);
    }
}

#[test]
fn an_address_is_kept_in_parts() {
    let tcp = Address::Tcp { host: "::1".to_owned(), port: 9 };
    assert_eq!("http://[::1]:9".parse(), Ok(Target::from(tcp.clone())));
    assert_eq!("https://[::1]:9".parse(), Ok(Target { address: tcp, speaks: Speaks::Https }));
    assert_eq!("unix:/a b".parse(), Ok(Target::from(Address::Unix("/a b".into()))));
}

#[test]
fn what_is_not_an_address_is_refused_by_name() {
    for (text, wrong) in [
        ("http://user:secret@h:80", "has a user or password in it;"),
        ("user@h:80/x", "has a user or password in it;"),
        ("http://h:80/", "has a path,"),
        ("http://h:80/wp?x", "has a path,"),
        ("h:80?x=1", "has a query or fragment,"),
        ("https:h", "has no port"),
        ("https://h/wp", "has a path,"),
        ("https://", "has no host"),
        ("fastcgi:h:9000", "is not an upstream; write fastcgi://HOST:PORT or fastcgi+unix:/PATH"),
        ("fastcgi://h", "names no port; write fastcgi://HOST:PORT"),
        ("fastcgi://[::1]", "names no port;"),
        ("fastcgi:///run/php.sock", "names no host; write fastcgi://HOST:PORT or fastcgi+unix:/PATH"),
        (
            "fastcgi://h:9000/var/www",
            "has more behind its port, which an upstream cannot have; end it there, and write the folder",
        ),
        ("fastcgi://user:secret@h:9000", "has a user or password in it;"),
        (
            "fastcgi+unix:run/php.sock",
            "is not the path of a socket; write it from the root, such as fastcgi+unix:/run/php/php-fpm.sock",
        ),
        ("fastcgi://", "names no host; write fastcgi://HOST:PORT"),
        ("htp://x", "is not an upstream; write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH"),
        (
            "wordpress",
            "is not an upstream; write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH",
        ),
        ("", "has no host"),
        (":8080", "has no host"),
        ("http://", "has no host"),
        ("-a..b:80", "has no host"),
        ("bücher.example:80", "has no host"),
        ("10.0.0.256:80", "has no host"),
        ("[::1:80", "has no host"),
        ("[::1]x", "has no host"),
        ("::1:80", "has more than one colon; write an IPv6 address in brackets"),
        ("h:0", "has no port"),
        ("h:", "has no port"),
        ("h:+80", "has no port"),
        ("h:65536", "has no port"),
        ("unix:web.sock", "is not the path of a socket;"),
        ("unix:/", "is not the path of a socket;"),
        ("unix://web.sock", "is not the path of a socket;"),
    ] {
        let refused = text.parse::<Target>().expect_err(text).to_string();
        assert!(refused.starts_with(wrong), "{text}: {refused}");
    }
    assert!(read(&format!("unix:/{}", "x".repeat(107))).starts_with("has a path no socket can have"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(text in "(https?://)?[a-zA-Z0-9.:\\[\\]-]{1,12}(:[0-9]{1,5})?") {
        if let Ok(address) = text.parse::<Target>() {
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        drop(text.parse::<Target>());
    }
}
