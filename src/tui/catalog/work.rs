//! The workers behind the table: one for pages, one for what may take long.

use std::io;

use crate::catalog::Query;
use crate::pipeline::CancelToken;
use crate::pipeline::browse::{Browser, Cell, QueryFault, Rows};
use crate::tui::app;
use crate::tui::worker::{self, Worker};

#[derive(Debug)]
pub enum Request {
    Select(Option<String>),
    Page { from: u64, rows: Vec<u64> },
}

impl worker::Request for Request {
    fn slot(&self) -> Option<u8> {
        Some(match self {
            Self::Select(_) => 0,
            Self::Page { .. } => 1,
        })
    }
}

#[derive(Debug)]
pub enum Answer {
    Selected {
        rows: Rows,
        of: u64,
        filter: Option<String>,
    },
    Page {
        from: u64,
        cells: Vec<Vec<Cell>>,
    },
    Failed(String),
}

/// The workers.
pub struct Browse {
    pages: Worker<Request>,
    queries: Worker<Request>,
}

impl Browse {
    pub fn start(
        inputs: Vec<String>,
        tell: impl Fn(app::Answer) + Clone + Send + 'static,
        fault: impl FnMut(String) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let worker = |name| {
            let (inputs, tell) = (inputs.clone(), tell.clone());
            let mut browser = None;
            Worker::start(
                name,
                move |request, cancel: &CancelToken| {
                    let answer = serve(&mut browser, &inputs, request, cancel);
                    if !cancel.is_cancelled() {
                        tell(app::Answer::Catalog(answer));
                    }
                },
                fault.clone(),
            )
        };
        Ok(Self {
            pages: worker("pages")?,
            queries: worker("queries")?,
        })
    }

    pub fn ask(&mut self, request: Request) {
        match request {
            Request::Select(_) => self.queries.ask(request),
            Request::Page { .. } => self.pages.ask(request),
        }
    }
}

fn serve(browser: &mut Option<Browser>, inputs: &[String], request: Request, cancel: &CancelToken) -> Answer {
    let opened = match browser {
        Some(browser) => browser,
        None => match Browser::open(inputs) {
            Ok(opened) => browser.insert(opened),
            Err(error) => return Answer::Failed(error.to_string()),
        },
    };
    match request {
        Request::Select(filter) => {
            let query = Query {
                filter: filter.clone(),
                ..Query::default()
            };
            match opened.select(&query, cancel) {
                Ok(Some(rows)) => Answer::Selected {
                    rows,
                    of: opened.len(),
                    filter,
                },
                Ok(None) => Answer::Failed("cancelled".into()),
                Err(error) => Answer::Failed(
                    QueryFault::of(&error).map_or_else(|| error.to_string(), |fault| fault.text),
                ),
            }
        }
        Request::Page { from, rows } => {
            let columns = opened.default_columns();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            match opened.page(&rows, &columns) {
                Ok(cells) => Answer::Page { from, cells },
                Err(error) => Answer::Failed(error.to_string()),
            }
        }
    }
}
