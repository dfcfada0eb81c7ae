//! Slow, busy, broken and absent services, and those that lead elsewhere.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use spectriage::cutout::{Cutouts, Field, Found, Reach, Search};

use super::server::{Reply, Server};
use super::{PIXELS, Sky, failed, field, galaxy, good, image, jpeg};

/// Asks SDSS alone.
fn sdss(ra: f64) -> Field {
    Field {
        service: Some("sdss".into()),
        ..field("SDSS", ra, 2.0)
    }
}

#[test]
fn a_busy_service_is_asked_again_after_the_pause_it_asks_for() {
    for (header, least) in [(None, 0), (Some("1"), 900)] {
        let sky = Sky::new(move |service, number, request| match (number, header) {
            (0, Some(seconds)) => Reply::status(429).with_header("Retry-After", seconds),
            (0 | 1, None) => Reply::status(503),
            _ => good(service, number, request),
        });
        let since = Instant::now();
        image(sky.search(&sdss(1.0)));
        assert!(
            since.elapsed() >= Duration::from_millis(least),
            "{header:?}: {:?}",
            since.elapsed()
        );
        assert_eq!(sky.asked("sdss").len(), if header.is_some() { 2 } else { 3 });
    }
}

#[test]
fn a_pause_may_be_a_date() {
    let sky = Sky::new(|service, number, request| match number {
        0 => Reply::status(503)
            .with_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .with_header("Retry-After", "Sun, 06 Nov 1994 08:49:38 GMT"),
        _ => good(service, number, request),
    });
    let since = Instant::now();
    image(sky.search(&sdss(1.0)));
    assert!(
        (900..4000).contains(&since.elapsed().as_millis()),
        "{:?}",
        since.elapsed()
    );
}

#[test]
fn a_pause_that_is_too_long_is_kept_without_waiting() {
    let sky = Sky::new(|_, _, _| Reply::status(429).with_header("Retry-After", "4000"));
    let since = Instant::now();
    let (why, unreachable) = failed(sky.search(&sdss(1.0)));
    assert!(
        why.contains("HTTP 429") && why.contains("4000 s") && unreachable,
        "{why}"
    );
    let (why, _) = failed(sky.search(&sdss(2.0)));
    assert!(why.contains("left alone"), "{why}");
    assert!(since.elapsed() < Duration::from_secs(3));
    assert_eq!(sky.asked("sdss").len(), 1, "it is left alone");
}

#[test]
fn a_service_that_stays_busy_is_given_up_and_left_alone() {
    let sky = Sky::new(|_, _, _| Reply::status(503));
    let (why, unreachable) = failed(sky.search(&sdss(1.0)));
    assert!(why.contains("HTTP 503") && unreachable, "{why}");
    assert_eq!(sky.asked("sdss").len(), 3, "once, and two tries more");
    failed(sky.search(&sdss(2.0)));
    assert_eq!(sky.asked("sdss").len(), 3, "not for every image again");
    sky.cutouts().try_again();
    failed(sky.search(&sdss(2.0)));
    assert_eq!(sky.asked("sdss").len(), 6, "unless the user says so");
}

#[test]
fn a_fault_with_one_place_does_not_close_the_service_for_others() {
    let sky = Sky::new(|service, number, request| match request.parameter("ra") {
        Some("1.00000") => Reply::status(500),
        _ => good(service, number, request),
    });
    let (why, unreachable) = failed(sky.search(&sdss(1.0)));
    assert!(why.contains("HTTP 500") && !unreachable, "{why}");
    image(sky.search(&sdss(2.0)));
}

#[test]
fn what_breaks_off_in_the_middle_is_asked_for_again() {
    let whole = jpeg(&galaxy(PIXELS, 1));
    let half = whole.len() / 2;
    let sky = Sky::new(move |service, number, request| match number {
        0 => Reply::image(whole.clone()).cut_at(half),
        _ => good(service, number, request),
    });
    image(sky.search(&sdss(1.0)));
    assert_eq!(sky.asked("sdss").len(), 2);

    let whole = jpeg(&galaxy(PIXELS, 1));
    let sky = Sky::new(move |_, _, _| Reply::image(whole.clone()).cut_at(half));
    let (why, unreachable) = failed(sky.search(&sdss(1.0)));
    assert!(why.contains("breaks off") && !unreachable, "{why}");
    assert_eq!(sky.asked("sdss").len(), 3);
    assert!(sky.kept().is_empty());
}

#[test]
fn a_slow_service_costs_its_time_once() {
    for drip in [false, true] {
        let mut sky = Sky::new(move |_, _, _| {
            let reply = Reply::image(vec![0xff; 20_000]);
            if drip {
                Reply {
                    drip: Duration::from_millis(100),
                    ..reply
                }
            } else {
                reply.after(Duration::from_secs(3))
            }
        });
        sky.settings.cutout_timeout = 0.3;
        let since = Instant::now();
        let (why, unreachable) = failed(sky.search(&sdss(1.0)));
        assert!(why.contains("within 0.3 s") && unreachable, "{why}");
        for ra in 2..20 {
            failed(sky.search(&sdss(f64::from(ra))));
        }
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
        assert_eq!(sky.asked("sdss").len(), 1);
    }
}

