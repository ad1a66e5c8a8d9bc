//! How does a caller write down a step?
//!
//! As the name of an activity, with what else is asked of it:
//!
//! | text | means |
//! |---|---|
//! | `purchase` | a row called purchase |
//! | `purchase[quantity>=2]` | with a quantity of at least 2 |
//! | `use_feature[feature=export & plan!=trial]` | both must hold; a name that is no column is an attribute |
//! | `purchase within 7d` | at most 7 days after the step before |
//! | `renewal after 30d` | at least 30 days after the step before |
//! | `call optional` | may be left out |
//! | `!cancel` | not a step: no such row strictly between the steps around it |
//!
//! Lengths of time are `30s`, `90min`, `12h`, `7d`, `4w`.

use crate::error::{Error, ErrorKind, Result};
use crate::functions::calendar::length;

/// Steps and exclusions together: each has a bit of a row's mask.
pub const MOST: usize = 31;

/// What is asked of one row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The activity's name.
    pub name: String,
    /// What else must hold.
    pub conditions: Vec<Condition>,
}

/// A comparison of a column of `activity`, or of an attribute, with a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Column or attribute.
    pub column: String,
    /// How it compares.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// How a column compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// Two characters before one, so that `<=` is not read as `<`.
    const ALL: [(&'static str, Self); 6] = [
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// The rows that can serve it.
    pub pattern: Pattern,
    /// Least time after the step before, in microseconds.
    pub after: i64,
    /// Most time after the step before, in microseconds.
    pub within: Option<i64>,
    /// Whether it may be left out.
    pub optional: bool,
}

/// Something that must not lie between two steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exclusion {
    /// The rows it means.
    pub pattern: Pattern,
    /// It stands before this step, counted from 0.
    pub before: usize,
}

/// A path: steps in order, and what must not lie between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// At least one.
    pub steps: Vec<Step>,
    /// None stands before the first step or after the last.
    pub exclusions: Vec<Exclusion>,
}

impl Path {
    /// Reads steps as a caller writes them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] that names the step and what is wrong with it.
    pub fn parse(texts: &[String]) -> Result<Self> {
        let (mut steps, mut exclusions) = (Vec::new(), Vec::new());
        for text in texts {
            match text.trim().strip_prefix('!') {
                Some(excluded) => {
                    let step = step(excluded)?;
                    if step.optional || step.after != 0 || step.within.is_some() {
                        return Err(wrong(text, "an exclusion takes no times and no `optional`"));
                    }
                    let before = steps.len();
                    exclusions.push(Exclusion { pattern: step.pattern, before });
                }
                None => steps.push(step(text)?),
            }
        }
        let path = Self { steps, exclusions };
        path.check()?;
        Ok(path)
    }

    fn check(&self) -> Result<()> {
        let Some(first) = self.steps.first() else {
            return Err(Error::new(ErrorKind::Usage, "steps: there is none")
                .hint("name activity in order, e.g. signup,trial,purchase"));
        };
        if first.optional || first.after != 0 || first.within.is_some() {
            return Err(wrong(
                &first.pattern.name,
                "the first step is where the clock starts: it is not optional and has no times",
            ));
        }
        let n = self.steps.len();
        if let Some(outside) = self.exclusions.iter().find(|it| it.before == 0 || it.before == n) {
            let words = "an exclusion stands between two steps";
            return Err(wrong(&outside.pattern.name, words));
        }
        let bits = n + self.exclusions.len();
        if bits > MOST {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("steps: {bits} steps and exclusions are more than {MOST}"),
            ));
        }
        Ok(())
    }

    /// The patterns in the order of the bits of a row's mask: the steps, then
    /// the exclusions.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let excluded = self.exclusions.iter().map(|exclusion| &exclusion.pattern);
        self.steps.iter().map(|step| &step.pattern).chain(excluded)
    }

    /// Whether every step is a name and nothing else.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = |step: &Step| {
            step.pattern.conditions.is_empty()
                && step.after == 0
                && step.within.is_none()
                && !step.optional
        };
        self.exclusions.is_empty() && self.steps.iter().all(plain)
    }
}

fn wrong(text: &str, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("steps: \"{}\": {why}", text.trim()))
}

