//! Which score goes into which field of the customer's CRM?
//!
//! Fields are named by those who run the CRM, so their names are data: a TOML
//! file, one per target built in ([`Target::mapping`]), replaced by the user's own.
//! Everything is checked when it is read; an error names the line.

use serde::Deserialize;
use toml::Spanned;

use super::column::{BANDS, Column, Kind};
use super::target::Target;
use crate::config::Language;
use crate::error::Result;
use crate::ingest::mapping::{at, document, line_of};
use crate::text::Text;

/// The longest text any target has.
const LONGEST: usize = 131_072;

/// A checked mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Where the scores go.
    pub target: Target,
    /// The object, module or type of record there; empty for a plain table.
    pub object: String,
    /// The field that holds the customer's id.
    pub key: String,
    /// Whether customers without a score any more are written, without values.
    pub clears: bool,
    /// The other fields, in order.
    pub fields: Vec<Field>,
    /// Most customers in a file.
    pub rows_per_file: Option<u64>,
    /// Most bytes of a file.
    pub bytes_per_file: Option<u64>,
    /// Whether a plain table begins with a byte order mark.
    pub bom: bool,
    /// How a 纷享销客 record is nested.
    pub body: Body,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// What it is called in the target.
    pub name: String,
    /// What is written into it.
    pub column: Column,
    /// Decimal places of a number; all there are if absent.
    pub decimals: Option<usize>,
    /// Most characters of a text; all if absent.
    pub length: Option<usize>,
    /// What the bands are called, in the order of [`BANDS`].
    pub words: Option<[String; 3]>,
}

/// How a 纷享销客 record is nested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// `{"dataObjectApiName": …, "data": {"_id": …}}`
    #[default]
    Data,
    /// `{"object_data": {"dataObjectApiName": …, "_id": …}}`
    ObjectData,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    target: Spanned<String>,
    object: Option<Spanned<String>>,
    key: Spanned<Label>,
    gone: Option<Spanned<Gone>>,
    rows_per_file: Option<Spanned<u64>>,
    bytes_per_file: Option<Spanned<u64>>,
    bom: Option<Spanned<bool>>,
    body: Option<Spanned<Body>>,
    field: Vec<RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    name: Spanned<Label>,
    column: Spanned<String>,
    decimals: Option<Spanned<usize>>,
    length: Option<Spanned<usize>>,
    words: Option<Spanned<RawWords>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWords {
    high: Label,
    medium: Label,
    low: Label,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Gone {
    Clear,
    Leave,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or { en = \"…\", zh = \"…\" }")]
enum Label {
    Same(String),
    Both(Text),
}

impl Label {
    fn get(&self, language: Language) -> String {
        match self {
            Self::Same(text) => text.clone(),
            Self::Both(text) => text.get(language).to_owned(),
        }
    }
}

impl Mapping {
    /// The mapping that comes with Tenure, its words in one language.
    ///
    /// # Errors
    ///
    /// None in a released build: a test reads them all.
    pub fn built_in(target: Target, language: Language) -> Result<Self> {
        let origin = format!("{} (built in)", target.name());
        Self::parse(target, &origin, target.mapping(), language)
    }

    /// Reads and checks a mapping for `target`, its words in one language.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) naming `origin`, the line and
    /// what is wrong.
    pub fn parse(target: Target, origin: &str, text: &str, language: Language) -> Result<Self> {
        let raw: RawMapping = document(origin, text)?;
        let check = Checker { target, origin, text, language };
        check.target(&raw.target)?;
        let is_table = target == Target::Csv;
        check.fits(&raw.bom, is_table, "only a plain table may have a byte order mark")?;
        check.fits(&raw.object, !is_table, "a plain table has no object")?;
        check.fits(&raw.body, target == Target::Fxiaoke, "only fxiaoke has two forms of bodies")?;
        let object = match raw.object {
            Some(object) if object.get_ref().trim().is_empty() => {
                return Err(check.error(&object, "the object has no name"));
            }
            Some(object) => object.into_inner(),
            None if is_table => String::new(),
            None => return Err(check.error(&raw.target, "`object` is missing")),
        };
        let key = check.name(&raw.key)?;
        if target == Target::Fxiaoke && key != "_id" {
            return Err(check.error(&raw.key, "fxiaoke finds a record by its \"_id\" alone"));
        }
        let mut names = vec![key.to_lowercase()];
        let mut fields = Vec::new();
        for field in &raw.field {
            let checked = check.field(field)?;
            if names.contains(&checked.name.to_lowercase()) {
                let message = format!("a second field is called \"{}\"", checked.name);
                return Err(check.error(&field.name, message));
            }
            names.push(checked.name.to_lowercase());
            fields.push(checked);
        }
        Ok(Self {
            target,
            object,
            key,
            clears: raw.gone.is_some_and(|gone| *gone.get_ref() == Gone::Clear),
            fields,
            rows_per_file: check.limit(raw.rows_per_file, target.most_rows(), "customers")?,
            bytes_per_file: check.limit(raw.bytes_per_file, target.most_bytes(), "bytes")?,
            bom: raw.bom.is_some_and(Spanned::into_inner),
            body: raw.body.map(Spanned::into_inner).unwrap_or_default(),
        })
    }

    /// Whether some field is filled from `column`.
    #[must_use]
    pub fn has(&self, column: Column) -> bool {
        self.fields.iter().any(|field| field.column == column)
    }
}

struct Checker<'a> {
    target: Target,
    origin: &'a str,
    text: &'a str,
    language: Language,
}

