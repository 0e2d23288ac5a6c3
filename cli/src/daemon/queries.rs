//! Searches, with everything they need in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lsearch_engine::{Bundle, Encoder};
use lsearch_index::query::Query;
use lsearch_index::{Mode, Reader, SearchResults};

use super::locked;
use crate::app::App;
use crate::args::{SearchArgs, SimilarArgs};
use crate::commands::search::{self, Answer, Asked, QueryVector};
use crate::commands::similar;
use crate::encoder;
use crate::errors::CliError;

/// The queries' encoder leaves memory after so long without a query.
const KEPT_FOR: Duration = Duration::from_secs(900);

/// Reader and encoder, each there from the first search that needs it.
pub struct Queries {
    app: App,
    reader: Mutex<Option<Arc<Reader>>>,
    encoder: Mutex<Option<Arc<Warm>>>,
    last: Mutex<Instant>,
    /// Something was committed since the reader last looked.
    stale: AtomicBool,
    /// The same since the encoder was chosen.
    encoder_stale: AtomicBool,
}

struct Warm {
    fingerprint: String,
    encoder: Encoder,
}

impl Queries {
    /// With nothing in memory yet.
    pub fn new(app: App) -> Self {
        Self {
            app,
            reader: Mutex::default(),
            encoder: Mutex::default(),
            last: Mutex::new(Instant::now()),
            stale: AtomicBool::new(true),
            encoder_stale: AtomicBool::new(true),
        }
    }

    /// There may be more to find.
    pub fn index_changed(&self) {
        self.stale.store(true, Ordering::Release);
        self.encoder_stale.store(true, Ordering::Release);
    }

    /// Whether the encoder is in memory.
    pub fn is_warm(&self) -> bool {
        locked(&self.encoder).is_some()
    }

    /// Answers a search; what is to be said besides is heard by `app`.
    pub fn answer(&self, app: &App, args: &SearchArgs, rich: bool) -> Result<Answer, CliError> {
        let (asked, vector, reader) = self.understand(app, args)?;
        search::answer(app, args, &asked, &reader, vector.as_ref(), rich)
    }

    /// The same for those who lay out what was found themselves; the first `offset` hits are passed over.
    pub fn find(
        &self,
        app: &App,
        args: &SearchArgs,
        offset: usize,
        snippet_chars: usize,
    ) -> Result<(Asked, SearchResults, Arc<Reader>), CliError> {
        let (asked, vector, reader) = self.understand(app, args)?;
        let vector = vector.as_ref();
        let results = search::results(args, &asked, &reader, vector, offset, snippet_chars)?;
        Ok((asked, results, reader))
    }

    fn understand(
        &self,
        app: &App,
        args: &SearchArgs,
    ) -> Result<(Asked, QueryVector, Arc<Reader>), CliError> {
        *locked(&self.last) = Instant::now();
        let mut asked = search::ask(app, args)?;
        search::settle(app, args, &mut asked, &*self.reader()?)?;
        // The encoder first: where a GPU or a cold start makes it slow, commits of that time are found, too.
        let vector = self.vector(app, &asked.query, asked.mode)?;
        Ok((asked, vector, self.reader()?))
    }

    /// Finds documents like one.
    pub fn similar(&self, app: &App, args: &SimilarArgs, rich: bool) -> Result<Answer, CliError> {
        *locked(&self.last) = Instant::now();
        let reader = self.reader()?;
        similar::answer(app, args, &reader, rich, |document| {
            similar::encode(&self.encoder()?.encoder, document)
        })
    }

    /// Opens the encoder ahead of the first search, where there is something to find and nothing has to be fetched.
    pub fn prepare(&self) {
        *locked(&self.last) = Instant::now();
        let is_there = encoder::find_runtime(&self.app).is_ok_and(|found| found.is_some());
        if let Ok(reader) = self.reader()
            && is_there
            && let Ok(warm) = self.encoder()
        {
            // What does not work now is told by the search.
            let _ = reader.warm(&warm.fingerprint);
        }
    }

    fn vector(&self, app: &App, query: &Query, mode: Mode) -> Result<QueryVector, CliError> {
        search::vector_or_words(app, mode, || {
            let warm = self.encoder()?;
            let vector = warm.encoder.encode_query(&query.text_for_meaning)?;
            Ok((warm.fingerprint.clone(), vector))
        })
    }

    fn encoder(&self) -> Result<Arc<Warm>, CliError> {
        let mut held = locked(&self.encoder);
        // Another one may serve once it has encoded what is there.
        let changed = self.encoder_stale.swap(false, Ordering::AcqRel);
        if let Some(warm) = held.as_ref().filter(|_| !changed) {
            return Ok(Arc::clone(warm));
        }
        let bundle: Bundle = encoder::serving(&self.app)?;
        let fingerprint = bundle.fingerprint().to_owned();
        if let Some(warm) = held.as_ref().filter(|warm| warm.fingerprint == fingerprint) {
            return Ok(Arc::clone(warm));
        }
        let warm = Arc::new(Warm { fingerprint, encoder: encoder::open(&self.app, &bundle)? });
        *held = Some(Arc::clone(&warm));
        Ok(warm)
    }

    /// The reader as of the last commit.
    pub fn reader(&self) -> Result<Arc<Reader>, CliError> {
        let mut held = locked(&self.reader);
        if let Some(reader) = &*held {
            if !self.stale.swap(false, Ordering::AcqRel) {
                return Ok(Arc::clone(reader));
            }
            match reader.refresh() {
                Ok(_) => return Ok(Arc::clone(reader)),
                // Caches that were made anew, for one: open from the beginning.
                Err(error) => self.app.detail(format_args!("reading the index anew: {error}")),
            }
        }
        self.stale.store(false, Ordering::Release);
        match Reader::open(&self.app.places.data) {
            Ok(reader) => Ok(Arc::clone(held.insert(Arc::new(reader)))),
            Err(error) => {
                *held = None;
                self.stale.store(true, Ordering::Release);
                Err(error.into())
            }
        }
    }

    /// Reads ahead what the next search needs, where there was one of late.
    pub fn warm_up(&self) {
        if locked(&self.last).elapsed() > KEPT_FOR || !self.stale.load(Ordering::Acquire) {
            return;
        }
        let fingerprint = locked(&self.encoder).as_ref().map(|warm| warm.fingerprint.clone());
        if let (Some(fingerprint), Ok(reader)) = (fingerprint, self.reader()) {
            // What does not work now is told by the search.
            let _ = reader.warm(&fingerprint);
        }
    }

    /// Gives memory back when nobody asked for a while.
    pub fn cool_down(&self) {
        if locked(&self.last).elapsed() > KEPT_FOR && self.is_warm() {
            *locked(&self.encoder) = None;
            *locked(&self.reader) = None;
            super::manners::give_back_memory();
        }
    }
}
