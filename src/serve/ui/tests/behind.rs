//! Does every reason lead to its own rows, and say how many there are?

use serde_json::json;

use super::{EVIL, column, context, customer_page, rows};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::pages::behind::{Behind, BehindPage, anchor, render};
use crate::serve::ui::pages::customer;
use crate::serve::ui::table::{ColumnKind, DataTable};
use crate::serve::ui::text::Text;

/// A reason with rows, one with none, and one whose rows nothing lists.
pub fn page() -> BehindPage {
    let columns = vec![column("at", ColumnKind::Date), column("n", ColumnKind::Text)];
    let data = rows(&json!([{"at": "2025-01-01T00:00:00", "n": EVIL}]));
    let table = DataTable { columns, rows: data, total: 812 };
    let none = DataTable { columns: Vec::new(), rows: Vec::new(), total: 0 };
    let reason = |rows| Behind { text: EVIL.to_owned(), rows };
    let listed = |table| reason(Ok((EVIL.to_owned(), EVIL.to_owned(), table)));
    let reasons = vec![listed(table), listed(none), reason(Err(Text::NotListed))];
    BehindPage { customer_id: EVIL.to_owned(), cutoff: "2025-11-30".to_owned(), reasons }
}

#[test]
fn each_reason_leads_to_its_own_rows() {
    let cx = context(Lang::En);
    let customer = customer::render(&cx, &customer_page()).into_string();
    let rows = render(&cx, &page()).into_string();
    for place in 0..3 {
        let anchor = anchor(place);
        assert!(customer.contains(&format!("/rows#{anchor}\"")), "{anchor}");
        assert!(rows.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    for words in ["812", Text::NothingBehind.get(Lang::En), Text::NotListed.get(Lang::En)] {
        assert_eq!(rows.matches(words).count(), 1, "{words}");
    }
}
