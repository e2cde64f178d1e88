//! What every reply has and no answer need think of: the fields that keep it out of caches and other pages, an end to what
//! takes too long, and a reply where the doctor itself breaks.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Request, Response, StatusCode};
use tower::{Service, ServiceBuilder, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use super::api::Desk;
use super::guard::Way;
use super::reply::{Reply, Trouble};
use super::stream::Line;

/// How long an answer may take, its body aside.
const PATIENCE: Duration = Duration::from_secs(10);

/// What answers the requests of one connection.
pub(super) fn service<B: 'static>(
    desk: Rc<Desk>,
    way: Way,
    line: Rc<Line>,
) -> impl Service<
    Request<B>,
    Response = Response<impl hyper::body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>>,
    Error = Infallible,
    Future: 'static,
> + Clone {
    let always = |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    ServiceBuilder::new()
        .layer(always(CACHE_CONTROL, "no-store"))
        .layer(always(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(CONTENT_SECURITY_POLICY, "default-src 'none'"))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .service(service_fn(move |request: Request<B>| {
            let (desk, line) = (Rc::clone(&desk), Rc::clone(&line));
            line.ask();
            async move { Ok(desk.answer(&request.into_parts().0, way, &line)) }
        }))
}

/// What broke may have been about to say anything, so nothing of it is repeated.
fn panicked(_: Box<dyn Any + Send>) -> Reply {
    tracing::error!("The admin listener failed to answer: a defect of the doctor");
    Trouble::Failed.reply()
}

#[cfg(test)]
pub(super) mod tests {
    use std::rc::Rc;
    use std::sync::Arc;
    use std::time::Instant;

    use http_body_util::BodyExt;
    use hyper::{Request, Response};
    use tower::ServiceExt;

    use super::{Desk, Way, service};
    use crate::admin::ring::tests::kept;
    use crate::admin::ring::{Bounds, Exchanges};
    use crate::admin::{Access, Described, Health, Metrics, Sources};
    use crate::event::{Dropped, Tally};
    use crate::moment::Moment;

    fn desk(metrics: Metrics) -> Rc<Desk> {
        let (_bus, _keeper, exchanges) = kept(1, Bounds { exchanges: 1, memory: 1 << 20 });
        desk_of(metrics, exchanges)
    }

    /// One that tells of these.
    pub(in crate::admin) fn desk_of(metrics: Metrics, exchanges: Exchanges) -> Rc<Desk> {
        let sources = Sources {
            health: Health::default(),
            metrics,
            exchanges,
            tally: Arc::new(Tally::new(Moment::default())),
            unlogged: Dropped::default(),
            began: Instant::now(),
        };
        Rc::new(Desk::new(sources, Access::default(), Described::default()))
    }

    async fn asked(desk: &Rc<Desk>, path: &str) -> (Response<()>, String) {
        let request = Request::builder().uri(path).header("host", "localhost").body(()).unwrap();
        let reply = service(Rc::clone(desk), Way::Tcp, Rc::default()).oneshot(request).await.unwrap();
        let (head, body) = reply.into_parts();
        let Ok(body) = body.collect().await else { panic!("no body") };
        let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        (Response::from_parts(head, ()), text)
    }

    #[tokio::test]
    async fn a_defect_is_a_reply_like_any_other_and_repeats_nothing() {
        let metrics = Metrics::default();
        metrics.set(|| panic!("hunter2"));
        let desk = desk(metrics);
        let (reply, text) = asked(&desk, "/metrics").await;
        assert_eq!((reply.status().as_u16(), text.contains("hunter2")), (500, false), "{text}");
        assert!(text.contains("header_doctor_admin_failed"), "{text}");
        assert_eq!(reply.headers()["cache-control"], "no-store");
        let (reply, text) = asked(&desk, "/livez").await;
        assert_eq!((reply.status().as_u16(), &*text), (200, "ok\n"), "it goes on");
        assert_eq!(reply.headers()["content-security-policy"], "default-src 'none'");
    }
}
