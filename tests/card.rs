//! Does the card of a model say what its file says, on the dashboard and alone?

use tenure::config::Language;
use tenure::serve::ui::context::{Context, Section};
use tenure::serve::ui::pages::model_card;

use crate::common::block_on;
use crate::serve::{ask, scored};

#[test]
fn the_card_of_a_model_says_what_its_file_says_and_needs_nothing_else() {
    let (tenure, service) = scored();
    let card = block_on(tenure.model_card(None)).unwrap();
    let validation = &card.artifact.content().validation;
    let model = card.version.model.clone();
    let served = ask(service, &format!("/models/{model}"), &[]);
    let context = Context {
        lang: Language::Zh,
        path: String::new(),
        query: Vec::new(),
        section: Section::None,
    };
    let alone = model_card::standalone(&context, &card).into_string();
    for page in [served.text(), &alone] {
        assert!(page.contains(&model));
        for figure in validation.figures() {
            assert!(page.contains(&format!("{:.4}", figure.value)), "{}", figure.name);
        }
        for driver in &validation.drivers {
            let title = driver.title.get(if page == alone { Language::Zh } else { Language::En });
            assert!(page.contains(title), "{title}");
        }
    }
    for other in ["<link", "<script", "<img", "src=", "href=", "url(", "@import", "http:"] {
        assert!(!alone.contains(other), "{other} would need another file");
    }
    assert!(!validation.drivers.is_empty());
    assert!(validation.drivers.is_sorted_by(|a, b| a.log_odds >= b.log_odds));

    let wrong = format!("/models/{}x", &model[..11]);
    let unknown = ask(service, &wrong, &[]);
    assert_eq!(unknown.status, 404);
    assert!(unknown.text().contains(&format!("href=\"/models/{model}\"")), "{}", unknown.text());
}