#[test]
fn a_host_that_is_not_there_fails_at_once_and_then_faster() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut sky = Sky::only("sdss");
    sky.settings.sdss_url = format!("http://127.0.0.1:{port}/getjpeg");
    let (why, unreachable) = failed(sky.search(&sdss(1.0)));
    assert!(why.contains("cannot be reached") && unreachable, "{why}");
    let since = Instant::now();
    failed(sky.search(&sdss(2.0)));
    assert!(
        since.elapsed() < Duration::from_millis(100),
        "{:?}",
        since.elapsed()
    );
}

#[test]
fn redirects_are_followed_within_the_host_only() {
    let elsewhere = Server::start(|_, _| Reply::image(jpeg(&galaxy(PIXELS, 1))));
    for (target, words) in [
        // the same machine under another name, and another port
        (
            elsewhere.address().replace("127.0.0.1", "localhost"),
            "another host",
        ),
        (elsewhere.address(), "another host"),
        ("http://169.254.169.254/latest".into(), "169.254.169.254"),
        ("file:///etc/passwd".into(), ""),
    ] {
        let sky =
            Sky::new(move |_, _, _| Reply::status(302).with_header("Location", &format!("{target}/x.jpg")));
        let (why, _) = failed(sky.search(&sdss(1.0)));
        assert!(why.contains(words), "{why}");
        assert_eq!(sky.asked("sdss").len(), 1, "it is no use to ask again");
    }
    assert!(elsewhere.requests().is_empty());

    let sky = Sky::new(|service, number, request| match request.path.as_str() {
        "/moved" => good(service, number, request),
        _ => Reply::status(301).with_header("Location", "/moved"),
    });
    image(sky.search(&sdss(1.0)));
    let sky = Sky::new(|_, _, _| Reply::status(302).with_header("Location", "/again"));
    let (why, _) = failed(sky.search(&sdss(1.0)));
    assert!(why.contains("circle"), "{why}");
}

#[test]
fn no_service_gets_more_than_two_requests_at_once() {
    let sky =
        Sky::new(|service, number, request| good(service, number, request).after(Duration::from_millis(60)));
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let sky = &sky;
            // Each with connections of its own: the limit is the process's.
            scope.spawn(move || image(sky.search(&sdss(f64::from(worker)))));
        }
    });
    let server = &sky.servers["sdss"];
    assert_eq!((server.requests().len(), server.most_at_once()), (8, 2));
}

#[test]
fn who_does_not_wait_any_more_is_let_go() {
    let sky =
        Sky::new(|service, number, request| good(service, number, request).after(Duration::from_secs(4)));
    let off = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let search = scope.spawn(|| {
            let since = Instant::now();
            let search = sky
                .cutouts()
                .search(&sdss(1.0), Reach::Network, &|| off.load(Ordering::SeqCst));
            (search, since.elapsed())
        });
        while sky.asked("sdss").is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        off.store(true, Ordering::SeqCst);
        let (search, took) = search.join().unwrap();
        assert_eq!(search, Search::Cancelled);
        assert!(took < Duration::from_secs(3), "{took:?}");
    });
    let found = sky.cutouts().find(&sdss(1.0), Reach::Network, &|| true);
    assert_eq!(
        found,
        Found::Missing {
            why: "called off".into()
        }
    );
}

#[test]
fn offline_and_from_disk_nobody_is_asked() {
    let mut sky = Sky::only("sdss");
    let wanted = field("SDSS", 1.0, 2.0);
    let disk = sky.cutouts().search(&wanted, Reach::Disk, &|| false);
    assert!(
        matches!(&disk, Search::NotHere(why) if why.contains("cutouts fetch")),
        "{disk:?}"
    );
    sky.settings.offline = true;
    let offline = sky.search(&wanted);
    assert!(
        matches!(&offline, Search::NotHere(why) if why.contains("--offline")),
        "{offline:?}"
    );
    let alone = Cutouts::new(None).search(&wanted, Reach::Network, &|| false);
    assert!(matches!(alone, Search::NotHere(_)));
    assert_eq!(sky.asked_in_all(), 0);
}

#[test]
fn no_service_is_asked_for_what_has_no_place_or_is_made_up() {
    let sky = Sky::only("sdss");
    for position in [None, Some((f64::NAN, 1.0)), Some((10.0, 91.0))] {
        let wanted = Field {
            position,
            ..field("SDSS", 0.0, 0.0)
        };
        assert!(matches!(sky.search(&wanted), Search::NotHere(_)));
    }
    let simulated = field("SIMULATED-DESI", 10.0, 20.0);
    assert!(matches!(sky.search(&simulated), Search::NotHere(_)));
    let unknown = Field {
        service: Some("hubble".into()),
        ..field("SDSS", 1.0, 2.0)
    };
    assert!(matches!(sky.search(&unknown), Search::NotHere(why) if why.contains("hubble")));
    assert_eq!(sky.asked_in_all(), 0);
}