impl Checker<'_> {
    fn error<T>(&self, spanned: &Spanned<T>, message: impl std::fmt::Display) -> crate::Error {
        at(self.origin, line_of(self.text, spanned.span()), message)
    }

    /// A mapping sent to another system than it was written for would be refused
    /// there, field by field.
    fn target(&self, given: &Spanned<String>) -> Result<()> {
        let named = given.get_ref().as_str();
        if named == self.target.name() {
            return Ok(());
        }
        let known = Target::ALL.map(Target::name);
        Err(match Target::named(named) {
            Ok(_) => {
                let message = format!("it is for {named}, not for {}", self.target.name());
                self.error(given, message).hint(format!("add --target {named}"))
            }
            Err(_) => self
                .error(given, format!("there is no export target \"{named}\""))
                .hint_nearest(named, known),
        })
    }

    fn fits<T>(&self, given: &Option<Spanned<T>>, fits: bool, message: &str) -> Result<()> {
        match given {
            Some(given) if !fits => Err(self.error(given, message)),
            _ => Ok(()),
        }
    }

    fn name(&self, label: &Spanned<Label>) -> Result<String> {
        let name = label.get_ref().get(self.language);
        match self.target.refuses_field(&name) {
            Some(why) => Err(self.error(label, format!("the name \"{name}\" is refused: {why}"))),
            None => Ok(name),
        }
    }

    fn field(&self, raw: &RawField) -> Result<Field> {
        let asked = raw.column.get_ref();
        let column = Column::named(asked).ok_or_else(|| {
            let known = Column::ALL.map(Column::name);
            self.error(&raw.column, format!("scores have no column \"{asked}\""))
                .hint_nearest(asked, known)
                .hint(format!("there are: {}", known.join(", ")))
        })?;
        let (kind, is_band) = (column.kind(), column == Column::Band);
        self.fits(&raw.decimals, kind == Kind::Number, "only numbers have decimals")?;
        self.fits(&raw.length, kind == Kind::Text, "only texts have a length")?;
        self.fits(&raw.words, is_band, "only the column band has words")?;
        let within = |given: &Option<Spanned<usize>>, least: usize, most: usize| match given {
            Some(given) if !(least..=most).contains(given.get_ref()) => {
                Err(self.error(given, format!("it must be from {least} to {most}")))
            }
            _ => Ok(()),
        };
        within(&raw.decimals, 0, 18)?;
        within(&raw.length, 1, LONGEST)?;
        let words = raw.words.as_ref().map(|words| {
            let RawWords { high, medium, low } = words.get_ref();
            [high, medium, low].map(|word| word.get(self.language))
        });
        Ok(Field {
            name: self.name(&raw.name)?,
            column,
            decimals: raw.decimals.as_ref().map(|decimals| *decimals.get_ref()),
            length: match &raw.length {
                Some(length) => Some(*length.get_ref()),
                None => self.target.text_length(),
            },
            words,
        })
    }

    /// A limit of the mapping's own may only be lower than the target's.
    fn limit(
        &self,
        given: Option<Spanned<u64>>,
        most: Option<u64>,
        what: &str,
    ) -> Result<Option<u64>> {
        let Some(given) = given else { return Ok(most) };
        match (*given.get_ref(), most) {
            (0, _) => Err(self.error(&given, format!("no file can have 0 {what}"))),
            (asked, Some(most)) if asked > most => {
                let name = self.target.name();
                Err(self.error(&given, format!("{name} takes at most {most} {what} at once")))
            }
            (asked, _) => Ok(Some(asked)),
        }
    }
}

const _: () = assert!(BANDS.len() == 3, "words are given for each band");
