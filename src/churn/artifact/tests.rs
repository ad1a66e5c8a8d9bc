use super::super::train::tests::small_artifact;
use super::*;

#[test]
fn a_model_survives_the_file_to_the_bit() {
    let artifact = small_artifact();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    artifact.save(&path).unwrap();
    let back = Artifact::load(&path).unwrap();
    assert_eq!(back, artifact);
    assert_eq!(back.to_bytes().unwrap(), artifact.to_bytes().unwrap());
    assert_eq!(artifact.id().len(), 12);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
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
    let changed = text.replacen("\"high\": 0.6", "\"high\": 0.7", 1);
    assert_ne!(changed, text);
    assert!(says(&changed).contains("the content was changed"));
    let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert!(says(&newer).contains("has format 2, this version reads format 1"));
    assert!(says(&text[..text.len() / 2]).contains("m.json: not a model artifact"));
    assert!(says("{}").contains("missing field `format`"));
    let extra = text.replacen("\"provenance\": {", "\"provenance\": {\n\"more\": 1,", 1);
    assert!(says(&extra).contains("unknown field `more`"));
}
