//! A browser without script, for the show: follows redirects, keeps cookies by host, fills forms in.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};

/// More redirects than any way of ours has.
const MOST_REDIRECTS: usize = 10;

/// One browser, with its cookies. Cookies of a host go to all its ports, as RFC 6265 has it; the show's are all of one host.
pub(super) struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    page: Page,
}

/// What a browser shows.
#[derive(Clone, Default)]
pub(super) struct Page {
    pub(super) address: String,
    pub(super) status: u16,
    html: String,
}

impl Browser {
    /// A new one, for a server on this machine.
    pub(super) fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, cookies: BTreeMap::new(), page: Page::default() })
    }

    pub(super) const fn page(&self) -> &Page {
        &self.page
    }

    /// Opens an address.
    pub(super) async fn open(&mut self, address: &str) -> anyhow::Result<&Page> {
        self.load(address.to_owned(), None).await
    }

    /// Sends the form of this page whose action ends so: its hidden fields, and what is typed.
    pub(super) async fn send(&mut self, action: &str, typed: &[(&str, &str)]) -> anyhow::Result<&Page> {
        let (to, hidden) = self.page.form(action).with_context(|| format!("no form to {action} on this page"))?;
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.extend_pairs(hidden).extend_pairs(typed);
        self.load(absolute(&self.page.address, &to)?, Some(fields.finish())).await
    }

    async fn load(&mut self, mut address: String, mut form: Option<String>) -> anyhow::Result<&Page> {
        for _ in 0..MOST_REDIRECTS {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = match form.take() {
                Some(form) => self
                    .http
                    .post(&address)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header("origin", origin(&self.page.address)?)
                    .body(form),
                None => self.http.get(&address),
            };
            let answer = request.header("cookie", cookies.join("; ")).send().await?;
            for cookie in answer.headers().get_all("set-cookie") {
                let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').context("a cookie without a value")?;
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let status = answer.status();
            if status.is_redirection() {
                let to = answer.headers().get("location").context("a redirect to nowhere")?.to_str()?.to_owned();
                address = absolute(&address, &to)?;
                continue;
            }
            self.page = Page { address, status: status.as_u16(), html: answer.text().await? };
            return Ok(&self.page);
        }
        bail!("redirects without end")
    }
}

impl Page {
    /// The text of the element with this id, which must have no elements in it.
    pub(super) fn text(&self, id: &str) -> Option<String> {
        let (_, rest) = self.html.split_once(&format!("id=\"{id}\">"))?;
        Some(unescaped(rest.split_once('<')?.0))
    }

    /// The page's title.
    pub(super) fn heading(&self) -> Option<String> {
        let (_, rest) = self.html.split_once("<h1")?;
        Some(unescaped(rest.split_once('>')?.1.split_once('<')?.0))
    }

    /// Where a form goes, and its hidden fields.
    fn form(&self, action: &str) -> Option<(String, Vec<(String, String)>)> {
        self.html.split("<form").skip(1).find_map(|form| {
            let form = form.split("</form").next()?;
            let to = attribute(form.split('>').next()?, "action").filter(|to| to.ends_with(action))?;
            let inputs = form.split("<input").skip(1).filter_map(|input| input.split('>').next());
            let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
            let pairs = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
            Some((to, pairs.collect()))
        })
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split_once('"')?.0))
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#34;", "\"");
    text.replace("&#39;", "'").replace("&amp;", "&").replace("&#38;", "&")
}

fn origin(address: &str) -> anyhow::Result<&str> {
    let (scheme, rest) = address.split_once("://").context("no page that this could come from")?;
    let end = scheme.len() + 3 + rest.find(['/', '?']).unwrap_or(rest.len());
    address.get(..end).context("no origin")
}

fn absolute(from: &str, to: &str) -> anyhow::Result<String> {
    if to.starts_with('/') {
        return Ok(format!("{}{to}", origin(from)?));
    }
    ensure!(to.starts_with("http://localhost:"), "the way leads away from this machine");
    Ok(to.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_with_what_is_hidden_in_it() {
        let html = "<form method=\"post\" action=\"/a/other\"></form><form class=\"x\" method=\"post\" action=\"/a/passcode\">\n\
                    <input type=\"hidden\" name=\"token\" value=\"a&amp;b\"><input type=\"text\" name=\"code\"></form>\
                    <pre id=\"claims\">{&quot;a&quot;:1}</pre>";
        let page = Page { html: html.to_owned(), ..Page::default() };
        let (to, hidden) = page.form("/passcode").unwrap();
        assert_eq!((to.as_str(), hidden), ("/a/passcode", vec![("token".to_owned(), "a&b".to_owned())]));
        assert!(page.form("/nothing").is_none());
        assert_eq!(page.text("claims").as_deref(), Some("{\"a\":1}"));
    }

    #[test]
    fn an_address_is_of_the_page_that_names_it() {
        let from = "http://localhost:1/a?b=/c";
        assert_eq!(absolute(from, "/d").unwrap(), "http://localhost:1/d");
        assert_eq!(absolute(from, "http://localhost:2/d").unwrap(), "http://localhost:2/d");
        assert!(absolute(from, "http://elsewhere.test/").is_err());
    }
}
