//! What holds within a group.

/// Where the text of a group goes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    #[default]
    Text,
    Skipped,
    FontTable,
    StyleSheet,
    /// Properties of the document.
    Info,
    Title,
    Author,
    Created,
    Revised,
    /// The number of an item of a list.
    Label,
    CommentAuthor,
    /// The same words twice, for programs without Unicode and for those with it.
    Doubled,
}

impl Destination {
    /// Whether text is kept at all.
    pub(super) fn takes_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::StyleSheet
                | Self::Title
                | Self::Author
                | Self::Label
                | Self::CommentAuthor
        )
    }
}

/// What stands apart from the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Note,
    Comment,
    TextBox,
    Header,
}

impl Frame {
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"footnote" => Self::Note,
            b"annotation" => Self::Comment,
            b"shptxt" | b"dptxbxtext" => Self::TextBox,
            b"header" | b"headerl" | b"headerr" | b"headerf" | b"footer" | b"footerl"
            | b"footerr" | b"footerf" => Self::Header,
            _ => return None,
        })
    }
}

/// Where the text of the group goes that begins with this word; `None` for words that begin none.
pub(super) fn destination(word: &[u8], within: Destination) -> Option<Destination> {
    use Destination::*;
    Some(match word {
        _ if Frame::of(word).is_some() => Text,
        b"fonttbl" => FontTable,
        b"stylesheet" => StyleSheet,
        b"info" => Info,
        b"title" if within == Info => Title,
        b"author" if within == Info => Author,
        b"creatim" if within == Info => Created,
        b"revtim" if within == Info => Revised,
        b"listtext" | b"pntext" => Label,
        b"atnauthor" => CommentAuthor,
        b"upr" => Doubled,
        b"ud" if within == Doubled => Text,
        // These may be passed over by others, but hold text within.
        b"shpinst" | b"do" | b"fldrslt" | b"result" => within,
        b"fldinst" | b"pict" | b"colortbl" | b"nonshppict" | b"shprslt" | b"sp" | b"xe" | b"tc"
        | b"tcn" | b"rxe" | b"ftnsep" | b"ftnsepc" | b"ftncn" | b"aftnsep" | b"aftnsepc"
        | b"aftncn" | b"objdata" | b"panose" | b"falt" => Skipped,
        _ => return None,
    })
}

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) destination: Destination,
    /// The destination begins with this group.
    pub(super) is_destination: bool,
    /// A note or the like begins with this group.
    pub(super) frame: Option<Frame>,
    pub(super) font: Option<i32>,
    /// How many characters stand in for each one of Unicode.
    pub(super) fallback: u32,
    pub(super) is_invisible: bool,
    pub(super) is_deleted: bool,
    pub(super) style: i32,
    pub(super) outline_level: Option<i32>,
    pub(super) list_level: i32,
    pub(super) in_table: bool,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            destination: Destination::Text,
            is_destination: false,
            frame: None,
            font: None,
            fallback: 1,
            is_invisible: false,
            is_deleted: false,
            style: 0,
            outline_level: None,
            list_level: 0,
            in_table: false,
        }
    }
}

impl Group {
    pub(super) fn enter(&mut self, destination: Destination) {
        self.destination = destination;
        self.is_destination = true;
    }

    /// Gives paragraphs the properties that they have unless something else is said.
    pub(super) fn reset_paragraph(&mut self) {
        self.style = 0;
        self.outline_level = None;
        self.list_level = 0;
        self.in_table = false;
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.is_invisible || self.is_deleted
    }
}
