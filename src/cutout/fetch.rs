//! Asking a service for a square: its addresses one after the other, again after a pause where it is busy, until an image, "no coverage" or a
//! fault is certain.

use std::time::Duration;

use reqwest::Url;

use super::CutoutSettings;
use super::gate::{self, Refusal};
use super::http::{Http, Trouble, host_of};
use super::judge::{self, Checked, Verdict};
use super::service::{Answer, Service, Square, Step};

/// Addresses that one image takes at most.
const STEPS: usize = 4;
/// The longest pause that a service is granted while somebody waits, and the longest that is kept to afterwards.
const PATIENCE: Duration = Duration::from_secs(120);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What came of asking one service for one layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetched {
    Image { bytes: Vec<u8>, checked: Checked },
    NoCoverage,
    Failed(Failure),
}

/// Why it is not known whether there is an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Cancelled,
    /// The host cannot be asked now.
    Unreachable(String),
    /// The service has a fault, or is used in a wrong way.
    Fault(String),
}

/// Asks for one layer of a service.
pub fn fetch(
    http: &Http,
    settings: &CutoutSettings,
    service: &dyn Service,
    layer: &str,
    square: &Square,
    cancelled: &dyn Fn() -> bool,
) -> Fetched {
    let mut address = service.first(square, layer);
    for asked in 0..STEPS {
        let answer = match ask(http, settings, &address, cancelled) {
            Ok(answer) => answer,
            Err(failure) => return Fetched::Failed(failure),
        };
        match service.read(square, layer, asked, &answer) {
            Step::Ask(next) => address = next,
            Step::NoCoverage => return Fetched::NoCoverage,
            Step::Wrong(what) => return Fetched::Failed(Failure::Fault(what)),
            Step::Look => {
                return match judge::sky(&answer.bytes, square.pixels, service.black_share()) {
                    Verdict::Sky(checked) => Fetched::Image {
                        bytes: answer.bytes,
                        checked,
                    },
                    Verdict::Blank => Fetched::NoCoverage,
                    Verdict::Wrong(what) => Fetched::Failed(Failure::Fault(what)),
                };
            }
        }
    }
    Fetched::Failed(Failure::Fault(
        "leads from one address to the next without end".into(),
    ))
}

/// Asks one address until there is an answer that is not "later".
fn ask(
    http: &Http,
    settings: &CutoutSettings,
    address: &str,
    cancelled: &dyn Fn() -> bool,
) -> Result<Answer, Failure> {
    let url = Url::parse(address).map_err(|_| Failure::Fault(format!("`{address}` is no web address")))?;
    let host = host_of(&url);
    // Of the last try, and whether it tells of the host rather than of this request.
    let (mut last, mut overloaded) = (String::new(), false);
    for attempt in 0..=settings.cutout_retries {
        let permit = gate::enter(&host, PATIENCE, cancelled).map_err(|refusal| match refusal {
            Refusal::Cancelled => Failure::Cancelled,
            Refusal::Resting(why) => Failure::Unreachable(why),
        })?;
        let reply = http.get(&url, cancelled);
        drop(permit);
        let wait = match reply {
            Ok(reply) if !is_later(reply.answer.status) => {
                gate::up(&host);
                return Ok(reply.answer);
            }
            Ok(reply) => {
                overloaded = reply.answer.status != 500;
                last = match reply.answer.status {
                    500 => "fails (HTTP 500)".into(),
                    status => format!("is busy (HTTP {status})"),
                };
                reply.retry_after.unwrap_or_else(|| backoff(settings, attempt))
            }
            Err(Trouble::Broken(why)) => {
                (last, overloaded) = (why, false);
                backoff(settings, attempt)
            }
            Err(Trouble::Cancelled) => return Err(Failure::Cancelled),
            Err(Trouble::Refused(why)) => return Err(Failure::Fault(why)),
            Err(Trouble::Unreachable(why)) => {
                gate::down(&host, &why);
                return Err(Failure::Unreachable(why));
            }
        };
        tracing::debug!(%host, attempt, ?wait, last, "a service is asked again later");
        gate::pause(&host, wait.min(LONGEST_PAUSE));
        if wait > PATIENCE {
            let why = format!("{last} and asks to be left alone for {} s", wait.as_secs());
            return Err(Failure::Unreachable(why));
        }
    }
    if !overloaded {
        return Err(Failure::Fault(last));
    }
    gate::down(&host, &last);
    Err(Failure::Unreachable(last))
}

/// Whether a status means that the same request may succeed later.
fn is_later(status: u16) -> bool {
    status == 429 || (500..600).contains(&status)
}

/// The pause before the next try: doubled with every try, and scattered by half so that many who failed together do not come back together.
fn backoff(settings: &CutoutSettings, attempt: u32) -> Duration {
    let doubled = settings.cutout_pause * f64::from(1u32 << attempt.min(16));
    Duration::from_secs_f64((doubled * (0.5 + rand::random::<f64>())).min(PATIENCE.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_scatter() {
        let settings = CutoutSettings::default();
        for (attempt, low, high) in [(0, 0.5, 1.5), (1, 1.0, 3.0), (3, 4.0, 12.0), (30, 60.0, 120.0)] {
            let pauses: Vec<f64> = (0..50)
                .map(|_| backoff(&settings, attempt).as_secs_f64())
                .collect();
            assert!(
                pauses.iter().all(|pause| (low..=high).contains(pause)),
                "{pauses:?}"
            );
        }
        assert_ne!(backoff(&settings, 1), backoff(&settings, 1));
    }
}