fn step(text: &str) -> Result<Step> {
    let mut rest = text.trim();
    let (mut after, mut within, mut optional) = (0, None, false);
    // Words after the name are read from the end, since names may have spaces.
    loop {
        if let Some(before) = rest.strip_suffix(" optional") {
            optional = true;
            rest = before.trim_end();
            continue;
        }
        let Some((before, last)) = rest.rsplit_once(' ') else { break };
        let Some((name, word)) = before.trim_end().rsplit_once(' ') else { break };
        let micros = || {
            length(last)
                .and_then(|length| length.num_microseconds())
                .ok_or_else(|| wrong(text, "a length of time is written 7d, 12h or 90min"))
        };
        match word {
            "within" => within = Some(micros()?),
            "after" => after = micros()?,
            _ => break,
        }
        rest = name.trim_end();
    }
    if within.is_some_and(|within| within < after) {
        return Err(wrong(text, "it has to come later than it may"));
    }
    Ok(Step { pattern: pattern(rest, text)?, after, within, optional })
}

fn pattern(rest: &str, text: &str) -> Result<Pattern> {
    let (name, conditions) = match rest.split_once('[') {
        None => (rest, Vec::new()),
        Some((name, inner)) => {
            let inner = inner
                .strip_suffix(']')
                .ok_or_else(|| wrong(text, "a condition ends with ] right after the value"))?;
            let conditions = inner.split('&').map(|part| condition(part, text));
            (name.trim_end(), conditions.collect::<Result<_>>()?)
        }
    };
    if name.is_empty() {
        return Err(wrong(text, "a step begins with the name of an activity"));
    }
    Ok(Pattern { name: name.to_owned(), conditions })
}

fn condition(part: &str, text: &str) -> Result<Condition> {
    let at = part.find(['!', '<', '>', '=']);
    let split = at.and_then(|at| {
        let (column, rest) = part.split_at(at);
        let (sign, operator) =
            Operator::ALL.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
        Some((column.trim(), operator, rest[sign.len()..].trim()))
    });
    match split {
        Some((column, operator, value)) if !column.is_empty() && !value.is_empty() => {
            Ok(Condition { column: column.to_owned(), operator, value: value.to_owned() })
        }
        _ => Err(wrong(text, "a condition is a column, one of = != < <= > >=, and a value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(texts: &[&str]) -> Result<Path> {
        Path::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn everything_a_step_can_say() {
        let path = path(&[
            "sign up",
            "use[feature=export & quantity >= 2] after 1h within 7d",
            "!cancel",
            "call optional",
            "buy within 30d optional",
            "!refund[plan=pro]",
            "renew",
        ])
        .unwrap();
        assert_eq!(path.steps.len(), 5);
        assert_eq!(path.steps[0].pattern.name, "sign up");
        let used = &path.steps[1];
        assert_eq!((used.after, used.within), (3_600_000_000, Some(604_800_000_000)));
        let [feature, quantity] = used.pattern.conditions.as_slice() else { panic!("{used:?}") };
        assert_eq!((feature.column.as_str(), feature.operator), ("feature", Operator::Equal));
        assert_eq!((quantity.value.as_str(), quantity.operator), ("2", Operator::GreaterOrEqual));
        assert!(path.steps[2].optional && path.steps[3].optional && !path.steps[4].optional);
        assert_eq!(path.exclusions.iter().map(|it| it.before).collect::<Vec<_>>(), [2, 4]);
        assert!(!path.is_plain());
        let names: Vec<_> = path.patterns().map(|pattern| pattern.name.as_str()).collect();
        assert_eq!(names, ["sign up", "use", "call", "buy", "renew", "cancel", "refund"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (texts, words) in [
            (&[][..], "there is none"),
            (&["a optional"], "not optional"),
            (&["!a", "b"], "between two steps"),
            (&["a", "!b"], "between two steps"),
            (&["a", "b within soon"], "length of time"),
            (&["a", "b after 3d within 1d"], "later than it may"),
            (&["a", "b[c"], "ends with ]"),
            (&["a", "b[c]"], "a condition is"),
            (&["a", "b[=1]"], "a condition is"),
            (&["a", "[b=1]"], "begins with the name"),
            (&["a", "!b optional", "c"], "takes no times"),
        ] {
            let error = path(texts).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let many: Vec<&str> = std::iter::repeat_n("a", MOST + 1).collect();
        assert!(path(&many).unwrap_err().to_string().contains("more than"));
    }
}
