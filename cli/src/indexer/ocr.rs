//! Whether and how pages that are pictures are read.

use lsearch_ingest::Ocr;

use crate::app::App;
use crate::config::Config;
use crate::places::find_program;

/// What part of the time that a file may take is for its pictures, in percent: the rest of it must
/// be enough for what its pages say in letters.
const SHARE_PERCENT: u64 = 75;

/// The setting as far as it can be carried out: none where it is off, or where there is no
/// `tesseract`.
pub fn setting(config: &Config) -> Option<Ocr> {
    if !config.ocr {
        return None;
    }
    let program =
        find_program(&["tesseract"]).and_then(|program| std::path::absolute(program).ok());
    Some(Ocr {
        program: program?,
        languages: config.ocr_languages.clone(),
        seconds: config.extract_wall_sec * SHARE_PERCENT / 100,
    })
}

/// The same, with a warning where it cannot be carried out.
pub fn setting_or_warning(app: &App) -> Option<Ocr> {
    let setting = setting(&app.config);
    if app.config.ocr && setting.is_none() {
        app.warn("ocr is on, but there is no `tesseract` on the PATH: pages that are pictures stay unread");
    }
    setting
}
