//! One request over HTTP: bounded in time and size, never led to another host, and called off when nobody waits for it any more.
//!
//! The async runtime lives in one thread of its own, begun with the first request; connections are kept there.

use std::error::Error as _;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::CutoutSettings;
use super::judge::MOST_BYTES;
use super::service::Answer;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// How often the waiting thread looks whether it is called off.
const LOOK: Duration = Duration::from_millis(20);

/// What became of a request that got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Cancelled,
    /// There is no way to the host now: no name, no connection, no answer in time.
    Unreachable(String),
    /// It broke off in the middle; another try may go better.
    Broken(String),
    /// The answer is one that is not taken.
    Refused(String),
}

/// An answer, and how long the host asks to be left alone.
#[derive(Debug)]
pub struct Reply {
    pub answer: Answer,
    pub retry_after: Option<Duration>,
}

/// The connections to all services.
#[derive(Debug)]
pub struct Http {
    handle: Handle,
    /// With the proxies of the environment.
    far: Client,
    /// For this machine itself, where no proxy leads.
    near: Client,
    timeout: Duration,
    /// Ends the thread when dropped.
    _end: oneshot::Sender<()>,
}

impl Http {
    /// Begins the thread.
    ///
    /// Errors: no thread, or no certificates to know hosts by; in words.
    pub fn start(settings: &CutoutSettings) -> Result<Self, String> {
        // Whoever came first has set it; they are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |builder: reqwest::ClientBuilder| {
            builder
                .user_agent(settings.user_agent())
                .connect_timeout(settings.connect_timeout())
                .timeout(settings.timeout())
                .redirect(Policy::custom(within_host))
                .build()
                .map_err(|error| format!("no connection can be made: {}", root(&error)))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no connection can be made: {error}"))?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("cutouts".into())
            .spawn(move || {
                let _ = runtime.block_on(ended);
            })
            .map_err(|error| format!("no connection can be made: {error}"))?;
        Ok(Self {
            handle,
            far: client(Client::builder())?,
            near: client(Client::builder().no_proxy())?,
            timeout: settings.timeout(),
            _end: end,
        })
    }

    /// Asks one address and waits for the answer.
    pub fn get(&self, url: &Url, cancelled: &dyn Fn() -> bool) -> Result<Reply, Trouble> {
        let client = if is_near(url) { &self.near } else { &self.far };
        let request = client.get(url.clone());
        let (sender, receiver) = mpsc::channel();
        let timeout = self.timeout;
        let task = self.handle.spawn(async move {
            let reply = read(request).await.map_err(|error| trouble(error, timeout));
            // Called off, nobody listens.
            let _ = sender.send(reply);
        });
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(reply) => return reply,
                Err(RecvTimeoutError::Timeout) if cancelled() => {
                    task.abort();
                    return Err(Trouble::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Trouble::Broken("the request came to nothing".into()));
                }
            }
        }
    }
}

/// `host:port`, by which a service is known to the gate.
pub fn host_of(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Follows a redirect where it stays with its host; from http to https it may.
fn within_host(attempt: reqwest::redirect::Attempt) -> reqwest::redirect::Action {
    let to = attempt.url();
    let Some(from) = attempt.previous().last() else {
        return attempt.follow();
    };
    let same = to.host_str() == from.host_str()
        && (to.port_or_known_default() == from.port_or_known_default()
            || (from.scheme(), to.scheme()) == ("http", "https"))
        && (from.scheme() == to.scheme() || to.scheme() == "https");
    if !same {
        let words = format!("sends on to another host, {}, which is not followed", host_of(to));
        return attempt.error(words);
    }
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("sends on in a circle");
    }
    attempt.follow()
}

/// Why there is no answer, before it is put in words.
enum Failure {
    Request(reqwest::Error),
    TooLarge,
}

async fn read(request: reqwest::RequestBuilder) -> Result<Reply, Failure> {
    let mut response = request.send().await.map_err(Failure::Request)?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    // The length of what comes after decompression is not known beforehand: it is counted.
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::Request)? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(Failure::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Reply {
        answer: Answer { status, bytes },
        retry_after,
    })
}

fn trouble(failure: Failure, timeout: Duration) -> Trouble {
    let error = match failure {
        Failure::TooLarge => {
            return Trouble::Refused(format!("an answer of more than {} MB", MOST_BYTES >> 20));
        }
        Failure::Request(error) => error,
    };
    let cause = root(&error);
    if error.is_redirect() {
        Trouble::Refused(cause)
    } else if error.is_connect() {
        Trouble::Unreachable(format!("cannot be reached ({cause})"))
    } else if error.is_timeout() {
        Trouble::Unreachable(format!("has not answered within {} s", timeout.as_secs_f64()))
    } else if error.is_builder() {
        Trouble::Refused(format!("its address cannot be asked ({cause})"))
    } else {
        Trouble::Broken(format!("its answer breaks off ({cause})"))
    }
}

/// The innermost cause, which says most.
fn root(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if error.source().is_none() {
        return "no reason given".into();
    }
    deepest.to_string()
}

/// Seconds, or the time until a date; by the host's own clock where it tells it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let value = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let now = text(DATE).and_then(http_date).unwrap_or_else(SystemTime::now);
    Some(http_date(value)?.duration_since(now).unwrap_or_default())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u32 = day.parse().ok()?;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day:02}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_pause_is_read_in_both_its_forms() {
        let of = |value: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            retry_after(&headers)
        };
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(of("120", None), seconds(120));
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(of("Sun, 06 Nov 1994 08:51:37 GMT", date), seconds(120));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:30 GMT", date), seconds(0), "gone by");
        assert_eq!(
            of("Sun, 06 Nov 1994 08:51:37 GMT", None),
            seconds(0),
            "by our own clock"
        );
        assert_eq!(of("soon", None), None);
        assert_eq!(of("-1", None), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn hosts_are_told_apart_by_their_ports() {
        let host = |text: &str| host_of(&Url::parse(text).unwrap());
        assert_eq!(host("https://a.org/x?y"), "a.org:443");
        assert_eq!(host("http://127.0.0.1:8080/"), "127.0.0.1:8080");
        assert!(is_near(&Url::parse("http://[::1]:9/").unwrap()));
        assert!(!is_near(&Url::parse("http://localhost.evil.org/").unwrap()));
    }
}
