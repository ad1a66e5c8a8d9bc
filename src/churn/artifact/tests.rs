use super::super::train::tests::{small_artifact, small_frame};
use super::*;

#[test]
fn a_model_survives_its_bytes_to_the_bit() {
    let artifact = small_artifact();
    let bytes = artifact.to_bytes().unwrap();
    let back = Artifact::from_bytes(&bytes, "m.json").unwrap();
    assert_eq!(back, artifact);
    assert_eq!(back.to_bytes().unwrap(), bytes);
    assert_eq!(artifact.id().len(), 12);
}

/// A file that an earlier version wrote is read, and scores as it did then. It
/// is never written anew: when the format changes, another file joins it.
#[test]
fn the_committed_artifact_of_format_1_scores_as_on_the_day_it_was_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/artifacts/format-1.json");
    let bytes = std::fs::read(path).unwrap();
    let artifact = Artifact::from_bytes(&bytes, path).unwrap();
    let scored = artifact.content().model.score(&small_frame(), 1).unwrap();
    let probabilities: Vec<f64> = scored.iter().take(5).map(|one| one.probability).collect();
    let expected = [
        0.11185697099567908,
        0.09162573786710718,
        0.3135690957135981,
        0.1272773048818287,
        0.1477364496164934,
    ];
    assert_eq!(probabilities, expected);
}

/// The second format kept no baseline.
#[test]
fn a_file_without_a_baseline_is_read() {
    let mut content = small_artifact().content().clone();
    assert!(content.baseline.take().is_some());
    let artifact = Artifact::new(content).unwrap();
    let text = String::from_utf8(artifact.to_bytes().unwrap()).unwrap();
    let older = text.replacen("\"format\":3", "\"format\":2", 1);
    assert_ne!(older, text);
    assert_eq!(Artifact::from_bytes(older.as_bytes(), "m.json").unwrap(), artifact);
}

/// As before; a file of this format knows no curve.
#[test]
fn the_committed_artifact_of_format_2_scores_as_on_the_day_it_was_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/artifacts/format-2.json");
    let bytes = std::fs::read(path).unwrap();
    let artifact = Artifact::from_bytes(&bytes, path).unwrap();
    assert!(artifact.content().survival.is_none());
    assert!(artifact.content().validation.horizons.is_empty());
    let scored = artifact.content().model.score(&small_frame(), 1).unwrap();
    let probabilities: Vec<f64> = scored.iter().take(5).map(|one| one.probability).collect();
    let expected = [
        0.144038649689078,
        0.1234873008133972,
        0.29088112486081974,
        0.1453006321390147,
        0.15772596651030357,
    ];
    assert_eq!(probabilities, expected);
}

#[test]
fn changed_newer_and_foreign_files_are_refused() {
    let artifact = small_artifact();
    let text = String::from_utf8(artifact.to_bytes().unwrap()).unwrap();
    let says = |text: &str| {
        let error = Artifact::from_bytes(text.as_bytes(), "m.json").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        error.to_string()
    };
    let changed = text.replacen("\"high\":0.6", "\"high\":0.7", 1);
    assert_ne!(changed, text);
    assert!(says(&changed).contains("the content was changed"));
    let (now, next) = (format!("\"format\":{FORMAT}"), format!("\"format\":{}", FORMAT + 1));
    let newer = text.replacen(&now, &next, 1);
    let words = format!("has format {}, this version reads format 1 to {FORMAT}", FORMAT + 1);
    assert!(says(&newer).contains(&words));
    assert!(says(&text[..text.len() / 2]).contains("m.json: not a model artifact"));
    assert!(says("{}").contains("missing field `format`"));
    let extra = text.replacen(&now, &format!("{now},\"more\":1"), 1);
    assert!(says(&extra).contains("unknown field `more`"));
}
