//! Which files does the dashboard load, and what may a page do at all?
//!
//! A style sheet, a script of a few lines and an icon, compiled in, so the
//! dashboard works with no network and no files beside the binary.

/// A file the dashboard serves.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Where pages expect it.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub body: &'static str,
}

/// The one style sheet.
pub const STYLE: Asset = Asset {
    path: "/assets/style.css",
    content_type: "text/css; charset=utf-8",
    body: include_str!("style.css"),
};

/// The one script: it sorts tables; without it every page still works.
pub const SCRIPT: Asset = Asset {
    path: "/assets/sort.js",
    content_type: "text/javascript; charset=utf-8",
    body: include_str!("sort.js"),
};

/// The icon in the browser's tab.
pub const ICON: Asset = Asset {
    path: "/assets/icon.svg",
    content_type: "image/svg+xml",
    body: include_str!("icon.svg"),
};

/// Every file, for the router.
pub const ALL: [Asset; 3] = [STYLE, SCRIPT, ICON];

/// The `Content-Security-Policy` of every page: nothing inline, nothing from
/// elsewhere, no frame around us. Customer data is on these pages, so an
/// injected name must not be able to run or to send anything.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
    script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";
