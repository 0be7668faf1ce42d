//! Pages of lists, newest first. A page's token is the id after which it begins, so it stays right while others are made.

use super::{ApiError, Form};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const USUAL: i64 = 50;
const MOST: i64 = 1000;

/// Which page was asked for.
pub(crate) struct Paging {
    /// Rows of a page.
    pub(crate) size: i64,
    /// Its number, as the client counts: only told back.
    number: i64,
    /// Only what comes after this id.
    pub(crate) after: Option<Uuid>,
    path: String,
    /// The other parameters of the list, encoded.
    rest: String,
}

impl Paging {
    /// Reads `PageSize`, `Page` and `PageToken`; `filters` are the parameters that the next page must name again.
    pub(crate) fn read(path: &str, query: &Form, filters: &[&'static str]) -> Result<Self, ApiError> {
        let after = query.filled("PageToken")?.map(|text| token(text).ok_or_else(|| ApiError::parameter("PageToken")));
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for name in filters {
            for value in query.all(name) {
                rest.append_pair(name, value);
            }
        }
        Ok(Self {
            size: query.number("PageSize", 1, MOST)?.unwrap_or(USUAL),
            number: query.number("Page", 0, i64::MAX)?.unwrap_or(0),
            after: after.transpose()?,
            path: path.to_owned(),
            rest: rest.finish(),
        })
    }

    /// Rows to ask the store for: one more than are shown, which says whether there is another page.
    pub(crate) const fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Cuts the one too many off, and gives the id after which the next page begins.
    pub(crate) fn cut<T>(&self, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<Uuid> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return None;
        }
        rows.truncate(size);
        rows.last().map(id)
    }

    fn address(&self, number: i64, after: Option<Uuid>) -> String {
        let mut query = form_urlencoded::Serializer::new(self.rest.clone());
        query.append_pair("PageSize", &self.size.to_string()).append_pair("Page", &number.to_string());
        if let Some(after) = after {
            query.append_pair("PageToken", &format!("PT{}", after.simple()));
        }
        format!("{}?{}", self.path, query.finish())
    }

    /// As the API of 2010 gives a list: paths, and the rows under `name`.
    pub(crate) fn old(&self, name: &str, rows: Vec<Value>, next: Option<Uuid>) -> Value {
        let start = self.number.saturating_mul(self.size);
        let end = start.saturating_add(i64::try_from(rows.len()).unwrap_or(0)).saturating_sub(1).max(0);
        let mut list = Map::new();
        list.insert(name.to_owned(), Value::Array(rows));
        for (name, value) in [
            ("first_page_uri", json!(self.address(0, None))),
            ("next_page_uri", json!(next.map(|next| self.address(self.number.saturating_add(1), Some(next))))),
            ("previous_page_uri", Value::Null),
            ("page", json!(self.number)),
            ("page_size", json!(self.size)),
            ("start", json!(start)),
            ("end", json!(end)),
            ("uri", json!(self.address(self.number, self.after))),
        ] {
            list.insert(name.to_owned(), value);
        }
        Value::Object(list)
    }

    /// As the later APIs give a list: addresses at `site`, under `meta`.
    pub(crate) fn with_meta(&self, site: &str, name: &str, rows: Vec<Value>, next: Option<Uuid>) -> Value {
        let at = |path: String| format!("{site}{path}");
        let mut list = Map::new();
        list.insert(name.to_owned(), Value::Array(rows));
        let meta = json!({
            "page": self.number,
            "page_size": self.size,
            "first_page_url": at(self.address(0, None)),
            "previous_page_url": Value::Null,
            "url": at(self.address(self.number, self.after)),
            "next_page_url": next.map(|next| at(self.address(self.number.saturating_add(1), Some(next)))),
            "key": name,
        });
        list.insert("meta".to_owned(), meta);
        Value::Object(list)
    }
}

/// The id in a page's token.
pub(crate) fn token(text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix("PT").filter(|digits| digits.len() == 32)?;
    Uuid::try_parse(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_page_begins_where_this_one_ends() {
        let query = Form::parse(b"PageSize=2&DateSent%3C=2026-11-22&Other=x").unwrap();
        let paging = Paging::read("/list.json", &query, &["DateSent<"]).unwrap();
        let mut rows: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let next = paging.cut(&mut rows, |id| *id);
        assert_eq!((rows.len(), next), (2, Some(Uuid::from_u128(2))));
        let list = paging.old("rows", Vec::new(), next);
        assert_eq!(
            list["next_page_uri"],
            "/list.json?DateSent%3C=2026-11-22&PageSize=2&Page=1&PageToken=PT00000000000000000000000000000002"
        );
        let asked = Form::parse(list["next_page_uri"].as_str().unwrap().split_once('?').unwrap().1.as_bytes()).unwrap();
        assert_eq!(Paging::read("/list.json", &asked, &[]).unwrap().after, Some(Uuid::from_u128(2)));
        assert_eq!(paging.cut(&mut vec![Uuid::nil()], |id| *id), None);
        let list = paging.with_meta("https://x", "rows", Vec::new(), None);
        assert_eq!(list["meta"]["next_page_url"], Value::Null);
        assert_eq!(list["meta"]["key"], "rows");
    }

    #[test]
    fn strange_pages_are_refused() {
        for query in ["PageSize=0", "PageSize=1001", "PageSize=x", "Page=-1", "PageToken=x", "PageToken=PT12"] {
            assert!(Paging::read("/", &Form::parse(query.as_bytes()).unwrap(), &[]).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn a_token_is_an_id_or_nothing(text in "\\PC{0,40}|PT[0-9a-f]{32}") {
            if let Some(id) = token(&text) {
                prop_assert_eq!(format!("PT{}", id.simple()), text.to_ascii_lowercase().replacen("pt", "PT", 1));
            }
        }
    }
}
